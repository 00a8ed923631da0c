"""Pieces of words, signs for spaces, and lines that end otherwise than at LF: the text is what was written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mere.data.formats import Problem, Reading, conll, jsonl
from mere.data.formats.tally import Tally
from mere.errors import DataError
from tests.data.formats.test_forms_of_tags import RIGHT, columns, told


def rows(folder: Path, content: str, name: str = "de.train.conll") -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Pau\tB-PER\n##la\tI-PER\nruht\tO\n.\tO\n\nOt\tB-PER\n##to\tI-PER\n", "Paula ruht ."),
        ("▁Pau\tB-PER\nla\tI-PER\n▁ruht\tO\n.\tO\n\n▁Ot\tB-PER\nto\tI-PER\n", "Paula ruht."),
        ("▁\tB-PER\nPaula\tI-PER\n▁ruht\tO\n.\tO\n\n▁Ot\tB-PER\nto\tI-PER\n", "Paula ruht."),
        ("Pau@@\tB-PER\nla\tI-PER\nruht\tO\n.\tO\n\nOt@@\tB-PER\nto\tI-PER\n", "Paula ruht ."),
    ],
)
def test_pieces_make_words(tmp_path: Path, content: str, text: str) -> None:
    assert told(rows(tmp_path, content)) == [(text, [("Paula", "PER")]), ("Otto", [("Otto", "PER")])]


@pytest.mark.parametrize("sign", ["_", "▁", "<SP>", "[SPACE]"])
def test_signs_for_a_space(tmp_path: Path, sign: str) -> None:
    content = f"이\tB-PS\n나\tI-PS\n는\tO\n{sign}\tO\n간\tO\n다\tO\n\n비\tO\n가\tO\n{sign}\tO\n온\tO\n다\tO\n"
    tally = Tally()
    read = list(conll.read(rows(tmp_path, content, "ko.train.conll"), tally=tally))
    assert [s.text for s in read] == ["이나는 간다", "비가 온다"]
    assert read[0].entities[0].text == "이나"
    assert tally.repaired == {f'rows "{sign}" read as a space': 2}


@pytest.mark.parametrize("end", ["\n\r", "\r\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1e"])
@pytest.mark.parametrize("length", [1, 1_200])
def test_other_line_ends(tmp_path: Path, end: str, length: int) -> None:
    path = columns(tmp_path, {})
    path.write_bytes("\n".join([path.read_text(encoding="utf-8")] * length).replace("\n", end).encode())
    assert told(path)[-2:] == RIGHT


def test_what_parts_no_lines_stays_in_them(tmp_path: Path) -> None:
    path = rows(tmp_path, '{"text": "Ada\u2028lebt\x85in Graz"}', "de.train.jsonl")
    assert next(jsonl.read(path)).text == "Ada\u2028lebt\x85in Graz"
    path = rows(tmp_path, '{"text": "Ada"}\u2028{"text": "Bo"}', "de.train.jsonl")
    assert [s.text for s in jsonl.read(path)] == ["Ada", "Bo"]


@pytest.mark.parametrize("blank", ["\u200b", "\ufeff", "\u00a0", "\u2028", "\t"])
def test_lines_that_show_nothing_part_sentences(tmp_path: Path, blank: str) -> None:
    path = columns(tmp_path, {}, between=f"{blank}\n")
    assert told(path) == RIGHT


def test_files_put_together_have_marks_inside(tmp_path: Path) -> None:
    path = columns(tmp_path, {}, between="\n\ufeff")
    tally = Tally()
    assert [s.text for s in conll.read(path, tally=tally)] == [text for text, _ in RIGHT]
    assert tally.repaired == {"byte order marks inside the file, taken out": 1}


@pytest.mark.parametrize("sign", ["***", "---", "EOS"])
def test_a_sign_between_sentences_gets_a_cure_that_runs(tmp_path: Path, sign: str) -> None:
    path = columns(tmp_path, {}, between=f"{sign}\n")
    problems: list[Problem] = []
    list(conll.read(path, problems))
    advised = problems[0].cure.partition("Run: ")[2]
    subprocess.run(advised, shell=True, check=True)
    assert told(tmp_path / "de.train.blank.conll") == RIGHT


def test_a_carriage_return_inside_a_row_gets_a_cure_that_runs(tmp_path: Path) -> None:
    path = columns(tmp_path, {})
    path.write_bytes(path.read_bytes().replace(b"O\n", b"O\r", 1))
    with pytest.raises(DataError) as raised:
        told(path)
    subprocess.run(str(raised.value).partition("Run: ")[2], shell=True, check=True)
    assert told(tmp_path / "de.train.lines.conll") == RIGHT


def test_the_language_that_a_whole_name_states_is_advised(tmp_path: Path) -> None:
    path = rows(tmp_path, "Ada\tB-PER\n", "ar.conll")
    with pytest.raises(DataError, match="--lang ar"):
        list(conll.read(path, reading=Reading()))


def test_the_code_before_every_token_of_wikiann_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "de.train.conll"
    path.write_text("de:Ida\tB-PER\nde:mag\tO\nde:Ulm\tB-LOC\n\nde:Bo\tB-PER\n", encoding="utf-8")
    tally = Tally()
    assert [s.text for s in conll.read(path, tally=tally)] == ["Ida mag Ulm", "Bo"]
    assert tally.repaired == {'"de:" taken off the tokens': 4}
