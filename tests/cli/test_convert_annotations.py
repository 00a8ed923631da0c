"""`mere convert` and `mere check` on what annotation tools write: folders of documents, one file, sentences."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mere.cli import app
from mere.data.corpus import Corpus
from mere.data.formats import Format, sniff

TEXT = "Ada lebt in Graz. Bo auch."
ANNOTATION = (
    "T1\tPER 0 3\tAda\nT2\tLOC 12 16\tGraz\nT3\tPER 18 20\tBo\n"
    "R1\tin Arg1:T1 Arg2:T2\nR2\tknows Arg1:T1 Arg2:T3\n"
)


def mere(*args: object) -> Result:
    return CliRunner().invoke(app, list(map(str, args)))


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    for split, names in (("de.train", ["a", "test"]), ("de.dev", ["b"])):
        folder = tmp_path / "brat" / split
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.txt").write_text(TEXT)
            (folder / f"{name}.ann").write_text(ANNOTATION)
        (folder / "annotation.conf").write_text("[entities]\n")
    return tmp_path / "brat"


def test_documents_of_a_folder_become_one_file(documents: Path, tmp_path: Path) -> None:
    done = mere("convert", documents, tmp_path / "out")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / f"out/de.{split}.jsonl") for split in ("dev", "train")]
    assert "Not kept: nothing." in done.stderr
    corpus = Corpus.load(tmp_path / "out")
    assert corpus.fingerprint() == Corpus.load(documents).fingerprint()
    assert corpus.sizes() == {"dev": {"de": 1}, "train": {"de": 2}}
    both = mere("convert", documents, tmp_path / "one.jsonl")
    assert (both.exit_code, both.stdout) == (2, "")
    assert "one file, but" in both.stderr
    one = mere("convert", documents / "de.train", tmp_path / "one.jsonl")
    assert (one.exit_code, one.stdout) == (0, f"{tmp_path / 'one.jsonl'}\n")
    assert mere("check", documents).exit_code == 0


def test_every_sentence_by_itself(documents: Path, tmp_path: Path) -> None:
    done = mere("convert", documents / "de.dev", tmp_path / "one.jsonl", "--split-sentences")
    assert done.exit_code == 0, done.stderr
    assert "Not kept: triples over several sentences: 1." in done.stderr
    first, second = map(json.loads, (tmp_path / "one.jsonl").read_text().splitlines())
    assert (first["text"], second["text"], second["document"]) == ("Ada lebt in Graz.", "Bo auch.", "b")
    assert [t["relation"] for t in first["triples"]] == ["in"]


def test_long_texts_are_told(documents: Path, tmp_path: Path) -> None:
    (documents / "de.dev/b.txt").write_text(TEXT * 50)
    done = mere("convert", documents / "de.dev", tmp_path / "one.jsonl")
    assert "1 text of more than 1,000 characters" in done.stderr


@pytest.mark.parametrize("format", list(Format))
def test_every_format_is_written_seen_for_what_it_is_and_read(
    format: Format, documents: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    there = mere("convert", documents, out, "--to", format.value)
    assert there.exit_code == 0, there.stderr
    names = (
        entry
        for entry in out.rglob("*")
        if entry.is_file() and entry.name not in ("TypeSystem.xml", "annotation.conf")
    )
    written = [entry for entry in names if entry.suffix != ".txt" or format is not Format.BRAT]
    assert written
    assert {sniff(entry) for entry in written} == {format}
    back = mere("convert", out, tmp_path / "back", "--from", format.value, "--to", "jsonl")
    assert back.exit_code == 0, back.stderr
    texts = [
        s.text for split in ("train", "dev") for s in Corpus.load(tmp_path / "back").sentences(split, "de")
    ]
    assert texts == [TEXT] * (6 if format is Format.SMILER else 3)
    if format is not Format.TEXT:  # a .txt file in a folder is taken for a corpus where it is said to be one
        assert mere("check", out).exit_code == 0
