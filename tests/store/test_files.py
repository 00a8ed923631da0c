"""The digests of a model folder's files: written in sha256sum's format, compared when a model is loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from mere.data.features import Features
from mere.data.pieces import HashedUnits
from mere.data.units import Units
from mere.errors import ModelError
from mere.models.backend import load_predictor
from mere.models.delta import WHOLE
from mere.models.model import build
from mere.schema import UNIVERSAL, Labels
from mere.store.fetch import find_model
from mere.store.files import SUMS, compare_all, read_sums, sha256
from tests import tiny
from tests.store.folders import write_model

LABELS = Labels(("birth-place", "wrote"), ("PER",), ("de", "te"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of file: weights, what the pieces learned, a language's own weights."""
    path = tmp_path_factory.mktemp("files") / "model"
    pieces = HashedUnits(Units(), Features(64, np.array([1, 2, 3], dtype=np.uint32)))
    recipe = tiny.recipe(encoder={**tiny.recipe().encoder.model_dump(), "rows": 64})
    torch.manual_seed(1)
    model = build(recipe, LABELS, pieces)
    name, tensor = next(iter(model.state_dict().items()))
    return write_model(
        path, model, recipe=recipe, labels=LABELS, pieces=pieces, thresholds={UNIVERSAL: 0.3}, metrics={},
        card="# tiny\n", own={"te": {WHOLE + name: tensor + 1}},
    )  # fmt: skip


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def test_sha256_is_that_of_the_standard(tmp_path: Path) -> None:
    """FIPS 180-4's examples: of nothing, of "abc", and of a million times "a", which is longer than a chunk."""
    examples = {
        b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        b"a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    }
    for content, digest in examples.items():
        (tmp_path / "file").write_bytes(content)
        assert sha256(tmp_path / "file") == digest
    long = bytes(range(256)) * 20_000
    (tmp_path / "file").write_bytes(long)
    assert sha256(tmp_path / "file") == hashlib.sha256(long).hexdigest()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_the_program_sha256sum_agrees(folder: Path) -> None:
    check = ["sha256sum", "--check", "--strict", SUMS]
    done = subprocess.run(check, cwd=folder, capture_output=True, text=True, check=True)
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {line.removesuffix(": OK") for line in done.stdout.splitlines()} == there - {SUMS, "README.md"}
    assert "languages/te.safetensors" in there
    (folder / "labels.json").write_text("{}")
    assert subprocess.run(check, cwd=folder, capture_output=True, check=False).returncode == 1


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [cut, flip, remove])
def test_a_file_that_is_not_as_it_was_written_is_refused(
    whole: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    """Every file that SHA256SUMS lists, one after the other, by loading and by comparing all."""
    names = read_sums(whole)
    assert len(names) == 6
    for name in names:
        folder = Path(shutil.copytree(whole, tmp_path / name.replace("/", "-")))
        spoil(folder / name)
        for load in (load_predictor, compare_all):
            with pytest.raises(ModelError) as raised:
                load(folder)
            assert str(raised.value).startswith(f"{folder / name}: ")


def test_sums_that_are_gone_are_missed(folder: Path) -> None:
    (folder / SUMS).unlink()
    with pytest.raises(ModelError, match=r"SHA256SUMS: this file is missing\. Copy the whole folder"):
        load_predictor(folder)


def test_the_card_is_for_people_and_may_be_edited(folder: Path) -> None:
    (folder / "README.md").write_text("# mine\n", encoding="utf-8")
    assert load_predictor(folder).labels == LABELS
    (folder / "README.md").unlink()
    assert load_predictor(folder).labels == LABELS


def test_a_folder_older_than_the_sums_is_read(folder: Path) -> None:
    """Its config.json does not promise any; the digests that it has are compared as ever."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config.pop("sums") is True
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / SUMS).unlink()
    assert load_predictor(folder).labels == LABELS
    flip(folder / "languages" / "te.safetensors")
    with pytest.raises(ModelError, match=r"te\.safetensors: not the file that the model was written with"):
        load_predictor(folder)


@pytest.mark.parametrize(
    ("lines", "number"),
    [("", 1), ("nonsense\n", 1), (f"{'0' * 64}  ../other\n", 1), (f"{'0' * 64}  a\n{'0' * 63}  b\n", 2)],
)
def test_sums_that_are_none(folder: Path, lines: str, number: int) -> None:
    (folder / SUMS).write_text(lines, encoding="utf-8")
    with pytest.raises(
        ModelError, match=f"{SUMS}:{number}: not a SHA-256 and the name of a file in this folder"
    ):
        load_predictor(folder)


def test_a_broken_file_of_the_hubs_cache_is_to_be_fetched_again(whole: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--org--name" / "snapshots" / "abc"
    shutil.copytree(whole, snapshot)
    flip(snapshot / "languages" / "te.safetensors")
    said = "hf download org/name languages/te.safetensors --revision abc --force-download"
    with pytest.raises(ModelError, match=f"Fetch it again: {said}"):
        load_predictor(snapshot)


def test_a_folder_that_is_here_wins_and_a_path_is_no_hub_name(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of these asks the hub: an answer of its would be told."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole, tmp_path / "org" / "name")
    assert find_model("org/name") == Path("org/name")
    online = "no such folder; expected a model's folder.*One on the hub: org/nmae@main"
    with pytest.raises(ModelError, match=online):
        find_model("org/nmae")
    with pytest.raises(ModelError, match=r"other/name: no such folder") as raised:
        find_model(Path("other/name"))
    assert "hub" not in str(raised.value)
    for name in ("name", "a/b/c", "/org/name", "./other", "org/näme", "org/name@", "-org/name"):
        with pytest.raises(ModelError, match="no such folder") as raised:
            find_model(name)
        assert "hub" not in str(raised.value)
