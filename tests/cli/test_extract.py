"""`mere extract` with a real model: what goes in comes out with offsets that hold, or one clear message."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mere.cli import app
from mere.shipped import IN_PACKAGE

NAMES = IN_PACKAGE / "names"
"""Comes with mere and needs no torch: a process of its own is soon there."""
TEXTS = [
    "Ada Byron wurde in London geboren.",
    "",
    "👩‍👩‍👧 Zoe\u0301 wrote “Łódź” — ולדיה lives in Haifa.\x00\x1b",
    "花子は京都で生まれた。次の文！",
]


def extracted(*args: object, stdin: bytes = b"", status: int = 0) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["extract", *map(str, args)], input=stdin)
    assert done.exit_code == status, done.stderr
    assert "Traceback" not in done.stderr
    return [json.loads(line) for line in done.stdout_bytes.decode().split("\n")[:-1]]


def offsets_hold(record: dict[str, Any]) -> bool:
    mentions = [*record["entities"], *(t[role] for t in record["triples"] for role in ("subject", "object"))]
    return all(record["text"][m["start"] : m["end"]] == m["text"] for m in mentions)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_one_line_in_one_line_out(untrained_model: Path, tmp_path: Path, line_end: str, mark: bytes) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(mark + line_end.join(TEXTS).encode())
    records = extracted(untrained_model, path, "--threshold", 0)
    assert [record["text"] for record in records] == TEXTS
    assert [record["id"] for record in records] == [f"{path}:{i}" for i in range(1, 5)]
    assert all(map(offsets_hold, records))
    assert sum(len(record["triples"]) for record in records) > 0
    assert all(0 <= t["score"] <= 1 for record in records for t in record["triples"])


def test_standard_input_in_a_pipe(mere: Any) -> None:
    text = "Ada Byron wurde in London geboren.\n"
    done = mere("extract", NAMES, stdin=text)
    assert done.returncode == 0
    (record,) = map(json.loads, done.stdout.splitlines())
    assert (record["id"], record["lang"]) == ("stdin:1", "de")
    assert extracted(NAMES, "-", stdin=text.encode()) == [record]


def test_a_whole_file_is_one_text(untrained_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Ada kam.\r\nBo ging.\r\n")
    (record,) = extracted(untrained_model, path, "--per", "file", "--threshold", 0)
    assert (record["id"], record["text"]) == (str(path), "Ada kam.\r\nBo ging.\r\n")
    assert offsets_hold(record)


def test_json_lines_keep_their_keys_and_their_language(untrained_model: Path, tmp_path: Path) -> None:
    rows = [
        {"id": 7, "text": "Ada kam.", "lang": "en", "page": [1], "entities": "old"},
        {"text": "Bo."},
        {"text": "Cy.", "lang": "xx", "half": "\ud800"},
    ]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second, third = extracted(untrained_model, path, "--lang", "ja")
    assert (first["id"], first["lang"], first["page"]) == (7, "en", [1])
    assert first["entities"] != "old"
    assert (second["id"], second["lang"]) == (f"{path}:2", "ja")
    assert (third["lang"], third["half"]) == (None, "\ud800")
    assert third["notes"] == ['the model does not know language "xx": universal path']


def test_batch_size_changes_no_result(untrained_model: Path) -> None:
    stdin = "\n".join(TEXTS).encode()
    one, many = (
        extracted(untrained_model, "--threshold", 0, "--batch-size", size, stdin=stdin) for size in (1, 64)
    )
    assert [record["entities"] for record in one] == [record["entities"] for record in many]


def test_a_long_sentence_is_read_in_windows(untrained_model: Path) -> None:
    text = "Ada met Bo and " * 200
    (record,) = extracted(untrained_model, "--lang", "en", "--threshold", 0, stdin=text.encode())
    assert record["text"] == text
    assert "read in" in record["notes"][0]
    assert offsets_hold(record)
    assert max(entity["end"] for entity in record["entities"]) > len(text) * 0.9


@pytest.mark.parametrize(
    ("name", "content", "message", "num_read"),
    [
        ("in.txt", b"good\n\xffbad\n", "in.txt:2: byte 1 of the line (0xff) is not UTF-8.", 1),
        ("in.jsonl", b'{"text": "good"}\n{"text": "ha', "in.jsonl:2: not a JSON object", 1),
        ("in.jsonl", b'{"text": "\\ud83d"}\n', "in.jsonl:1: lone surrogate U+D83D at character 0", 0),
        ("in.jsonl", b'{"body": "x"}\n', 'in.jsonl:1: no string under "text"; its keys: body.', 0),
        ("in.txt", b"\xff\xfea\x00", "starts like UTF-16", 0),
    ],
)
def test_bad_input_is_named_and_what_came_before_is_written(
    untrained_model: Path, tmp_path: Path, name: str, content: bytes, message: str, num_read: int
) -> None:
    (tmp_path / name).write_bytes(content)
    done = CliRunner().invoke(app, ["extract", str(untrained_model), str(tmp_path / name)])
    assert done.exit_code == 2
    assert f"Error: {tmp_path}" in done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(done.stdout.splitlines()) == num_read


def test_missing_files_and_empty_files(untrained_model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_bytes(b"")
    assert extracted(untrained_model, tmp_path / "empty.txt") == []
    assert extracted(untrained_model, tmp_path / "nowhere.txt", status=2) == []


@pytest.mark.parametrize("name", ["config.json", "labels.json", "model.safetensors"])
def test_a_model_cut_short_is_refused(untrained_model: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in untrained_model.iterdir():
        content = path.read_bytes()
        (folder / path.name).write_bytes(content[: len(content) // 2] if path.name == name else content)
    assert extracted(folder, stdin=b"Ada.", status=2) == []


def test_a_reader_that_leaves_early_is_no_error() -> None:
    lines = b"Ada met Bo.\n" * 3000
    writer = subprocess.Popen(
        [sys.executable, "-m", "mere", "extract", str(NAMES), "--lang", "en"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert writer.stdout
    assert writer.stdin
    assert writer.stderr
    writer.stdout.close()
    writer.stdin.write(lines)
    writer.stdin.close()
    assert writer.stderr.read() == b""
    assert writer.wait(60) == 0


def test_whoever_follows_a_file_sees_each_answer() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mere", "extract", str(NAMES), "-", "--lang", "de"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    for number in range(3):
        process.stdin.write(f"Ada kam {number}.\n".encode())
        process.stdin.flush()
        assert f"Ada kam {number}.".encode() in process.stdout.readline()  # or this waits for ever
    process.stdin.close()
    assert process.stdout.read() == b""
    assert process.wait(60) == 0


def test_offsets_in_other_units(untrained_model: Path) -> None:
    text = "👩‍👩‍👧 Łódź und Ada"
    for unit, encoding, width in (("utf16", "utf-16-le", 2), ("bytes", "utf-8", 1)):
        (record,) = extracted(untrained_model, "--threshold", 0, "--offsets", unit, stdin=text.encode())
        assert record["offsets"] == unit
        for mention in record["entities"]:
            at = text.encode(encoding)[width * mention["start"] : width * mention["end"]]
            assert at.decode(encoding) == mention["text"]


def test_other_spellings_of_units(untrained_model: Path) -> None:
    (record,) = extracted(untrained_model, "--offsets", "utf-16", stdin="👩 Ada".encode())
    assert record["offsets"] == "utf16"
    done = CliRunner().invoke(app, ["extract", str(untrained_model), "--offsets", "nibbles"], input=b"Ada")
    assert (done.exit_code, "Traceback" in done.stderr) == (2, False)
    assert 'no "nibbles"' in done.stderr


def test_hard_wrapped_text_is_one_text_whose_lines_end_nothing(untrained_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text(
        "Hans Reinhold wurde\nin Rostock geboren und\nzog später nach\nKiel, wo er\nlange lebte.\n"
    )
    (record,) = extracted(untrained_model, path, "--unwrap", "--threshold", 0)
    assert record["text"] == path.read_text()
    assert offsets_hold(record)
    assert "mid-sentence" not in str(record.get("notes"))
    done = CliRunner().invoke(app, ["extract", str(untrained_model), str(path)])
    assert "most lines end in mid-sentence" in done.stderr
    assert "pass --unwrap" in done.stderr


def test_only_languages_that_can_occur(untrained_model: Path) -> None:
    (record,) = extracted(untrained_model, "--languages", "de,en", stdin=b"Anna nasceu em Lima.")
    assert record["lang"] == "de"
    assert extracted(untrained_model, "--languages", "bam,de", stdin=b"Ada.", status=2) == []
    assert extracted(untrained_model, "--languages", "de", "--out", "x", stdin=b"Ada.", status=2) == []


def test_only_the_relations_and_scores_that_are_asked_for(untrained_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS), encoding="utf-8")
    every = [t for record in extracted(untrained_model, path, "--threshold", 0) for t in record["triples"]]
    assert {t["relation"] for t in every} == {"birth-place", "has-author"}
    scores = sorted({t["score"] for t in every})
    least = sum(scores[len(scores) // 2 - 1 :][:2]) / 2  # between two of them
    asked = ("--threshold", 0, "--relations", "has-author", "--min-score", least)
    records = extracted(untrained_model, path, *asked)
    found = [t for record in records for t in record["triples"]]
    assert found == [t for t in every if t["relation"] == "has-author" and t["score"] >= least] != []
    for record in records:
        held = {
            (t[role]["start"], t[role]["end"]) for t in record["triples"] for role in ("subject", "object")
        }
        assert {(e["start"], e["end"]) for e in record["entities"]} == held


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--relations", "birth-plaec"], 'Did you mean "birth-place"?'),
        (["--types", "PER"], "finds no types"),
    ],
)
def test_a_filter_that_cannot_be_met(untrained_model: Path, options: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["extract", str(untrained_model), *options], input=b"Ada.\n")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
