"""CoNLL's columns read: every layout, offsets that hold, every fault with file, line and cure."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from mere.data.check import check
from mere.data.corpus import Corpus
from mere.data.formats import Format, Problem, Reading, conll, sniff
from mere.data.formats.schemes import Scheme
from mere.data.formats.tally import Tally
from mere.errors import DataError
from mere.types import Entity


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


TWO_COLUMNS = "Ada\tB-PER\nByron\tI-PER\nlebt\tO\n\n# \tO\nin\tO\nGraz\tB-LOC\n"
LAYOUTS = {
    "de.train.conll": TWO_COLUMNS,
    "de/train.bio": TWO_COLUMNS.replace("\n", "\r\n") + "\r\n\r\n",
    "de.train.iob": "\ufeff\n\n" + TWO_COLUMNS.replace("\t", "  ").replace("# ", "#").replace("\n", " \n"),
    "de_x-ud-train.iob2.gz": gzip.compress(TWO_COLUMNS.encode()),
    "de.train.iob2": (
        "-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-PER\nByron NNP I-NP I-PER\nlebt VB B-VP O\n\n"
        "# SYM O O\nin IN B-PP O\nGraz NNP B-NP B-LOC\n"
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, LAYOUTS[name])
    assert sniff(path) is Format.CONLL
    one, two = conll.read(path)
    assert (one.lang, one.text, two.text.split()) == ("de", "Ada Byron lebt", ["#", "in", "Graz"])
    assert one.entities == (Entity(0, 9, "Ada Byron", "PER"),)
    assert [entity.text for entity in two.entities] == ["Graz"]
    assert one.relations_covered == two.relations_covered == frozenset()
    assert one.extra["tokens"] == [[0, 3], [4, 9], [10, 14]]
    assert one.complete


def test_documents_ids_and_a_column_by_request(tmp_path: Path) -> None:
    rows = "-DOCSTART- O O\n\nAda B-PER O\n\n\n-DOCSTART- O O\nGraz B-LOC B-X\n"
    path = write(tmp_path / "de.dev.conll", rows)
    one, two = conll.read(path, reading=Reading(column="2"))
    assert [(s.id, s.extra["document"], s.entities[0].type) for s in (one, two)] == [
        ("de.dev:3", 1, "PER"),
        ("de.dev:7", 2, "LOC"),
    ]
    assert [[e.type for e in s.entities] for s in conll.read(path, reading=Reading(column="3"))] == [
        [],
        ["X"],
    ]
    with pytest.raises(DataError, match=r"columns 2 and 3 both hold tags: 2 \(B-PER, B-LOC\); 3 \(B-X\)"):
        list(conll.read(path))
    assert conll.write([one, two], tmp_path / "out.conll").lost == Counter()
    assert (tmp_path / "out.conll").read_text() == (
        "-DOCSTART-\tO\n\nAda\tB-PER\n\n-DOCSTART-\tO\n\nGraz\tB-LOC\n\n"
    )


UNIVERSAL = """\
# newdoc id = d1
# sent_id = d1-1
# text = „Ada“ lebt in #Graz.
1\t„\tO\t-\t-
2\tAda\tB-PER\t-\tme
3\t“\tO
4\tlebt\tO
5\tin\tO
6\t#\tO
7\tGraz\tB-LOC\t-\tme
8\t.\tO

# sent_id = d1-2
1\tNichts\tO
"""


def test_universal_ners_layout(tmp_path: Path) -> None:
    path = write(tmp_path / "de_x-ud-test.iob2", UNIVERSAL)
    tally = Tally()
    one, two = conll.read(path, tally=tally)
    assert (one.id, one.text) == ("d1-1", "„Ada“ lebt in #Graz.")
    assert [(entity.start, entity.end, entity.text) for entity in one.entities] == [
        (1, 4, "Ada"),
        (15, 19, "Graz"),
    ]
    assert (two.id, two.text, two.lang) == ("d1-2", "Nichts", "de")
    assert tally.lost == {"comment lines": 1, "rows with columns beside token and tag": 2}
    assert Corpus.load(path).sizes() == {"test": {"de": 2}}
    conll.write([one, two], tmp_path / "de.test.conll")
    assert (
        (tmp_path / "de.test.conll")
        .read_text()
        .startswith("-DOCSTART-\tO\n\n# sent_id = d1-1\n# text = „Ada“ lebt in #Graz.\n„\tO\n")
    )
    assert list(conll.read(tmp_path / "de.test.conll")) == [one, two]


def test_a_first_token_that_is_a_number_is_no_id(tmp_path: Path) -> None:
    rows = "# text = 1 Ada\n1\tCD\tB-NP\tO\nAda\tNNP\tI-NP\tB-PER\n"
    (sentence,) = conll.read(write(tmp_path / "de.train.conll", rows))
    assert (sentence.text, sentence.entities) == ("1 Ada", (Entity(2, 5, "Ada", "PER"),))


BAD = [
    ("Ada\tB-PER\nlebt\n", 2, "1 column, 2 were expected as in most of the file's rows"),
    ("Ada B-PER\nin Graz O\n", 2, "3 columns, 2 were expected"),
    ("Ada\n", 1, "1 column, a token and its tag were expected"),
    ("Ada\tB-PER\n\tO\n", 2, "the row has no token"),
    ("Ada\tPER\n", 1, '"PER" is no tag of IOB2 (B-, I- and a type, or O). The file\'s tags fit no scheme'),
    (
        "Bo\tO\n\nder\tO\nAda\tI-PER\n",
        4,
        'the tag I-PER of "Ada" comes after O; in IOB2 every entity begins with B-. '
        "All tags of the file fit IOB1. Run: mere convert {path} {folder}/de.train.read.jsonl --scheme iob1",
    ),
    (
        "Ada\tS-PER\n",
        1,
        '"S-PER" is no tag of IOB2 (B-, I- and a type, or O). All tags of the file fit BIOES. Run: mere',
    ),
    ("Ada\tU-PER\n", 1, "All tags of the file fit BILOU. Run: mere convert {path} "),
    (
        "Ada\tB-PER\nBo\tI-LOC\n\nBo\tB-PER\n",
        2,
        "IOB2 fits best, with 1 tag to mend. Run: mere convert {path} {folder}/de.train.read.jsonl --scheme iob2",
    ),
    ("Ada\tB-O\n", 1, 'the tag B-O of "Ada" names no type'),
    (
        "# text = Ada da\nAda\tO\nist\tO\n",
        3,
        'token 2 is "ist" but the text goes on with "da". Mend the # text line',
    ),
    (
        "Ada\tO\nB\xfcrger\tO\n".encode("latin-1"),
        2,
        "is not UTF-8. It may be WINDOWS-1252; put another encoding that it was written in. Run: iconv -f ",
    ),
]


@pytest.mark.parametrize(("content", "line", "message"), BAD)
def test_bad_input_names_file_line_and_cure(
    tmp_path: Path, content: str | bytes, line: int, message: str
) -> None:
    path = write(tmp_path / "de.train.conll", content)
    with pytest.raises(DataError) as raised:
        list(conll.read(path))
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert message.replace("{path}", str(path)).replace("{folder}", str(tmp_path)) in str(raised.value)
    with pytest.raises(DataError):
        Corpus.load(tmp_path)


def test_reading_goes_on_after_a_bad_sentence(tmp_path: Path) -> None:
    good = "Ada\tB-PER\n\n"
    bad = "Bo\tI-PER\nlebt\n\nEva\tI-PER\n\n"
    path = write(
        tmp_path / "de.train.conll", (good + bad + good).encode() + b"Z\xfcge\tO\nda\tO\n\n" + good.encode()
    )
    problems: list[Problem] = []
    assert [sentence.id for sentence in conll.read(path, problems)] == [
        "de.train:1", "de.train:8", "de.train:13",
    ]  # fmt: skip
    assert [(problem.line, problem.code) for problem in problems] == [
        (4, "conll-columns"),
        (6, "conll-tag"),
        (10, "not-utf8"),
    ]
    report = check([path])
    assert {finding.code: finding.count for finding in report.errors} == {
        "conll-columns": 1,
        "conll-tag": 1,
        "not-utf8": 1,
    }


def test_no_language_and_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.conll", "Ada\tB-PER\n")
    with pytest.raises(
        DataError, match=r"rows\.conll: no language is known\. Name the file like de\.train\.conll"
    ):
        list(conll.read(path))
    assert next(conll.read(path, reading=Reading(lang="de"))).lang == "de"
    write(tmp_path / "c" / "de.train.conll", "\n# only a comment = 1\n\n")
    with pytest.raises(DataError, match="the file holds no sentence"):
        Corpus.load(tmp_path / "c")
    with pytest.raises(DataError, match="UTF-16"):
        list(
            conll.read(write(tmp_path / "de.conll", "Ada\tO\n".encode("utf-16")), reading=Reading(lang="de"))
        )


def test_a_scheme_by_name_mends_and_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "de.train.conll", "Ada\tI-PER\nBo\tB-LOC\n\nEva\tB-PER\n")
    tally = Tally()
    read = list(conll.read(path, reading=Reading(scheme=Scheme.IOB1), tally=tally))
    assert [[entity.text for entity in sentence.entities] for sentence in read] == [["Ada", "Bo"], ["Eva"]]
    assert tally.repaired == {"B- where IOB1 writes I-": 2}
    with pytest.warns(UserWarning, match="repaired: I- that begins an entity read as B-: 1"):
        list(conll.read(path, reading=Reading(scheme=Scheme.IOB2)))
