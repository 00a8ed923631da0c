"""Columns as people really have them: what holds the tokens, what the tags, what is no row; or a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from mere.data.formats import Format, Problem, Reading, conll, sniff
from mere.data.formats.schemes import Scheme
from mere.data.formats.tally import Tally
from mere.errors import DataError
from mere.types import Sentence

ROWS = [("Ida", "B-PER"), ("Tal", "I-PER"), ("mag", "O"), ("Graz", "B-LOC"), (".", "O")]
MORE = [("Otto", "B-PER"), ("ruht", "O")]


def written(folder: Path, content: str, name: str = "de.train.conll") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def told(sentences: list[Sentence]) -> list[tuple[str, list[tuple[str, str | None]]]]:
    return [(s.text, [(e.text, e.type) for e in s.entities]) for s in sentences]


RIGHT = [("Ida Tal mag Graz .", [("Ida Tal", "PER"), ("Graz", "LOC")]), ("Otto ruht", [("Otto", "PER")])]


def numbered(start: int, sep: str, form: str = "{}") -> str:
    blocks = [
        "".join(sep.join((form.format(start + i), *row)) + "\n" for i, row in enumerate(rows))
        for rows in (ROWS, MORE)
    ]
    return "\n".join(blocks)


@pytest.mark.parametrize("start", [0, 1, 7])
@pytest.mark.parametrize("sep", ["\t", " ", "   "])
@pytest.mark.parametrize("form", ["{}", "w{}", "s1-{}"])
def test_a_column_that_counts_is_never_the_tokens(tmp_path: Path, start: int, sep: str, form: str) -> None:
    assert told(list(conll.read(written(tmp_path, numbered(start, sep, form))))) == RIGHT
    assert told(list(conll.read(written(tmp_path, "# a comment\n" + numbered(start, sep, form))))) == RIGHT


@pytest.mark.parametrize(
    "row",
    [
        "{i}\t{token}\t{tag}",
        "doc1\t{i}\t{token}\t{tag}",
        "{i}\t{token}\tNN\t{tag}",
        "{token}\t{i}\tNN\t{tag}",
        "NN {token} {tag}",
        "{a}-{b}\t{token}\t{tag}",
        "{i}\t{token}\t{tag}\t_\tSpaceAfter=Yes",
    ],
)
def test_where_the_tokens_stand_is_told_by_all_rows(tmp_path: Path, row: str) -> None:
    at, blocks = 0, []
    for rows in (ROWS, MORE):
        lines = []
        for i, (token, tag) in enumerate(rows):
            lines.append(
                row.format(i=i, token=token, tag=tag, lower=token.lower(), a=at, b=at + len(token)) + "\n"
            )
            at += len(token) + 1
        blocks.append("".join(lines))
    assert told(list(conll.read(written(tmp_path, "\n".join(blocks))))) == RIGHT


def test_the_index_begins_again_where_no_blank_line_parts_sentences(tmp_path: Path) -> None:
    assert told(list(conll.read(written(tmp_path, numbered(1, "\t").replace("\n\n", "\n"))))) == RIGHT


def plain(change: dict[str, str] | None = None, sep: str = "\t") -> str:
    names = change or {}
    return "\n".join(
        "".join(f"{token}{sep}{names.get(tag, tag)}\n" for token, tag in rows) for rows in (ROWS, MORE)
    )


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("# global.columns = FORM NER\n" + plain(), 1),
        ("#\thttps://example.org [2009]\n" + plain(), 1),
        ("# id 5-a\tdomain=de\n" + plain(sep=" _ _ "), 1),
        ("## doc\tIda mag <Graz:LOC>\n" + plain(), 1),
        ("% a remark of the editor\n" + plain(), 1),
        ("// a remark\n" + plain(), 1),
        ("<doc id=3>\n" + plain() + "</doc>\n", 2),
        ("#begin document (a); part 0\n" + plain() + "#end document\n", 2),
    ],
)
def test_comments_are_no_rows(tmp_path: Path, content: str, kept: int) -> None:
    tally = Tally()
    read = list(conll.read(written(tmp_path, content), [], tally=tally))
    assert told(read) == RIGHT
    assert tally.lost["comment lines"] in (kept, kept - 1)


def test_the_token_number_sign_is_a_row(tmp_path: Path) -> None:
    (one,) = conll.read(written(tmp_path, "# O\n1 O\nGraz B-LOC\n"))
    assert one.text == "# 1 Graz"


@pytest.mark.parametrize("header", ["token\ttag", "Word\tNER", "FORM\tLabel", "TOKEN\tNE-COARSE"])
def test_a_header_row_is_no_token(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, f"{header}\n" + plain())
    assert told(list(conll.read(path))) == RIGHT
    assert told(list(conll.read(path, reading=Reading(column=header.split("\t")[1])))) == RIGHT
    with pytest.raises(DataError, match='no column "NE"'):
        list(conll.read(path, reading=Reading(column="NE")))


def test_two_columns_of_tags_are_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, "Alt-Aalen\tB-ORG\tB-LOC\nruht\tO\tO\n")
    with pytest.raises(DataError, match="columns 2 and 3 both hold tags") as raised:
        list(conll.read(path))
    commands = [line.split("un: ")[1] for line in str(raised.value).splitlines()]
    assert [command.split()[-2:] for command in commands] == [["--column", "2"], ["--column", "3"]]
    assert [told(list(conll.read(path, reading=Reading(column=c))))[0][1][0][1] for c in "23"] == [
        "ORG",
        "LOC",
    ]
    chunks = written(tmp_path, "Ida NNP B-NP B-PER\nruht VB B-VP O\n")
    assert told(list(conll.read(chunks)))[0][1] == [("Ida", "PER")], "chunks are no entities"


SPELLINGS = {
    "B_PER": {"B-PER": "B_PER", "I-PER": "I_PER", "B-LOC": "B_LOC"},
    "PER-B": {"B-PER": "PER-B", "I-PER": "PER-I", "B-LOC": "LOC-B"},
    "PER_B": {"B-PER": "PER_B", "I-PER": "PER_I", "B-LOC": "LOC_B"},
    "b-PER": {"B-PER": "b-PER", "I-PER": "i-PER", "B-LOC": "b-LOC"},
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_other_spellings_of_tags_are_read_and_counted(tmp_path: Path, name: str) -> None:
    tally = Tally()
    assert told(list(conll.read(written(tmp_path, plain(SPELLINGS[name])), tally=tally))) == RIGHT
    assert tally.repaired.total() == 4


@pytest.mark.parametrize("sign", ["0", "o", "_", "-", "OTHER"])
def test_another_sign_for_outside_is_asked_for(tmp_path: Path, sign: str) -> None:
    path = written(tmp_path, plain({"O": sign}))
    with pytest.raises(DataError, match=rf"IOB2 with {sign} for O. Run: .* --outside={sign}$"):
        list(conll.read(path))
    tally = Tally()
    assert told(list(conll.read(path, reading=Reading(outside=(sign,)), tally=tally))) == RIGHT
    assert tally.repaired == {f'tags "{sign}" read as O': 3}


def test_types_alone_are_read_as_io(tmp_path: Path) -> None:
    path = written(tmp_path, plain({"B-PER": "person-actor", "I-PER": "person-actor", "B-LOC": "city"}))
    with pytest.raises(DataError, match=r"All tags of the file fit IO\. Run: .* --scheme io$"):
        list(conll.read(path))
    read = told(list(conll.read(path, reading=Reading(scheme=Scheme.IO))))
    assert read[0][1] == [("Ida Tal", "person-actor"), ("Graz", "city")]


def test_bare_letters_are_entities_without_a_type(tmp_path: Path) -> None:
    path = written(tmp_path, plain({"B-PER": "B", "I-PER": "I", "B-LOC": "B"}))
    assert told(list(conll.read(path)))[0][1] == [("Ida Tal", None), ("Graz", None)]


@pytest.mark.parametrize("outside", ["O", "O|O"])
@pytest.mark.parametrize("sign", ["|", ";", "+", ","])
def test_tags_that_join_several_entities_are_read_as_levels(tmp_path: Path, outside: str, sign: str) -> None:
    first = "B-ORG|O" if "|" in outside else "B-ORG"
    rows = f"TSV\t{first}\nAalen\tI-ORG|B-LOC\nruht\t{outside}\n".replace("|", sign)
    tally = Tally()
    (sentence,) = conll.read(written(tmp_path, rows), tally=tally)
    assert told([sentence])[0][1] == [("TSV Aalen", "ORG"), ("Aalen", "LOC")]
    assert tally.repaired.total() == 1


def test_two_joined_tags_of_a_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"B-ORG\|B-ORG of \"Graz\" names two entities of a type"):
        list(conll.read(written(tmp_path, "Graz\tB-ORG|B-ORG\nruht\tO\n")))


SPACES = [("Ada", 1, "B-PER"), ("ruht", 1, "O"), ("in", 1, "O"), ("Graz", 0, "B-LOC"), (".", 1, "O")]


@pytest.mark.parametrize(
    "order", ["{token}\t{space}\t{tag}", "{space}\t{token}\t{tag}", "{token} {tag} {space}"]
)
@pytest.mark.parametrize("names", ["False True", "0 1", "True False", "1 0", "no yes"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_column_of_yes_and_no_says_where_a_space_follows(
    tmp_path: Path, order: str, names: str, times: int
) -> None:
    rows = "".join(order.format(token=t, space=names.split()[s], tag=tag) + "\n" for t, s, tag in SPACES)
    tally = Tally()
    found = told(list(conll.read(written(tmp_path, f"{rows}\n" * times), tally=tally)))
    assert found == [("Ada ruht in Graz.", [("Ada", "PER"), ("Graz", "LOC")])] * times
    assert tally.repaired.total() == 5 * times


@pytest.mark.parametrize("order", ["{token}\t{is}\t{tag}", "{is}\t{token}\t{tag}", "{token}\t{tag}\t{is}"])
def test_a_column_of_yes_and_no_about_something_else_is_not_used(tmp_path: Path, order: str) -> None:
    rows = "".join(order.format(token=t, tag=tag, **{"is": t.istitle()}) + "\n" for t, _, tag in SPACES)
    (sentence,) = conll.read(written(tmp_path, rows))
    assert told([sentence]) == [("Ada ruht in Graz .", [("Ada", "PER"), ("Graz", "LOC")])]


@pytest.mark.parametrize("odd", ["\r\n", "\n"])
@pytest.mark.parametrize("place", [1, 2, 6])
def test_rows_that_end_in_cr_but_for_one(tmp_path: Path, odd: str, place: int) -> None:
    ends = ["\r"] * 7
    ends[place] = odd
    rows = ["Ada\tB-PER", "ruht\tO", "hier\tO", ".\tO", "", "Bo\tB-PER", "auch\tO"]
    path = tmp_path / "de.train.conll"
    path.write_bytes("".join(map("".join, zip(rows, ends, strict=True))).encode())
    assert told(list(conll.read(path))) == [
        ("Ada ruht hier .", [("Ada", "PER")]),
        ("Bo auch", [("Bo", "PER")]),
    ]


def test_letters_of_a_script_with_spaces_are_told(tmp_path: Path) -> None:
    rows = [*"박민수는갔다"]
    with pytest.raises(DataError, match="single letters"):
        list(conll.read(written(tmp_path, "".join(f"{letter}\tO\n" for letter in rows), "ko.a.conll")))
    tally = Tally()
    few = "".join(f"{letter}\tO\n" for letter in rows[:3])
    assert next(conll.read(written(tmp_path, few, "ko.a.conll"), tally=tally)).text == "박 민 수"
    assert tally.repaired == {"sentences of single letters, joined by spaces": 1}
    tally = Tally()
    mixed = "".join(f"{letter}\tO\n" for letter in "在看TheWire的人")
    assert next(conll.read(written(tmp_path, mixed, "zh.a.conll"), tally=tally)).text == "在看TheWire的人"
    assert tally.repaired.total() == 1


@pytest.mark.parametrize("space", [" ", "\u3000"])
def test_spaces_that_are_tokens_make_the_text(tmp_path: Path, space: str) -> None:
    chars = "".join(f"{char}\t{'B-PS' if char == '은' else 'O'}\n" for char in f"은지가{space}온다.")
    path = written(tmp_path, chars + "\n" + chars, "ko.train.conll")
    one, two = conll.read(path)
    assert one.text == two.text == f"은지가{space}온다."
    conll.write([one, two], tmp_path / "ko.dev.conll")
    assert (tmp_path / "ko.dev.conll").read_text("utf-8").rstrip("\n") == path.read_text("utf-8").rstrip("\n")


def test_letters_without_a_sign_of_spaces_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{char}\tO\n" for char in "dasisteintextohneeinleerzeichen")
    with pytest.raises(DataError, match="nothing shows where a word ends"):
        list(conll.read(written(tmp_path, rows)))


def test_chinese_with_latin_letters_one_by_one(tmp_path: Path) -> None:
    rows = "".join(f"{char}\tO\n" for char in "我买了iPhone和MacBook两个")
    (one,) = conll.read(written(tmp_path, rows, "zh.train.conll"))
    assert one.text == "我买了iPhone和MacBook两个"


def test_a_column_says_where_no_space_follows(tmp_path: Path) -> None:
    rows = "1\tGraz\tB-LOC\tSpaceAfter=No\n2\t!\tO\t_\n3\tJa\tO\t_\n"
    assert told(list(conll.read(written(tmp_path, rows)))) == [("Graz! Ja", [("Graz", "LOC")])]


def test_words_of_a_token_are_read_as_written(tmp_path: Path) -> None:
    rows = "1\tIda\tB-PER\n2-3\tzum\tO\n2\tzu\tO\n3\tdem\tO\n4\tSee\tO\n4.1\tx\tO\n"
    (one,) = conll.read(written(tmp_path, rows))
    assert one.text == "Ida zum See"


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_every_line_end(tmp_path: Path, end: str) -> None:
    path = tmp_path / "de.train.conll"
    path.write_bytes(plain().replace("\n", end).encode())
    assert told(list(conll.read(path))) == RIGHT


@pytest.mark.parametrize("name", ["de.train.tsv", "de.train.txt", "de.train", "de.train.jsonl"])
def test_what_is_in_a_file_counts_not_its_ending(tmp_path: Path, name: str) -> None:
    rows = "".join(f"{token}\t{token.lower()}\tX\tY\t{tag}\n" for token, tag in ROWS)
    assert sniff(written(tmp_path, rows, name)) is Format.CONLL


def test_a_row_that_is_not_like_the_others_is_an_error_of_its_line(tmp_path: Path) -> None:
    problems: list[Problem] = []
    list(conll.read(written(tmp_path, plain() + "lebt\n"), problems))
    assert [(p.line, p.code) for p in problems] == [(9, "conll-columns")]


@pytest.mark.parametrize("mark", ["<EOS>", "</s>", "[SEP]"])
def test_rows_that_mark_the_end_of_a_sentence_are_no_tokens(tmp_path: Path, mark: str) -> None:
    one = "Ada\tB-PER\nruht\tO\n"
    tally = Tally()
    read = list(conll.read(written(tmp_path, f"{one}{mark}\tO\n{one}"), tally=tally))
    assert told(read) == [("Ada ruht", [("Ada", "PER")])] * 2
    assert tally.repaired == {"rows that mark where a sentence begins or ends": 1}


def test_base_forms_before_the_tokens_are_none(tmp_path: Path) -> None:
    rows = "ada\tAda\tNN\tB-PER\nruhen\truht\tVB\tO\nin\tin\tPP\tO\ngraz\tGraz\tNN\tB-LOC\n"
    assert told(list(conll.read(written(tmp_path, rows)))) == [
        ("Ada ruht in Graz", [("Ada", "PER"), ("Graz", "LOC")])
    ]
    turned = "\n".join("\t".join([b, a, *more]) for a, b, *more in (r.split("\t") for r in rows.splitlines()))
    assert told(list(conll.read(written(tmp_path, turned))))[0][0] == "Ada ruht in Graz"


@pytest.mark.parametrize("form", ['"{}"', "'{}'", "['{}']", "[{}]", "({})"])
def test_tags_in_quotes_or_brackets(tmp_path: Path, form: str) -> None:
    rows = "".join(f"{token}\t{form.format(tag)}\n" for token, tag in ROWS)
    assert told(list(conll.read(written(tmp_path, rows))))[0] == RIGHT[0]


@pytest.mark.parametrize("change", [("-", "- "), ("B-", "BEGIN_"), ("-", ".")])
def test_other_prefixes(tmp_path: Path, change: tuple[str, str]) -> None:
    tags = [tag.replace(*change) if tag != "O" else tag for _, tag in ROWS]
    tags = [tag.replace("I-", "IN_") if change[0] == "B-" else tag for tag in tags]
    rows = "".join(f"{token}\t{tag}\n" for (token, _), tag in zip(ROWS, tags, strict=True))
    assert told(list(conll.read(written(tmp_path, rows))))[0] == RIGHT[0]


@pytest.mark.parametrize("sign", ["\u00a0", "\u3000", ","])
def test_fields_parted_by_other_signs_are_refused_with_a_command(tmp_path: Path, sign: str) -> None:
    rows = "".join(f"{token}{sign}{tag}\n" for token, tag in MORE)
    with pytest.raises(DataError, match=r"parted by .*Run: python3 -c "):
        list(conll.read(written(tmp_path, rows)))
