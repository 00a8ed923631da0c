"""Which files a corpus has: each once, none in silence, and what cannot be read is refused before any work."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from mere.bulk import Plan
from mere.bulk.inputs import PLAN, find_files
from mere.bulk.place import Place
from mere.errors import DataError
from tests.bulk.corpora import settings, write_lines


def found(*sources: Path, out: Path | None = None) -> tuple[list[str], str]:
    files, notes = find_files(list(map(str, sources)), "auto", out or sources[0] / "no-out")
    return [file.name for file in files], "\n".join(notes)


def test_a_folder_is_read_in_order_of_names_and_what_is_passed_over_is_said(tmp_path: Path) -> None:
    for name in ("b.txt", "a/x.jsonl", "a/x.txt.gz", "c.pdf", "d.tar.gz", ".git.txt", "e", "f.parquet.gz"):
        write_lines(tmp_path / name, [])
    names, notes = found(tmp_path)
    assert names == [f"{tmp_path}/{name}" for name in ("a/x.jsonl", "a/x.txt.gz", "b.txt")]
    for told in ("1 .pdf", "1 .tar.gz", "1 hidden", "1 without an ending", "1 .parquet.gz"):
        assert told in notes
    assert found(tmp_path / "e")[0] == [f"{tmp_path}/e"]  # a file that is named is read


def test_links_in_a_circle_end_and_one_file_is_read_once(tmp_path: Path) -> None:
    write_lines(tmp_path / "a" / "x.txt", ["x"])
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "b.txt").symlink_to("a/x.txt")
    (tmp_path / "c.txt").symlink_to("nowhere")
    names, notes = found(tmp_path, tmp_path / "a")
    assert names == [f"{tmp_path}/a/x.txt"]
    for told in ("a/up: links back to", "b.txt: is the same file as", "c.txt: links to nothing"):
        assert told in notes


def test_two_files_of_one_name_are_two(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_lines(tmp_path / folder / "x.txt", [folder])
    assert found(tmp_path / "a", tmp_path / "b")[0] == [f"{tmp_path}/a/x.txt", f"{tmp_path}/b/x.txt"]


def test_outputs_are_no_inputs(tmp_path: Path) -> None:
    write_lines(tmp_path / "x.txt", ["x"])
    write_lines(tmp_path / "old" / "part-000000.jsonl", ["{}"])
    write_lines(tmp_path / "old" / PLAN, ["{}"])
    write_lines(tmp_path / "new" / "part-000000.jsonl", ["{}"])
    names, notes = found(tmp_path, out=tmp_path / "new")
    assert names == [f"{tmp_path}/x.txt"]
    assert notes.count("is the output of a corpus run") == 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", b"\xff\xfea\x00", "starts like UTF-16"),
        ("x.md", b"#", "no file to read"),
        ("x.parquet", b"PAR1 and so on", "not a whole Parquet file"),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        Plan.make(settings(), [str(tmp_path)], Place(tmp_path / "out"))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": [b"x"]}, 'column "text" holds binary, expected strings'),
        ({"text": [1]}, 'column "text" holds int64'),
        ({"body": ["x"]}, 'no column "text"; its columns: body'),
        ({"text": ["x"], "lang": [1]}, 'column "lang" holds int64'),
    ],
)
def test_a_parquet_column_of_another_type_is_refused(
    tmp_path: Path, columns: dict[str, list[object]], message: str
) -> None:
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DataError, match=message):
        Plan.make(settings(), [str(tmp_path)], Place(tmp_path / "out"))


def test_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        found(tmp_path / "nowhere")
