"""Files become texts without a character added, lost or guessed; what is unreadable is named by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mere.errors import DataError
from mere.inference.io import InputText, output_record, read_texts
from mere.types import Document

LINES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff"), max_size=20)
)
ours = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def saved(folder: Path, content: bytes, name: str = "in.txt") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


@ours
@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_lines_are_read_as_they_stand(tmp_path: Path, lines: list[str], line_end: str, marked: bool) -> None:
    content = (b"\xef\xbb\xbf" if marked and lines else b"") + "".join(
        f"{line}{line_end}" for line in lines
    ).encode()
    items = list(read_texts(saved(tmp_path, content)))
    assert [item.text for item in items] == lines
    assert [item.where for item in items] == [f"{tmp_path}/in.txt:{i}" for i in range(1, len(lines) + 1)]


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    assert [item.text for item in read_texts(saved(tmp_path, b"a\n\nb\rc"))] == ["a", "", "b\rc"]


def test_a_whole_file_keeps_its_line_ends(tmp_path: Path) -> None:
    (item,) = read_texts(saved(tmp_path, b"\xef\xbb\xbfa\r\nb\n"), per="file")
    assert item.text == "a\r\nb\n"


def test_json_lines_carry_language_and_other_keys(tmp_path: Path) -> None:
    rows = [{"text": "a\nb", "lang": "de", "id": 7}, {"body": "x", "text": "y"}]
    path = saved(tmp_path, "\r\n\r\n".join(json.dumps(row) for row in rows).encode(), "in.jsonl")
    first, second = read_texts(path)
    assert (first.text, first.lang, dict(first.extra)) == ("a\nb", "de", {"id": 7})
    assert (second.text, second.lang, second.where) == ("y", None, f"{path}:3")
    (third,) = read_texts(saved(tmp_path, b'{"body": "x"}\n', "b.jsonl"), text_key="body")
    assert third.text == "x"


def test_gzip_is_seen_through(tmp_path: Path) -> None:
    path = saved(tmp_path, gzip.compress("ä\n".encode()), "in.txt.gz")
    assert [item.text for item in read_texts(path)] == ["ä"]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"good\nb\xe4d\n", "in.txt", r"in\.txt:2: byte 2 of the line \(0xe4\) is not UTF-8\. Convert"),
        (b"\xff\xfea\x00", "in.txt", r"in\.txt: starts like UTF-16; mere reads UTF-8\. Convert it: iconv"),
        (
            b'{"text": "a"}\n{"text": "b',
            "in.jsonl",
            r"in\.jsonl:2: not a JSON object \(column 10 of 11.*cut short",
        ),
        (b"[1]\n", "in.jsonl", r"in\.jsonl:1: expected a JSON object, got list"),
        (
            b'{"body": 1}\n',
            "in.jsonl",
            r'in\.jsonl:1: no string under "text"; its keys: body\. Or pass --text-key',
        ),
        (b'{"text": "a", "lang": 3}\n', "in.jsonl", r'in\.jsonl:1: "lang" must be a string or null, got int'),
        (b'{"text": "\\ud83d"}\n', "in.jsonl", r"in\.jsonl:1: lone surrogate U\+D83D at character 0"),
        (b"[" * 100_000, "in.jsonl", r"in\.jsonl:1: not a JSON object"),
        (gzip.compress(b"abc" * 999, mtime=0)[:-12], "in.txt.gz", r"in\.txt\.gz:\d+: cannot be read"),
        (b"plain", "in.txt.gz", r"in\.txt\.gz:1: cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: bytes, name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_texts(saved(tmp_path, content, name)))


def test_a_bad_byte_in_a_whole_file_is_named_by_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"in\.txt:2: byte 2 of the line \(0xe4\)"):
        list(read_texts(saved(tmp_path, b"good\nb\xe4d\n"), per="file"))


def test_no_such_file_and_no_file() -> None:
    with pytest.raises(DataError, match=r'nowhere\.txt: no such file\. Give a path, or "-"'):
        list(read_texts("nowhere.txt"))
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        list(read_texts("."))


def test_lines_before_a_bad_one_are_read(tmp_path: Path) -> None:
    items = read_texts(saved(tmp_path, b"good\n\xff\n"))
    assert next(items).text == "good"
    with pytest.raises(DataError):
        next(items)


@pytest.mark.parametrize("lang", ["", "  ", "und", "UND", None])
def test_what_states_no_language_states_none(tmp_path: Path, lang: str | None) -> None:
    path = saved(tmp_path, json.dumps({"text": "a", "lang": lang}).encode(), "in.jsonl")
    assert [item.lang for item in read_texts(path)] == [None]


@pytest.mark.parametrize("name", ["in.txt", "in.txt.gz"])
def test_how_much_was_read_is_told_in_the_bytes_of_the_file(tmp_path: Path, name: str) -> None:
    content = "ä\n".encode() * 9
    path = saved(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    read: list[int] = []
    list(read_texts(path, tell=read.append))
    assert read == sorted(read)
    assert read[-1] == Path(path).stat().st_size


def test_a_key_of_the_input_with_a_name_of_ours_is_kept_under_input() -> None:
    given = {
        "id": 7,
        "notes": "by the editor",
        "entities": [1],
        "text": "Titel",
        "page": 3,
        "input": {"a": 1},
    }
    record = output_record(InputText("Bo", "in:1", None, given), Document("Bo", "de", notes=("ours",)))
    assert record["input"] == {key: given[key] for key in ("notes", "entities", "text", "input")}
    assert (record["id"], record["page"], record["text"], record["notes"]) == (7, 3, "Bo", ["ours"])
    assert "input" not in output_record(InputText("Bo", "in:1", None, {"page": 3}), Document("Bo", "de"))
