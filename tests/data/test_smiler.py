"""SMiLER's rows: spans from tags, every known fault repaired or refused and counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mere.data.formats import Problem, Reading, jsonl, smiler
from mere.data.formats.marks import Damage, mark, unmark
from mere.data.formats.reading import Offsets
from mere.data.formats.tally import Tally
from mere.errors import DataError
from mere.types import Entity, Sentence, Span, Triple
from tests.data.data_strategies import pair_rows

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

# One row a fault: entity_1, entity_2, label, text; then the mentions expected, or the code of the refusal.
ROWS: list[tuple[tuple[str, str, str, str], tuple[str, str] | str]] = [
    (
        ("Ada Berg", "Wien", "birth-place", "<e1>Ada Berg</e1> was born in <e2>Wien</e2>."),
        ("Ada Berg", "Wien"),
    ),
    (("Ada Berg", "Wien", "birth-place", "In <e2>Wien</e2> lived <e1>Ada Berg</e1>."), ("Ada Berg", "Wien")),
    (("Ada", "Wien", "no_relation", "<e1>Ada</e1> does not know <e2>Wien</e2>."), ("Ada", "Wien")),
    (("Vera", "blogger", "has-occupation", "<e1>Vera</e1> — <e2>блог</e2>ер."), ("Vera", "блог")),
    (("Ada", "Mill Co.", "org-leader", "<e1>Ada</e1> heads <e2>Mill Co."), ("Ada", "Mill Co.")),
    (("Ada", "St. Elm", "birth-place", "<e1>Ada</e1> was born in <e2>St."), ("Ada", "St.")),
    (("Ada Berg", "Wien", "birth-place", "<e1>Ada Berg was born in <e2>Wien</e2>."), ("Ada Berg", "Wien")),
    (("Ada Berg", "Wien", "birth-place", "Ada Berg</e1> was born in <e2>Wien</e2>."), ("Ada Berg", "Wien")),
    (("Ada", "Wien", "birth-place", "<e1>Ada</e1> was born in Wien."), ("Ada", "Wien")),
    (("Ada", "5 km", "has-length", "The&nbsp;<e1>Ada</e1> is <e2>5&nbsp;km</e2> long."), ("Ada", "5 km")),
    (("A", "B", "birth-place", '"The ""<e1>A</e1>"" is in <e2>B</e2>."'), ("A", "B")),
    (("Ada", "Wien", "birth-place", "<e1>Ada</e1> went from Wien to Wien."), "several-in-text"),
    (("Ada", "Vienna", "birth-place", "<e1>Ada</e1> was born in Wien."), "not-in-text"),
    (("Ada", "Vienna", "birth-place", "<e1>Ada</e1> was born in <e2>Wien near the river."), "no-close-tag"),
    (("Ida", "Wien", "birth-place", "Ada</e1> was born in <e2>Wien</e2>."), "no-open-tag"),
    (("Ada", "Wien", "birth-place", "<e1>Ada</e1> met <e1>Ada</e1> in <e2>Wien</e2>."), "tag-twice"),
    (("Ada", "Wien", "birth-place", "<e1></e1>Ada was born in <e2>Wien</e2>."), "empty-mention"),
    (("Ada", "Wien", "birth-place", "</e1>Ada<e1> was born in <e2>Wien</e2>."), "empty-mention"),
    (("Ada", "Ada", "birth-place", "<e1>Ada</e1> was born."), "same-mention"),
    (("Ada", "Wien", "birth-place", ""), "no-text"),
]
REPAIRS = {
    "close tag added": 2,
    "close tag added at the full stop where the row was cut": 1,
    "open tag added": 1,
    "both tags added": 1,
    "&nbsp; made a space": 1,
}


@pytest.fixture
def every_fault(tmp_path: Path) -> Path:
    path = tmp_path / "en-full_corpora_train.tsv"
    lines = [f"{number}\t" + "\t".join(fields) for number, (fields, _) in enumerate(ROWS)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_every_fault_is_repaired_or_refused_and_counted(every_fault: Path) -> None:
    tally, problems = Tally(), list[Problem]()
    read = {sentence.id: sentence for sentence in smiler.read(every_fault, problems, tally=tally)}
    refused = {problem.line: problem.code for problem in problems}
    for number, (fields, expected) in enumerate(ROWS):
        if isinstance(expected, str):
            assert refused[number + 1] == f"smiler-{expected}", fields
        else:
            assert tuple(entity.text for entity in read[str(number)].entities) == expected, fields
    assert dict(tally.repaired) == REPAIRS
    assert len(ROWS) == len(read) + len(refused)
    assert tally.left_out == Counter(f"row refused: {code}" for code in refused.values())
    assert {problem.severity for problem in problems} == {"warning"}


def test_the_counts_are_told_where_nobody_collects_them(every_fault: Path) -> None:
    with pytest.warns(UserWarning, match=r"repaired: .*close tag added: 2.*left out: .*no-text: 1"):
        assert len(list(smiler.read(every_fault))) == 11


def test_a_row_becomes_one_incomplete_sentence(every_fault: Path) -> None:
    first, second, third, inside, *_ = smiler.read(every_fault, tally=Tally())
    ada, wien = Entity(0, 8, "Ada Berg"), Entity(21, 25, "Wien")
    assert first == Sentence(
        id="0",
        lang="en",
        text="Ada Berg was born in Wien.",
        entities=(ada, wien),
        triples=(Triple(ada, "birth-place", wien),),
        complete=False,
        source="smiler",
    )
    assert second.triples[0].subject.start > second.triples[0].object.start, "the object may come first"
    assert third.triples == ()
    assert len(third.entities) == 2
    assert inside.text[inside.entities[1].end :] == "ер.", "a tag may close inside a word"
    assert inside.extra == {"entity_2": "blogger"}, "a column that is not the mention is kept"


def test_a_quoted_field_is_unquoted_and_a_sole_pair_of_quotes_is_text(tmp_path: Path) -> None:
    path = tmp_path / "de.train.tsv"
    rows = ['1\tA\tB\tr\t"Ein ""<e1>A</e1>"" in <e2>B</e2>."', '2\tA\tB\tr\t"<e1>A</e1> in <e2>B</e2>."']
    path.write_text("\n".join(rows), "utf-8")
    assert [s.text for s in smiler.read(path)] == ['Ein "A" in B.', '"A in B."']


@pytest.mark.parametrize(
    ("name", "lang"),
    [
        ("de_corpora_train.tsv", "de"),
        ("en-full_corpora_train.tsv", "en"),
        ("uk.test.tsv.gz", "uk"),
        ("pt/train.tsv", "pt"),
    ],
)
def test_the_language_comes_from_the_file_name(tmp_path: Path, name: str, lang: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("1\tA\tB\tr\t<e1>A</e1> <e2>B</e2>\n", "utf-8")
    assert next(smiler.read(path)).lang == lang


def test_the_column_and_the_argument_go_before_the_name(tmp_path: Path) -> None:
    path = tmp_path / "de_corpora_train.tsv"
    row = "1\tA\tB\tr\t<e1>A</e1> <e2>B</e2>"
    path.write_text(f"{row}\tru\n{row}\n", "utf-8")
    assert [s.lang for s in smiler.read(path)] == ["ru", "de"]
    assert [s.lang for s in smiler.read(path, reading=Reading(lang="fa"))] == ["ru", "fa"]


def test_a_header_says_where_the_columns_are(tmp_path: Path) -> None:
    path = tmp_path / "rows.tsv"
    path.write_text(
        "lang\tid\tlabel\tentity_1\tentity_2\ttext\nko\t7\tr\tA\tB\t<e1>A</e1> <e2>B</e2>\n", "utf-8"
    )
    (sentence,) = smiler.read(path)
    assert (sentence.lang, sentence.id, sentence.triples[0].relation) == ("ko", "7", "r")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\tA\tB\tr", "rows.tsv:2: 4 columns, 5 or 6 were expected. Columns: id, entity_1, entity_2"),
        ("1\tA\tB\tr\t<e1>A</e1> <e2>B</e2>\tde\tmore", "rows.tsv:2: 7 columns"),
        ("1\tA\tB\t\t<e1>A</e1> <e2>B</e2>\tde", "rows.tsv:2: the row has no label"),
        (
            "1\tA\tB\tr\t<e1>A</e1> <e2>B</e2>",
            "rows.tsv:2: the row has no language. Name the file like de_corpora",
        ),
    ],
)
def test_rows_of_the_wrong_shape_name_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "rows.tsv"
    good = "0\tA\tB\tr\t<e1>A</e1> <e2>B</e2>\tde"
    path.write_text("\n".join([good, line, good]), "utf-8")
    with pytest.raises(DataError) as raised:
        list(smiler.read(path))
    assert message in str(raised.value)
    problems: list[Problem] = []
    assert len(list(smiler.read(path, problems))) == 2
    assert [problem.line for problem in problems] == [2]


@in_one_folder
@given(rows=st.lists(pair_rows(), max_size=3))
def test_round_trip_smiler_jsonl_smiler(tmp_path: Path, rows: list[Sentence]) -> None:
    written = smiler.write(rows, tmp_path / "a.tsv")
    assert (written.sentences, +written.left_out, written.lost) == (len(rows), Counter(), Counter())
    from_tsv = list(smiler.read(tmp_path / "a.tsv"))
    assert from_tsv == rows
    jsonl.write(from_tsv, tmp_path / "b.jsonl")
    from_jsonl = list(jsonl.read(tmp_path / "b.jsonl", reading=Reading(offsets=Offsets.CODEPOINTS)))
    assert from_jsonl == rows
    smiler.write(from_jsonl, tmp_path / "c.tsv")
    assert (tmp_path / "c.tsv").read_bytes() == (tmp_path / "a.tsv").read_bytes()


@settings(deadline=None)
@given(pair_rows())
def test_marks_are_inverse(row: Sentence) -> None:
    spans = (row.entities[0].span, row.entities[1].span)
    marked = unmark(mark(row.text, *spans), "", "")
    assert (marked.text, marked.spans, marked.repairs) == (row.text, spans, [])


def test_marks_of_our_own_are_refused() -> None:
    for text in ("a <e1>tag", "a&nbsp;space"):
        with pytest.raises(Damage):
            mark(text, Span(0, 1), Span(0, 1))


def test_writing_counts_what_a_row_cannot_hold(tmp_path: Path) -> None:
    text = "Ada lebt in Wien und Graz."
    ada, wien, graz = Entity(0, 3, "Ada", "PER"), Entity(12, 16, "Wien"), Entity(21, 25, "Graz")
    several = Sentence(
        "1", "de", text, (ada, wien, graz), (Triple(ada, "lives-in", wien), Triple(ada, "lives-in", graz))
    )
    bare = Sentence("2", "de", "Nichts.")
    broken = Sentence("3", "de", "Ada\tWien", (Entity(0, 3, "Ada"), Entity(4, 8, "Wien")))
    written = smiler.write([several, bare, broken], tmp_path / "de.train.tsv")
    assert written.sentences == 1
    assert written.left_out == {
        "no triple and not exactly two entities": 1,
        "a tab or a line break in a field": 1,
    }
    assert written.lost == {
        "entity types": 1,
        "sentences whose triples went to several rows": 1,
        "sentences marked complete": 1,
    }
    assert [s.triples[0].object.text for s in smiler.read(tmp_path / "de.train.tsv")] == ["Wien", "Graz"]
