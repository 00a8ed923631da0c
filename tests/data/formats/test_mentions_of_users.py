"""Mentions as users state them in JSON lines: in other units, under other keys, by their text; read when asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from mere.cli.reading import reading_of
from mere.data.formats import Problem, Reading, jsonl, kinds, sniff
from mere.data.formats.offsets import NAMES
from mere.data.formats.reading import Command, Offsets
from mere.data.formats.tally import Tally
from mere.errors import DataError
from mere.inference.offsets import Unit, in_units, unit_named

TEXTS = [
    "Ida Tal wohnt in Ulm und mag Bo .",
    "Heute sah Bo Ida Tal auf dem Weg nach Ulm .",
    "Bo und Ida Tal .",
]
NAMED = ["Ida Tal", "Bo", "Ulm"]


def spans(text: str) -> list[tuple[int, int]]:
    return sorted((text.index(name), text.index(name) + len(name)) for name in NAMED if name in text)


def counted(text: str, start: int, end: int, unit: Offsets) -> tuple[int, int]:
    """Offsets in another unit, by what Python says of the text before them."""
    before, mention = text[:start], text[start:end]
    width = {Offsets.UTF16: ("utf-16-le", 2), Offsets.BYTES: ("utf-8", 1)}.get(unit)
    if width:
        first = len(before.encode(width[0])) // width[1]
        return first, first + len(mention.encode(width[0])) // width[1]
    if unit in (Offsets.TOKENS, Offsets.TOKENS_INCLUSIVE):
        first = len(before.split())
        return first, first + len(mention.split()) - (unit is Offsets.TOKENS_INCLUSIVE)
    begins = unit in (Offsets.FROM_ONE, Offsets.FROM_ONE_INCLUSIVE)
    return start + begins, end + begins - (unit in (Offsets.INCLUSIVE, Offsets.FROM_ONE_INCLUSIVE))


def written(folder: Path, *records: dict[str, Any]) -> Path:
    path = folder / "de.train.jsonl"
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records), encoding="utf-8")
    return path


def in_unit(unit: Offsets, *, stated: bool, tokens: bool, before: str = "🎉🎉é ") -> list[dict[str, Any]]:
    texts = [before + text for text in TEXTS]
    made = []
    for text in texts:
        entities = []
        for start, end in spans(text):
            first, last = counted(text, start, end, unit)
            entities.append({"start": first, "end": last} | ({"text": text[start:end]} if stated else {}))
        made.append({"text": text, "entities": entities} | ({"tokens": text.split()} if tokens else {}))
    return made


@pytest.mark.parametrize("unit", NAMES)
@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("tokens", [True, False])
def test_offsets_in_other_units_are_refused_and_read_by_the_advised_option(
    tmp_path: Path, unit: Offsets, stated: bool, tokens: bool
) -> None:
    path = written(tmp_path, *in_unit(unit, stated=stated, tokens=tokens))
    problems: list[Problem] = []
    list(jsonl.read(path, problems))
    verdict = next(problem for problem in problems if problem.code == "offset-unit")
    assert f"--offsets {unit.value}" in verdict.cure
    assert all(f"--offsets {unit.value}" in p.cure for p in problems if stated), "each row says so too"
    tally = Tally()
    read = list(jsonl.read(path, reading=Reading(offsets=unit), tally=tally))
    assert [[e.text for e in s.entities] for s in read] == [
        [s.text[a:b] for a, b in spans(s.text)] for s in read
    ]
    assert tally.repaired.total() == 8


def test_right_offsets_are_of_no_other_unit(tmp_path: Path) -> None:
    for tokens in (True, False):
        problems: list[Problem] = []
        list(
            jsonl.read(written(tmp_path, *in_unit(Offsets.CODEPOINTS, stated=False, tokens=tokens)), problems)
        )
        assert problems == []


@pytest.mark.parametrize("text", ["박민수는 부산에 갔다", "Idas Bos Ulms", "花子は京都へ行く"])
def test_endings_of_one_letter_are_no_inclusive_ends(tmp_path: Path, text: str) -> None:
    ends = [3, 7] if text[0] == "박" else [3, 7] if text[0] == "I" else [2, 5]
    starts = [0, 5] if text[0] != "花" else [0, 3]
    entities = [{"start": s, "end": e} for s, e in zip(starts, ends, strict=True)]
    problems: list[Problem] = []
    list(jsonl.read(written(tmp_path, {"text": text, "entities": entities}), problems))
    assert problems == []


def test_offsets_that_have_no_place_in_the_unit_asked_for_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "Ida ruht", "entities": [{"start": 0, "end": 3}]})
    with pytest.raises(DataError, match="no mention stands at 0:3, where offsets count tokens"):
        list(jsonl.read(path, reading=Reading(offsets=Offsets.TOKENS)))


@pytest.mark.parametrize("unit", [Unit.utf16, Unit.bytes])
def test_what_extract_writes_says_its_unit_and_is_read_so(tmp_path: Path, unit: Unit) -> None:
    text = "🎉é Ida mag Ulm"
    entities = [{"start": 3, "end": 6, "type": "PER"}, {"start": 11, "end": 14, "type": "LOC"}]
    path = written(tmp_path, in_units({"text": text, "entities": entities}, unit))
    (sentence,) = jsonl.read(path)
    assert [entity.text for entity in sentence.entities] == ["Ida", "Ulm"]
    assert sentence.extra == {}, "what is written again counts code points"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("utf-16", "utf16"), ("UTF-8", "bytes"), ("characters", "codepoints"), ("bytes", "bytes")],
)
def test_one_spelling_of_units_and_others_taken(name: str, meant: str) -> None:
    assert unit_named(name).value == meant
    nothing: dict[str, Any] = dict.fromkeys(
        ["format", "lang", "column", "token_column", "scheme", "outside", "tag_names"]
    )
    assert reading_of(Command(), offsets=name, **nothing).offsets is Offsets(meant)


TEXT = "Ida Tal mag Ulm, und Ida Tal mag Bo."
BY_TEXT: list[tuple[dict[str, Any], list[tuple[int, str | None]]]] = [
    ({"entities": ["Ida Tal", "Ulm"]}, [(0, None), (12, None)]),
    ({"entities": [["Ida Tal", "PER"], ["LOC", "Ulm"]]}, [(0, "PER"), (12, "LOC")]),
    ({"entities": [{"text": "Ida Tal", "type": "P"}, {"text": "Ida Tal", "type": "P"}]}, [(0, "P"), (21, "P")]),
    ({"entities": [{"mention": "Ulm", "label": "LOC"}]}, [(12, "LOC")]),
    ({"entities": {"PER": ["Ida Tal"], "LOC": ["Ulm"]}}, [(0, "PER"), (12, "LOC")]),
    ({"entities": {"Ulm": "LOC"}}, [(12, "LOC")]),
    ({"triples": [["Ida Tal", "mag", "Ulm"]]}, [(0, None), (12, None)]),
    ({"triples": [{"subject": "Ida Tal", "relation": "mag", "object": "Ulm"}]}, [(0, None), (12, None)]),
    ({"triples": [{"head": "Ida Tal", "type": "mag", "tail": "Ulm"}]}, [(0, None), (12, None)]),
    ({"triples": ["(Ida Tal, mag, Ulm)"]}, [(0, None), (12, None)]),
    ({"triples": ["Ida Tal | mag | Ulm"]}, [(0, None), (12, None)]),
    ({"entities": [{"start": 21, "end": 28, "type": "PER"}], "triples": [["Ida Tal", "mag", "Bo"]]},
     [(21, "PER"), (33, None)]),
]  # fmt: skip


@pytest.mark.parametrize(("more", "meant"), BY_TEXT)
def test_mentions_by_their_text_are_refused_and_found_by_the_advised_option(
    tmp_path: Path, more: dict[str, Any], meant: list[tuple[int, str | None]]
) -> None:
    path = written(tmp_path, {"text": TEXT, **more})
    with pytest.raises(DataError, match="--offsets by-text"):
        list(jsonl.read(path))
    tally = Tally()
    (sentence,) = jsonl.read(path, reading=Reading(offsets=Offsets.BY_TEXT), tally=tally)
    assert [(entity.start, entity.type) for entity in sentence.entities] == meant
    assert [t.relation for t in sentence.triples] == ["mag"] * len(more.get("triples", []))
    assert tally.repaired.total() > 0


def test_a_mention_that_the_text_lacks_is_not_found(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": TEXT, "entities": ["Jena"]})
    with pytest.raises(DataError, match="'Jena' does not occur"):
        list(jsonl.read(path, reading=Reading(offsets=Offsets.BY_TEXT)))


@pytest.mark.parametrize("form", ["doccano", "prodigy", "csv"])
@pytest.mark.parametrize("unit", [Offsets.TOKENS, Offsets.INCLUSIVE])
def test_offsets_in_other_units_are_told_in_other_formats_too(
    tmp_path: Path, form: str, unit: Offsets
) -> None:
    rows = in_unit(unit, stated=False, tokens=False, before="é ")  # doccano counts UTF-16 units itself
    named = [[{**e, "label": "X"} for e in row["entities"]] for row in rows]
    path = tmp_path / ("de.train.csv" if form == "csv" else "de.train.jsonl")
    with path.open("w", encoding="utf-8", newline="") as file:
        if form == "csv":
            table = [["text", "entities"], *([row["text"], repr(row["entities"])] for row in rows)]
            csv.writer(file).writerows(table)
        for row, spans_ in zip(rows, named, strict=True):
            lists = [[span["start"], span["end"], "X"] for span in spans_]
            record = {"doccano": {"label": lists}, "prodigy": {"spans": spans_, "answer": "accept"}}.get(form)
            if record:
                file.write(json.dumps({"text": row["text"], **record}, ensure_ascii=False) + "\n")
    format = sniff(path)
    assert format.value == form
    with pytest.raises(DataError, match=f"--offsets {unit.value}"):
        list(kinds.read(path, format))
    read = list(kinds.read(path, format, reading=Reading(offsets=unit)))
    assert [[e.text for e in s.entities] for s in read] == [
        [s.text[a:b] for a, b in spans(s.text)] for s in read
    ]


def test_a_text_is_made_of_tokens_where_that_is_asked_for(tmp_path: Path) -> None:
    record = {"tokens": ["Ida", "Tal", "ruht"], "entities": [{"start": 0, "end": 2}]}
    path = written(tmp_path, record)
    with pytest.raises(DataError, match=r"--offsets tokens\n.*--offsets tokens-inclusive"):
        list(jsonl.read(path))
    (sentence,) = jsonl.read(path, reading=Reading(offsets=Offsets.TOKENS))
    assert (sentence.text, sentence.entities[0].text) == ("Ida Tal ruht", "Ida Tal")


@pytest.mark.parametrize(
    "more",
    [
        {"triplets": "<triplet> Ida <subj> Ulm"},
        {"ner_tags": "B-PER O"},
        {"labels": ["B-PER", "O"]},
        {"tags": "B-PER I-PER"},
        {"relations": ["Ida | mag | Tal"]},
        {"tokens": [{"text": "Ida", "ner": "B-PER"}, {"text": "Tal", "ner": "I-PER"}]},
        {"sentences": [{"tokens": [{"text": "Ida", "ner": "PERSON"}]}]},
        {"entities": [{"start": 0, "end": 3, "type": "B-PER"}, {"start": 4, "end": 7, "type": "I-PER"}]},
    ],
)
def test_annotations_in_another_form_never_pass_in_silence(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"annotations stand under|tags of words"):
        list(jsonl.read(written(tmp_path, {"text": "Ida Tal", **more})))
