"""JSON lines whose keys are not mere's: the command that is advised makes them so, and it is run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mere.data.formats import jsonl, sniff, table_csv
from mere.data.formats.tally import Tally
from mere.errors import DataError
from mere.lang_codes import is_same, stated
from mere.types import Sentence

TEXT = "Ida Tal lebt in Bonn."
PLACES = ({"start": 0, "end": 7}, {"start": 16, "end": 20})


def written(folder: Path, record: dict[str, Any], name: str = "de.train.jsonl") -> Path:
    path = folder / name
    path.write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def mended(path: Path) -> Sentence:
    """Run what the error advises, and read what comes of it."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    with pytest.raises(DataError) as raised:
        list(jsonl.read(path))
    advised = str(raised.value).partition("Run: ")[2]
    subprocess.run(advised, shell=True, check=True)
    (sentence,) = jsonl.read(path.with_name("de.train.moved.jsonl"), tally=Tally())
    return sentence


def found(sentence: Sentence) -> list[tuple[str, str | None]]:
    return [(entity.text, entity.type) for entity in sentence.entities]


@pytest.mark.parametrize(
    "record",
    [
        {"Entities": [{**PLACES[0], "type": "PER"}]},
        {"gold": [[0, 7, "PER"]]},
        {"results": [{"start_char": 0, "end_char": 7, "label": "PER"}]},
        {"entityMentions": [{**PLACES[0], "entityType": "PER"}]},
        {"entities": [{"start_offset": 0, "end_offset": 7, "type": "PER"}]},
        {"entities": [{"offset": 0, "length": 7, "type": "PER"}]},
        {"entities": [{"start": "0", "end": "7", "type": "PER"}]},
        {"entities": [{"start": 0.0, "end": 7.0, "type": "PER"}]},
    ],
)
def test_mentions(tmp_path: Path, record: dict[str, Any]) -> None:
    assert found(mended(written(tmp_path, {"text": TEXT, **record}))) == [("Ida Tal", "PER")]


@pytest.mark.parametrize(
    "record",
    [
        {"relations": [{"from_id": "T1", "to_id": "T2", "type": "lives-in"}]},
        {"triples": [{"head": PLACES[0], "relation": "lives-in", "tail": PLACES[1]}]},
    ],
)
def test_relations(tmp_path: Path, record: dict[str, Any]) -> None:
    entities = [{"id": f"T{number}", **place, "type": "X"} for number, place in enumerate(PLACES, 1)]
    (triple,) = mended(written(tmp_path, {"text": TEXT, "entities": entities, **record})).triples
    assert (triple.subject.text, triple.relation, triple.object.text) == ("Ida Tal", "lives-in", "Bonn")


def test_a_text_under_another_key(tmp_path: Path) -> None:
    assert mended(written(tmp_path, {"sentence": TEXT})).text == TEXT


@pytest.mark.parametrize("harmless", [{"sentences": [{"start": 0, "end": 21}]}, {"topics": ["a", "b"]}])
def test_harmless_keys_stay(tmp_path: Path, harmless: dict[str, Any]) -> None:
    (sentence,) = jsonl.read(written(tmp_path, {"text": TEXT, **harmless}))
    assert sentence.extra == harmless


@pytest.mark.parametrize("key", ["language", "lang_code", "locale"])
def test_a_language_under_another_key_is_read_and_counted(tmp_path: Path, key: str) -> None:
    tally = Tally()
    (sentence,) = jsonl.read(written(tmp_path, {"text": TEXT, key: "pt-BR"}, "corpus.jsonl"), tally=tally)
    assert (sentence.lang, tally.repaired) == ("pt-BR", {f'languages under "{key}"': 1})


@pytest.mark.parametrize(
    "content", ['{"text": "Ada"}{"text": "Bo"}\n', '{\n "text": "Ada"\n}\n{\n "text": "Bo"\n}\n']
)
def test_objects_that_are_not_one_a_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "de.train.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(
        DataError, match=r"not one a line\. Run: jq -c \. .*de\.train\.jsonl > .*de\.train\.lines\.jsonl"
    ):
        list(jsonl.read(path))


def test_an_array_is_no_export_of_label_studio(tmp_path: Path) -> None:
    (tmp_path / "de.train.json").write_text('[{"text": "Ada"}]', encoding="utf-8")
    with pytest.raises(DataError, match=r"a JSON array.*jq -c"):
        sniff(tmp_path / "de.train.json")


def test_tokens_in_csv_are_told(tmp_path: Path) -> None:
    path = tmp_path / "de.train.csv"
    path.write_text("Sentence #,Word,Tag\nSentence: 1,Ida,B-per\n,ruht,O\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"rows are tokens with tags\. Run: python3 -c .*de\.train\.tabs\.csv"
    ):
        list(table_csv.read(path))


@pytest.mark.parametrize("spelt", ["ｄｅ", "de\u200b", "[de]", "<de>", "__de__", "de:", "de-1901"])
def test_what_surrounds_a_language_is_no_part_of_it(spelt: str) -> None:
    assert is_same(stated(spelt) or "", "de")


@pytest.mark.parametrize("spelt", ["n/a", "UNK", "??", "NaN", "\u200b und"])
def test_what_states_no_language(spelt: str) -> None:
    assert stated(spelt) is None


@pytest.mark.parametrize(
    ("country", "lang"), [("cz", "cs"), ("jp", "ja"), ("ua", "uk"), ("gr", "el"), ("cn", "zh")]
)
def test_countries_that_are_no_languages(country: str, lang: str) -> None:
    assert is_same(country, lang)
