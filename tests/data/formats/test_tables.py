"""CSV, TSV and plain text as spreadsheets, data frames and editors write them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mere.data.formats import Format, plain_text, sniff, table_csv
from mere.data.formats.problems import Problem
from mere.data.formats.reading import Reading
from mere.types import Entity, Sentence, Triple

NOBODY: frozenset[str] = frozenset()


def file(folder: Path, content: str | bytes, name: str = "de.train.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('id,text,mood\r\n7,"Ada, ""die"" Große\nlebt.",gut\r\n', "de.train.csv"),
        ('\ufeffmood;id;Text\ngut;7;"Ada, ""die"" Große\nlebt."\n\n', "de.train.csv"),
        ('id\tsentence\tmood\n7\t"Ada, ""die"" Große\nlebt."\tgut\n', "de.train.tsv"),
    ],
)
def test_a_column_of_texts(tmp_path: Path, content: str, name: str) -> None:
    path = file(tmp_path, content, name)
    assert sniff(path) is Format.CSV
    (sentence,) = table_csv.read(path)
    assert (sentence.id, sentence.lang, sentence.text) == ("7", "de", 'Ada, "die" Große\nlebt.')
    assert (sentence.types_covered, sentence.relations_covered) == (NOBODY, NOBODY)
    assert sentence.extra == {"mood": "gut"}


def test_what_is_written_is_csv(tmp_path: Path) -> None:
    ada, graz = Entity(0, 3, "Ada", "PER"), Entity(12, 16, "Graz")
    rows = [
        Sentence(
            "a", "de", "Ada lebt in Graz.", (ada, graz), (Triple(ada, "in", graz),), extra={"n": 3, "s": "x"}
        ),
        Sentence("b", "nl", 'Niets, "niets".', complete=False),
        Sentence("c", "de", "Ada\rlebt."),
    ]
    for name in ("out.csv", "out.tsv"):
        table_csv.write(rows, tmp_path / name)
        with (tmp_path / name).open(newline="") as stream:
            first, second, _ = csv.DictReader(stream, delimiter="\t" if name.endswith("tsv") else ",")
        assert first["entities"] == '[{"start": 0, "end": 3, "type": "PER"}, {"start": 12, "end": 16}]'
        assert (first["s"], first["extra"], second["text"], second["complete"]) == (
            "x",
            '{"n": 3}',
            'Niets, "niets".',
            "false",
        )
        assert list(table_csv.read(tmp_path / name)) == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "id,body of it\n1,x\n",
            "csv:1: no column of texts (text or sentence or content or body or document); the",
        ),
        ("text,text\na,b\n", 'the header has "text" more than once'),
        ("id,text\n1,a,b\n", "csv:2: 3 columns, 2 were expected as in the header"),
        ('id,text\n1,"a\n', "not CSV that can be read: unexpected end of data"),
        ("text,entities\nAda,PER\n", 'csv:2: the column "entities" is no JSON'),
        (
            'text,entities\nAda,"[{""start"": 0, ""end"": 9}]"\n',
            "entity 1 ends at 9 but the text has 3 characters",
        ),
        ("text\nAda\nGrö".encode("latin-1") + b"\xdfe\n", "is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, content: str | bytes, message: str) -> None:
    problems: list[Problem] = []
    list(table_csv.read(file(tmp_path, content), problems))
    assert message in str(problems[0])


@pytest.mark.parametrize("column", ["2", "body of it"])
def test_the_column_is_named(tmp_path: Path, column: str) -> None:
    (sentence,) = table_csv.read(file(tmp_path, "id,body of it\n1,Ada\n"), None, Reading(column=column))
    assert (sentence.id, sentence.text) == ("1", "Ada")


def test_plain_text(tmp_path: Path) -> None:
    path = file(tmp_path, "Ada lebt.\r\n\r\n  Bo auch.\r\n", "de.train.txt")
    assert sniff(path) is Format.TEXT
    first, second = plain_text.read(path)
    assert (first.text, second.text, second.id) == ("Ada lebt.", "  Bo auch.", "de.train:3")
    assert (first.types_covered, first.relations_covered) == (NOBODY, NOBODY)
    broken, blank = Sentence("x", "de", "Ada\r\nlebt."), Sentence("y", "de", " \n")
    written = plain_text.write([broken, blank], tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_bytes() == b"Ada lebt.\n"
    assert (written.sentences, +written.left_out) == (1, {"texts of white space": 1})
    assert written.lost["line breaks, which become spaces"] == 1


def test_columns_of_letters_are_no_annotations(tmp_path: Path) -> None:
    path = tmp_path / "de.train.csv"
    path.write_text("text,from,to,type\nIda mag Ulm.,ida@x.example,bo@x.example,letter\n", encoding="utf-8")
    (sentence,) = table_csv.read(path)
    assert sentence.extra == {"from": "ida@x.example", "to": "bo@x.example", "type": "letter"}
