"""Forms of tags and of rows that people have beside B-PER in a second column: read as meant, or a cure that runs."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mere.data.formats import Reading, conll
from mere.data.formats.schemes import Scheme
from mere.data.formats.tally import Tally
from mere.errors import DataError

ROWS = [("Ida", "B-PER"), ("Tal", "I-PER"), ("mag", "O"), ("Graz", "B-LOC"), (".", "O")]
MORE = [("Otto", "B-PER"), ("ruht", "O")]
RIGHT = [("Ida Tal mag Graz .", [("Ida Tal", "PER"), ("Graz", "LOC")]), ("Otto ruht", [("Otto", "PER")])]


def told(path: Path, reading: Reading | None = None) -> list[tuple[str, list[tuple[str, str | None]]]]:
    read = conll.read(path, reading=reading or Reading(), tally=Tally())
    return [(s.text, [(e.text, e.type) for e in s.entities]) for s in read]


def columns(folder: Path, names: dict[str, str], row: str = "{token}\t{tag}\n", between: str = "\n") -> Path:
    blocks = [
        "".join(row.format(token=token, tag=names.get(tag, tag), s=s) for token, tag in rows)
        for s, rows in enumerate((ROWS, MORE))
    ]
    path = folder / "de.train.conll"
    path.write_text(between.join(blocks), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "names",
    [
        {"B-PER": "PER+B", "I-PER": "PER+I", "B-LOC": "LOC+B"},
        {"B-PER": "B#PER", "I-PER": "I#PER", "B-LOC": "B#LOC"},
        {"B-PER": "BPER", "I-PER": "IPER", "B-LOC": "BLOC"},
        {"B-PER": "B(PER)", "I-PER": "I(PER)", "B-LOC": "B(LOC)"},
        {"B-PER": "[B-PER]", "I-PER": "[I-PER]", "B-LOC": "[B-LOC]", "O": "[O]"},
        {"B-PER": "Begin-PER", "I-PER": "Inside-PER", "B-LOC": "Begin-LOC", "O": "Outside"},
        {"B-PER": "PER_BEGIN", "I-PER": "PER_INSIDE", "B-LOC": "LOC_BEGIN"},
        {"B-PER": "\u0412-PER", "O": "\u041e"},  # Cyrillic
        {"B-PER": "B\u2013PER", "I-PER": "I\u2013PER", "B-LOC": "B\u2013LOC"},
        {"B-PER": "NER=B-PER", "I-PER": "NER=I-PER", "B-LOC": "NER=B-LOC", "O": "NER=O"},
    ],
)
def test_other_forms_are_read(tmp_path: Path, names: dict[str, str]) -> None:
    assert told(columns(tmp_path, names)) == RIGHT


@pytest.mark.parametrize(
    "names",
    [
        {"B-PER": "START-PER", "I-PER": "END-PER", "B-LOC": "UNIT-LOC"},
        {"I-PER": "E-PER", "B-LOC": "W-LOC"},
    ],
)
def test_forms_of_other_schemes(tmp_path: Path, names: dict[str, str]) -> None:
    assert told(columns(tmp_path, names), Reading(scheme=Scheme.BIOES)) == RIGHT


def test_brackets_of_conll_2012(tmp_path: Path) -> None:
    rows = "Bad (GPE* (X*\nEms *) *)\nliegt * *\nEva (PERSON) *\n"
    (tmp_path / "de.train.conll").write_text(rows, encoding="utf-8")
    assert told(tmp_path / "de.train.conll", Reading(column="2")) == [
        ("Bad Ems liegt Eva", [("Bad Ems", "GPE"), ("Eva", "PERSON")])
    ]


@pytest.mark.parametrize("types", [("start-date", "end-date"), ("BIRTH", "ISLAND"), ("person-b", "place")])
def test_types_alone_are_taken_for_no_other_form(tmp_path: Path, types: tuple[str, str]) -> None:
    rows = f"Ida\t{types[0]}\nTal\t{types[0]}\nruht\tO\nam\tO\nMeer\t{types[1]}\n.\tO\n"
    (tmp_path / "de.train.conll").write_text(rows, encoding="utf-8")
    assert told(tmp_path / "de.train.conll", Reading(scheme=Scheme.IO)) == [
        ("Ida Tal ruht am Meer .", [("Ida Tal", types[0]), ("Meer", types[1])])
    ]


@pytest.mark.parametrize(
    "names", [{"B-PER": "(PER", "B-LOC": "(LOC", "I-PER": "PER)"}, {"B-PER": "1", "I-PER": "2"}]
)
def test_io_is_not_advised_for_what_is_no_type(tmp_path: Path, names: dict[str, str]) -> None:
    with pytest.raises(DataError) as raised:
        told(columns(tmp_path, names))
    assert "--scheme io" not in str(raised.value)


def test_numbers_are_read_by_their_names(tmp_path: Path) -> None:
    path = columns(tmp_path, {"O": "0", "B-PER": "1", "I-PER": "2", "B-LOC": "3"})
    with pytest.raises(DataError, match=r"The tags are numbers; .* --tag-names O,B-PER,I-PER,…"):
        told(path)
    assert told(path, Reading(tag_names=("O", "B-PER", "I-PER", "B-LOC"))) == RIGHT


def test_any_sign_for_outside_is_found_and_named(tmp_path: Path) -> None:
    path = columns(tmp_path, {"O": "NIX"})
    with pytest.raises(DataError, match=r"All tags of the file fit IOB2 with NIX for O\. .*--outside=NIX"):
        told(path)
    assert told(path, Reading(outside=("NIX",))) == RIGHT


@pytest.mark.parametrize(
    ("row", "between"),
    [
        ("{tag}\t{token}\n", "\n"),
        ("{tag}\tNN\t{token}\n", "\n"),
        ("{s}\t{token}\t{tag}\n", ""),
        ("1{s} {token} NN {tag}\n", ""),
    ],
)
def test_columns_before_the_tokens(tmp_path: Path, row: str, between: str) -> None:
    assert told(columns(tmp_path, {}, row, between)) == RIGHT


def test_a_column_names_the_first_token_of_a_sentence(tmp_path: Path) -> None:
    rows = "Sentence #\tWord\tTag\nSentence: 1\tIda\tB-PER\n\truht\tO\nSentence: 2\tOtto\tB-PER\n\truht\tO\n"
    (tmp_path / "de.train.conll").write_text(rows, encoding="utf-8")
    assert told(tmp_path / "de.train.conll") == [
        ("Ida ruht", [("Ida", "PER")]),
        ("Otto ruht", [("Otto", "PER")]),
    ]


@pytest.mark.parametrize(("yes", "no"), [("1", "0"), ("True", "False")])
def test_a_column_of_spaces_by_its_name(tmp_path: Path, yes: str, no: str) -> None:
    rows = f"token\tspace_after\tner\nIda\t{yes}\tB-PER\nruht\t{no}\tO\n.\t{yes}\tO\n\nIda\t{no}\tB-PER\n!\t{no}\tO\n"
    (tmp_path / "de.train.conll").write_text(rows, encoding="utf-8")
    assert told(tmp_path / "de.train.conll") == [("Ida ruht.", [("Ida", "PER")]), ("Ida!", [("Ida", "PER")])]


@pytest.mark.parametrize("header", ["Wort\tEtikett", "mot\tétiquette", "单词\t标签名"])
def test_a_header_in_another_language_is_told(tmp_path: Path, header: str) -> None:
    path = columns(tmp_path, {})
    path.write_text(f"{header}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    tally = Tally()
    assert [s.text for s in conll.read(path, tally=tally)] == [text for text, _ in RIGHT]
    assert tally.lost == {f"header rows ({header.replace(chr(9), ', ')})": 1}


@pytest.mark.parametrize(
    ("row", "between"),
    [
        ('"{token}","{tag}"\n', "\n"),
        ("{token};{tag}\n", "\n"),
        ('"{token}"\t"{tag}"\n', "\n"),
        ("{token}|{tag} ", "\n"),
        ("{token}/{tag} ", "\n"),
    ],
)
def test_other_signs_between_fields_are_refused_with_a_cure_that_runs(
    tmp_path: Path, row: str, between: str
) -> None:
    path = columns(tmp_path, {}, row, between)
    with pytest.raises(DataError) as raised:
        told(path)
    advised = str(raised.value).partition("Run: ")[2]
    subprocess.run(advised.replace("python3", shlex.quote(sys.executable), 1), shell=True, check=True)
    assert told(tmp_path / "de.train.tabs.conll") == RIGHT
