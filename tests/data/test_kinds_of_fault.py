"""Kinds of fault in JSON lines, with members that nobody planted before: each is told, and mended where it can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mere.data.check import check
from mere.data.formats import Problem, Reading, jsonl
from mere.data.formats.reading import Offsets
from mere.data.formats.tally import Tally
from mere.errors import DataError

ONE = {"start": 0, "end": 3}


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


OTHER_KEYS: list[dict[str, Any]] = [
    {"ents": [{**ONE, "label": "PER"}]},
    {"spans": [{**ONE, "label": "PER"}]},
    {"label": [[0, 3, "PER"]]},
    {"ner": [[0, 3, "PER"]]},
    {"annotations": {"entities": [[0, 3, "PER"]]}},
    {"mentions": [{"begin": 0, "end": 3}]},
    {"entities": [ONE], "relations": [{"head": 0, "tail": 0, "type": "r"}]},
    {"spo_list": [{"subject": "Ida", "predicate": "r", "object": "Ida"}]},
]


@pytest.mark.parametrize("more", OTHER_KEYS)
def test_annotations_under_another_key_are_named_with_their_line(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    path = write(tmp_path / "de.train.jsonl", {"text": "Ida ist da."}, {"text": "Ida ist da.", **more})
    problems: list[Problem] = []
    assert len(list(jsonl.read(path, problems))) == 1
    key = next(key for key in more if key != "entities")
    assert [(p.line, p.code) for p in problems if p.severity == "error"] == [(2, "other-key")]
    assert f'"{key}"' in problems[-1].message


@pytest.mark.parametrize(
    "extra", [{"label": "politics"}, {"tags": ["a"]}, {"relations": []}, {"tokens": [[0, 3]]}]
)
def test_other_keys_that_are_harmless_are_kept(tmp_path: Path, extra: dict[str, Any]) -> None:
    (sentence,) = jsonl.read(write(tmp_path / "de.train.jsonl", {"text": "Ida ist da.", **extra}))
    assert sentence.extra == extra


@pytest.mark.parametrize("key", ["label", "tag", "entity_group"])
def test_another_name_for_the_type_is_read_and_told(tmp_path: Path, key: str) -> None:
    tally, problems = Tally(), list[Problem]()
    path = write(tmp_path / "de.train.jsonl", {"text": "Ida", "entities": [{**ONE, key: "PER"}]})
    (sentence,) = jsonl.read(path, problems, tally=tally)
    assert sentence.entities[0].type == "PER"
    assert ([p.code for p in problems], tally.repaired.total()) == (["label-for-type"], 1)


@pytest.mark.parametrize("lang", [None, "", "und"])
def test_a_language_that_is_not_stated_is_said(tmp_path: Path, lang: str | None) -> None:
    record = {"text": "Ida"} if lang is None else {"text": "Ida", "lang": lang}
    path = write(tmp_path / "rows.jsonl", record)
    with pytest.raises(DataError, match=r"rows\.jsonl:1: no language is known.* --lang de"):
        list(jsonl.read(path))
    assert next(jsonl.read(path, reading=Reading(lang="de"))).lang == "de"
    assert next(jsonl.read(write(tmp_path / "pl.train.jsonl", record))).lang == "pl"


def shifted(text: str, mention: str, encoding: str) -> dict[str, int]:
    width = 2 if encoding == "utf-16-le" else 1
    start = len(text[: text.index(mention)].encode(encoding)) // width
    return {"start": start, "end": start + len(mention.encode(encoding)) // width}


@pytest.mark.parametrize(("encoding", "unit"), [("utf-16-le", Offsets.UTF16), ("utf-8", Offsets.BYTES)])
def test_offsets_in_other_units_are_told_by_all_mentions_and_converted(
    tmp_path: Path, encoding: str, unit: Offsets
) -> None:
    texts = [(f"Grüße 🎉{'🚒' * i} an Frau Müller heute", "Frau Müller") for i in range(4)]
    rows = [{"lang": "de", "text": text, "entities": [shifted(text, name, encoding)]} for text, name in texts]
    path = write(tmp_path / "rows.jsonl", *rows)
    problems: list[Problem] = []
    list(jsonl.read(path, problems))
    assert problems[-1].code == "offset-unit"
    assert f"--offsets {unit.value}" in problems[-1].cure
    tally = Tally()
    read = list(jsonl.read(path, reading=Reading(offsets=unit), tally=tally))
    assert [s.entities[0].text for s in read] == ["Frau Müller"] * 4
    assert tally.repaired.total() == 4


def test_right_offsets_raise_no_suspicion(tmp_path: Path) -> None:
    texts = [f"Größe 🎉 an Frau Müller{'s' * i} heute" for i in range(4)]
    rows = [{"lang": "de", "text": t, "entities": [{"start": 11, "end": 22}]} for t in texts]
    assert check([write(tmp_path / "rows.jsonl", *rows)]).errors == ()


@pytest.mark.parametrize(
    "char", ["\u200b", "\ufeff", "\xad", "\u200f", "\u2066", "\u2800", "\u3164", "\xa0", "\u2060"]
)
@pytest.mark.parametrize("place", ["{}Ida", "Ida{}"])
def test_invisible_borders(tmp_path: Path, char: str, place: str) -> None:
    mention = place.format(char)
    row = {"lang": "de", "text": f"{mention} ist da", "entities": [{"start": 0, "end": len(mention)}]}
    assert check([write(tmp_path / "rows.jsonl", row)]).finding("mention-white-space").count == 1


@pytest.mark.parametrize("mention", ["❤\ufe0f", "👩\u200d👧", "ന്\u200d", "é"])
def test_what_belongs_to_its_letter_is_no_invisible_border(tmp_path: Path, mention: str) -> None:
    row = {"lang": "de", "text": f"{mention} da", "entities": [{"start": 0, "end": len(mention)}]}
    assert check([write(tmp_path / "rows.jsonl", row)]).finding("mention-white-space") is None


def test_contradiction_and_duplicate_are_told_apart(tmp_path: Path) -> None:
    text = "Washington rief Ida an."
    org, loc = ({"start": 0, "end": 10, "type": name} for name in ("ORG", "LOC"))
    rows = [
        {"lang": "de", "text": text, "id": str(i), "entities": e} for i, e in enumerate([[org], [loc], [org]])
    ]
    report = check([write(tmp_path / "de.train.jsonl", *rows)])
    assert report.finding("contradiction").count == 2
    assert report.finding("duplicate").count == 1


def test_what_a_sequence_of_tags_cannot_hold_is_counted(tmp_path: Path) -> None:
    spans = [(0, 9), (4, 9), (4, 9), (13, 17)]
    entities = [{"start": s, "end": e, "type": f"T{i}"} for i, (s, e) in enumerate(spans)]
    row = {"lang": "de", "text": "TSV Aalen in Kiel", "entities": entities}
    finding = check([write(tmp_path / "de.train.jsonl", row)]).finding("overlap")
    assert (finding.count, dict(finding.of)) == (1, {"de": 4})


def test_spellings_of_a_language_are_one(tmp_path: Path) -> None:
    rows = [{"lang": lang, "text": f"Satz {i}"} for i, lang in enumerate(["de", "deu", "German", "pt-BR"])]
    report = check([write(tmp_path / "rows.jsonl", *rows)])
    assert report.sizes == {"train": {"de": 3, "pt-BR": 1}}
    assert report.finding("language-spellings").count == 2
