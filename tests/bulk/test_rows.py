"""Shards hold every row once, as a reader of whole files sees them; rows that cannot be read say why."""

from __future__ import annotations

import datetime
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pyarrow import parquet

from mere.bulk import Plan, rows
from mere.bulk.place import Place
from mere.bulk.plan import Shard, cut_lines
from mere.bulk.rows import Aside, read_rows
from mere.errors import DataError
from mere.inference.io import InputText, read_texts
from tests.bulk.corpora import settings, write_lines

ours = given_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def plan_of(path: Path, **changes: Any) -> Plan:
    return Plan.make(settings(**changes), [str(path)], Place(path.parent / "out"))[0]


def read(path: Path, **changes: Any) -> list[InputText | Aside]:
    plan = plan_of(path, **changes)
    return [row for shard in plan.shards for row in read_rows(shard, plan.settings)]


@ours
@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\n\n"]), max_size=60), st.integers(1, 12))
def test_lines_are_cut_at_their_ends_and_counted(pieces: list[bytes], size: int) -> None:
    content = b"".join(pieces)
    runs = list(cut_lines(io.BytesIO(content), size))
    assert b"".join(content[start:end] for start, end, _, _ in runs) == content
    assert all(content[start:end].endswith(b"\n") for start, end, _, _ in runs[:-1])
    number = 1
    for start, end, first, lines in runs:
        assert first == number
        assert lines == len(content[start:end].removesuffix(b"\n").split(b"\n"))
        number += lines


@ours
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\ufeff")), max_size=40),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from(["x.txt", "x.jsonl", "x.txt.gz"]),
)
def test_shards_hold_what_a_reader_of_the_whole_file_reads(
    tmp_path: Path, lines: list[str], end: str, mark: bytes, name: str
) -> None:
    if name == "x.jsonl":
        lines = [json.dumps({"text": line, "id": i, "lang": "de"}) for i, line in enumerate(lines)] + [""]
    content = mark + end.join(lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert read(path, shard_mb=0.00003) == list(read_texts(str(path)))


def test_small_files_share_a_shard_and_large_ones_have_several(tmp_path: Path) -> None:
    for number in range(10):
        write_lines(tmp_path / "c" / f"{number}.txt", ["x" * 150])
    plan = plan_of(tmp_path / "c", shard_mb=0.001)
    assert [len(shard.slices) for shard in plan.shards] == [7, 3]
    write_lines(tmp_path / "big.txt", ["x" * 99] * 100)
    assert [shard.weight for shard in plan_of(tmp_path / "big.txt", shard_mb=0.001).shards] == [1000] * 10


def test_whole_files_are_texts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\n")
    assert read(tmp_path / "a.txt", per="file") == [InputText("a\r\nb\n", f"{tmp_path}/a.txt")]


def test_rows_that_cannot_be_read_are_kept_with_their_reasons(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(b"good\n" + "Köln\n".encode("cp1252") + "Köln\n".encode())
    good, bad, fine = read(path)
    assert isinstance(good, InputText)
    assert isinstance(fine, InputText)
    assert (good.text, fine.text, fine.where) == ("good", "Köln", f"{path}:3")
    assert isinstance(bad, Aside)
    assert "x.txt:2: byte 2 of the line (0xf6) is not UTF-8" in bad.reason
    assert bad.to_json()["base64"] == "S/Zsbg=="
    broken = tmp_path / "x.jsonl"
    broken.write_bytes(b'{"text": "ha\n{"text": "\\ud800"}\n{"text": "good"}\n')
    cut, half, whole = read(broken)
    assert isinstance(cut, Aside)
    assert isinstance(half, Aside)
    assert isinstance(whole, InputText)
    assert cut.to_json()["row"] == '{"text": "ha'
    assert "lone surrogate" in half.reason


def test_a_row_too_long_to_hold_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_ROW_BYTES", 10)
    path = write_lines(tmp_path / "x.txt", ["123456789", "1234567890", "x" * 2_000_000, "y"])
    kinds = [row.text if isinstance(row, InputText) else row.row for row in read(path)]
    assert kinds == ["123456789", None, None, "y"]


def test_a_gzip_file_cut_short_gives_what_it_has_and_says_where_it_ends(tmp_path: Path) -> None:
    whole = gzip.compress("".join(f"{n * 7919 % 10007}\n" for n in range(9000)).encode())
    path = tmp_path / "x.txt.gz"
    path.write_bytes(whole[: len(whole) // 2])
    *texts, last = read(path)
    assert isinstance(last, Aside)
    assert last.rest
    assert f"x.txt.gz:{len(texts) + 1}: the file is damaged or cut short here" in last.reason
    assert len(texts) > 1000
    assert [row.text for row in texts[:-1] if isinstance(row, InputText)] == [
        str(n * 7919 % 10007) for n in range(len(texts) - 1)
    ]


def test_a_file_that_changes_under_a_run_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "x.txt", ["a", "b"])
    plan = plan_of(path)
    write_lines(path, ["a", "b", "c"])
    with pytest.raises(DataError, match="has changed since the run began"):
        list(read_rows(plan.shards[0], plan.settings))


TABLE = pa.table(
    {
        "id": [f"r{n}" for n in range(25)],
        "text": pa.array(["Ada kam.", None, "Bo."] * 8 + ["Cy."]).dictionary_encode(),
        "lang": ["de"] * 24 + [None],
        "day": [datetime.date(2020, 1, 1)] * 25,
        "share": [float("nan")] * 25,
        "vector": [[0.5, 0.5]] * 25,
    }
)


def test_parquet_by_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(TABLE, path, row_group_size=4)
    plan, notes = Plan.make(settings(shard_mb=0.000001), [str(path)], Place(tmp_path / "out"))
    assert len(plan.shards) == 7
    assert notes == [f"{path}: nested or binary columns are not carried over: vector"]
    found = [row for shard in plan.shards for row in read_rows(shard, plan.settings)]
    assert [row.where for row in found] == [f"{path}:{n}" for n in range(1, 26)]
    assert [row.text if isinstance(row, InputText) else None for row in found] == TABLE["text"].to_pylist()
    assert found[0] == InputText(
        "Ada kam.", f"{path}:1", "de", {"id": "r0", "day": "2020-01-01", "share": None}
    )
    assert isinstance(found[1], Aside)
    assert '"text" is null' in found[1].reason


def test_a_parquet_string_that_is_not_utf8_is_one_row(tmp_path: Path) -> None:
    raw = pa.array([b"good", b"K\xf6ln", b"fine"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"text": broken}), path)
    good, bad, fine = read(path)
    assert isinstance(good, InputText)
    assert isinstance(fine, InputText)
    assert (good.text, fine.text) == ("good", "fine")
    assert isinstance(bad, Aside)
    assert "x.parquet:2: 'utf-8' codec can't decode byte 0xf6" in bad.reason


def test_damaged_pages_of_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    parquet.write_table(pa.table({"text": [f"Satz {n}" for n in range(5000)]}), path, use_dictionary=False)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 4 : len(raw) // 2] = bytes(len(raw) // 2 - len(raw) // 4)
    path.write_bytes(raw)
    last = read(path)[-1]
    assert isinstance(last, Aside)
    assert last.rest


def test_a_plan_reads_as_it_was_written(tmp_path: Path) -> None:
    write_lines(tmp_path / "c" / "a.txt", ["x" * 50] * 100)
    (tmp_path / "c" / "b.txt.gz").write_bytes(gzip.compress(b"x\n"))
    parquet.write_table(TABLE, tmp_path / "c" / "c.parquet", row_group_size=4)
    place = Place(tmp_path / "out")
    place.out.mkdir()
    plan, _ = Plan.make(settings(shard_mb=0.001), [str(tmp_path / "c")], place)
    with place.held():
        plan.save(place)
    again = Plan.load(place)
    assert again == plan
    assert [type(shard) for shard in again.shards] == [Shard] * len(plan.shards)
