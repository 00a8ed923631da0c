"""The models that come with mere: whole, silent where nothing is named, used where no model is."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

import mere as library
from mere.errors import ModelError
from mere.inference.extractor import Extractor
from mere.shipped import DEFAULT, default_model, shipped_models
from mere.store.files import compare_all
from mere.store.info import ModelInfo
from tests.command import mere, worked

LARGEST = {"names": 15e6, "facts": 30e6}
"""Bytes, compressed as in a wheel."""


@pytest.fixture(scope="module")
def names() -> Extractor:
    return library.load("names")


@pytest.fixture(scope="module")
def both() -> Extractor:
    return library.load()


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_each_is_whole_and_says_what_it_is(name: str) -> None:
    folder = shipped_models()[name]
    compare_all(folder)
    info = ModelInfo.read(folder)
    assert info.name.startswith(name)
    assert info.form == "graphs"
    assert info.licence != "unknown"
    packed = sum(len(zlib.compress(file.read_bytes())) for file in folder.rglob("*") if file.is_file())
    assert packed < LARGEST[name]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert all(lang in card for lang in info.languages)
    assert name in worked(mere("models")).stdout


NAMED = [
    ("en", "Marta Lindqvist left Brussels.", {("Marta Lindqvist", "PER"), ("Brussels", "LOC")}),
    ("de", "Der Sprecher Jürgen Hallstein reiste nach Bremen.", {("Jürgen Hallstein", "PER"), ("Bremen", "LOC")}),
    ("nb", "Kari Nordahl reiste fra Oslo til Bergen i går.", {("Kari Nordahl", "PER"), ("Oslo", "LOC")}),
    ("hi", "रमेश अय्यर मुंबई में रहते हैं।", {("मुंबई", "LOC")}),
    ("tr", "Elif Karaca dün Ankara'da konuştu.", {("Elif Karaca", "PER")}),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "text", "expected"), NAMED)
def test_names_are_found(names: Extractor, lang: str, text: str, expected: set[tuple[str, str]]) -> None:
    document = names(text, lang=lang)
    assert expected <= {(entity.text, entity.type) for entity in document.entities}


STATED = [
    ("de", "Die Nordwind AG mit Sitz in Bremen wächst.", ("Nordwind AG", "headquarters", "Bremen"), ("ORG", "LOC")),
    ("tr", "Elif Karaca, Ankara'da doğdu ve gazeteci.", ("Elif Karaca", "birth-place", "Ankara"), ("PER", None)),
    ("pt", "Tiago Meireles, nascido em Coimbra, canta.", ("Tiago Meireles", "birth-place", "Coimbra"), ("PER", "LOC")),
    ("ja", "佐藤健一は京都市で生まれ、東京大学を卒業した。", ("佐藤健一", "has-edu", "東京大学"), ("PER", "ORG")),
    ("hi", "रमेश अय्यर का जन्म मुंबई में हुआ था।", ("रमेश अय्यर", "birth-place", "मुंबई"), ("PER", "LOC")),
]  # fmt: skip


@pytest.mark.parametrize(("lang", "text", "fact", "types"), STATED)
def test_facts_are_found_between_entities(
    both: Extractor, lang: str, text: str, fact: tuple[str, str, str], types: tuple[str, str | None]
) -> None:
    found = {
        (t.subject.text, t.relation, t.object.text): (t.subject.type, t.object.type)
        for t in both(text, lang=lang).triples
    }
    assert found.get(fact) == types


def test_a_denial_a_question_and_a_meeting_state_nothing(both: Extractor) -> None:
    for text in (
        "Kari Nordahl was not born in Salem.",
        "Nobody knows whether Kari Nordahl ever studied in Leeds.",
        "Kari Nordahl traf Jürgen Hallstein am Bahnhof von Bremen.",
    ):
        assert both(text).triples == ()


def test_where_nothing_is_named_it_is_silent(names: Extractor) -> None:
    noise = base64.b64encode(np.random.default_rng(0).bytes(20_000)).decode()
    table = "\n".join(f"{i}\t{i * i}\t{i / 7:.3f}" for i in range(200))
    for text in ("for (int i = 0; i < n; ++i) { sum += a[i]; }", table, "1 2 3", "…", ""):
        assert names(text).entities == ()
    assert len(names(noise).entities) <= len(noise) / 5_000


def test_text_without_a_model_is_read_by_it(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("Kari Nordahl reiste fra Oslo.\n", encoding="utf-8")
    alone, named = worked(mere("extract", file)), worked(mere("extract", default_model(), file))
    assert alone.stdout == named.stdout
    assert [e["text"] for e in json.loads(alone.stdout)["entities"]] == ["Kari Nordahl", "Oslo"]


def test_no_torch_is_loaded() -> None:
    code = (
        "import sys, mere; assert mere.load()('Kari Nordahl reiste fra Oslo.').entities; "
        "assert not {'torch', 'transformers', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_damaged_one_is_named_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shipped_models"
    shutil.copytree(shipped_models()[DEFAULT], package / DEFAULT)
    (package / DEFAULT / "labels.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr("mere.shipped.IN_PACKAGE", package)
    with pytest.raises(ModelError, match=r"labels\.json.*pip install --force-reinstall --no-deps mere"):
        library.load()
