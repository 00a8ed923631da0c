"""BRAT standoff as its documentation describes it: what mere takes, what it counts, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mere.data.formats import brat
from mere.data.formats.problems import Problem
from mere.data.formats.reading import Reading
from mere.data.formats.tally import Tally
from mere.errors import DataError

TEXT = "Ada lebt in Graz.\nBo und Cy Lang leben in Ulm am Bach.\n"


def document(folder: Path, annotation: str, text: str = TEXT, name: str = "one") -> Path:
    folder = folder / "de"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_bytes(text.encode())
    path = folder / f"{name}.ann"
    path.write_bytes(annotation.encode())
    return path


def test_mentions_and_relations_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    path = document(
        tmp_path,
        "T1\tPER 0 3\tAda\n"
        "T2\tLOC 12 16\tGraz\n"
        "T3\tPER 18 20;28 32\tBo Lang\n"
        "T4\tMove 33 38\tleben\n"
        "T5\tLOC 42 45;46 53\tUlm am Bach\n"
        "R1\tlives-in Arg1:T1 Arg2:T2\t\n"
        "R2\tlives-in Arg1:T3 Arg2:T2\n"
        "E1\tMove:T4 Who:T1 Where:T2 When:T5\n"
        "*\tEquiv T1 T3\n"
        "A1\tNegated E1\nM1\tSure T1\n"
        "N1\tReference T1 Wikipedia:7\tAda\n"
        "#1\tAnnotatorNotes T1\tnot sure\n",
    )
    tally = Tally()
    (sentence,) = brat.read(path, tally=tally)
    assert (sentence.id, sentence.lang, sentence.text) == ("one", "de", TEXT)
    found = [(e.text, e.type) for e in sentence.entities]
    assert found == [("Ada", "PER"), ("Graz", "LOC"), ("leben", "Move"), ("Ulm am Bach", "LOC")]
    assert [(t.subject.text, t.relation, t.object.text) for t in sentence.triples] == [
        ("Ada", "lives-in", "Graz")
    ]
    assert +tally.lost == {
        "discontinuous mentions": 1,
        "relations of discontinuous mentions": 1,
        "events": 1,
        "equivalences": 1,
        "attributes": 2,
        "normalisations": 1,
        "notes": 1,
    }


def test_a_mention_over_a_line_end_is_cut_as_brat_cuts_it(tmp_path: Path) -> None:
    path = document(tmp_path, "T1\tX 12 16;17 20\tGraz. Bo\n", "Ada lebt in Graz\nBo.")
    with pytest.raises(DataError, match=r"T1 says 'Graz\. Bo' but the text at 12:20 is 'Graz Bo\.'"):
        list(brat.read(path))
    (sentence,) = brat.read(document(tmp_path, "T1\tX 12 16;17 20\tGraz Bo.\n", "Ada lebt in Graz\nBo."))
    assert sentence.entities[0].text == "Graz\nBo."
    brat.write([sentence], tmp_path / "out")
    assert (tmp_path / "out/one.ann").read_text() == "T1\tX 12 16;17 20\tGraz Bo.\n"


@pytest.mark.parametrize(
    ("text", "offsets", "kept", "repaired"),
    [
        ("\ufeffAda und Bo\r\nCy", "8 10\tBo", "Ada und Bo\r\nCy", ""),
        ("\ufeffAda und Bo\r\nCy", "9 11\tBo", "\ufeffAda und Bo\r\nCy", "byte order mark"),
        ("Ada und Bo\r\nCy", "12 14\tCy", "Ada und Bo\r\nCy", ""),
        ("Ada und Bo\r\nCy", "11 13\tCy", "Ada und Bo\nCy", "CRLF the offsets count as LF"),
    ],
)
def test_the_stated_texts_tell_what_the_offsets_count(
    tmp_path: Path, text: str, offsets: str, kept: str, repaired: str
) -> None:
    tally = Tally()
    (sentence,) = brat.read(document(tmp_path, f"T1\tPER {offsets}\n", text), tally=tally)
    assert sentence.text == kept
    assert sentence.entities[0].text == offsets[-2:]
    assert repaired in "".join(+tally.repaired)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ("T1\tPER 0\tAda\n", r"de/one.ann:1: the mention T1 is 'PER 0\tAda'"),
        ("T1\tPER 0 99\tAda\n", "entity 1 ends at 99 but the text has 55 characters"),
        ("hello\n", "not a line of BRAT's: 'hello'"),
        ("Q1\thello\n", "'Q1' is no kind of annotation"),
        ("T1\tPER 1 4\tAda\n", "T1 says 'Ada' but the text at 1:4 is 'da '"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, annotation: str, message: str) -> None:
    path = document(tmp_path, annotation)
    problems: list[Problem] = []
    assert list(brat.read(path, problems)) == []
    assert message in str(problems[0])


def test_a_text_that_is_missing_or_not_utf8(tmp_path: Path) -> None:
    path = document(tmp_path, "")
    (tmp_path / "de/one.txt").write_bytes(b"Gr\xfc\xdfe")
    with pytest.raises(DataError, match=r"byte 2 of the file \(0xFC\) is not UTF-8"):
        list(brat.read(path))
    (tmp_path / "de/one.txt").unlink()
    with pytest.raises(DataError, match=r"the text of this document, one\.txt, is missing"):
        list(brat.read(path))


def test_ids_are_file_names(tmp_path: Path) -> None:
    (sentence,) = brat.read(document(tmp_path, ""))
    ids = ["a/b", "a/b", "../x", "nul\n", "…" * 200]
    written = brat.write([replace(sentence, id=id_) for id_ in ids], tmp_path / "out")
    assert +written.lost == {"ids given twice, numbered": 1, "ids too long for a file name, cut": 1}
    back = {
        s.id for path in (tmp_path / "out").glob("*.ann") for s in brat.read(path, reading=Reading(lang="de"))
    }
    assert {"a/b", "../x", "nul\n"} <= back
    assert len(back) == 5
