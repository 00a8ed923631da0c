"""`mere convert`: files between formats; stdout names them, stderr says what was mended and lost."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mere.cli import app
from mere.data.corpus import Corpus

IOB2 = "Ada\tB-PER\nlebt\tO\nin\tO\nGraz\tB-LOC\n\n"
IOB1 = "Ada\tI-PER\nlebt\tO\n\nBo\tB-PER\n\n"


def convert(*args: object) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, args)])


def write(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


def test_a_folder_keeps_its_layout_and_comes_back(tmp_path: Path) -> None:
    write(tmp_path / "in/de/train.bio.gz", IOB2 * 2)
    write(tmp_path / "in/ja/test.bio", "東京\tB-LOC\nに\tO\n\n")
    write(tmp_path / "in/README.md", "not a corpus")
    there = convert(tmp_path / "in", tmp_path / "mid")
    assert there.exit_code == 0, there.stderr
    written = [tmp_path / "mid/de/train.jsonl.gz", tmp_path / "mid/ja/test.jsonl"]
    assert there.stdout.splitlines() == [str(path) for path in written]
    assert f"{tmp_path / 'in/ja/test.bio'} -> {written[1]}: 1 sentence" in there.stderr
    assert there.stderr.endswith(
        "Written: 3 sentences in 2 files.\nRepaired: nothing.\nLeft out: nothing.\nNot kept: nothing.\n"
    )
    assert Corpus.load(tmp_path / "mid").fingerprint() == Corpus.load(tmp_path / "in").fingerprint()
    back = convert(tmp_path / "mid", tmp_path / "out", "--to", "conll")
    assert back.exit_code == 0, back.stderr
    assert gzip.decompress((tmp_path / "out/de/train.conll.gz").read_bytes()).decode() == IOB2 * 2
    assert "(replaced)" not in back.stderr
    assert "(replaced)" in convert(tmp_path / "mid", tmp_path / "out", "--to", "conll").stderr


def test_one_file_by_the_endings(tmp_path: Path) -> None:
    source = write(tmp_path / "de.dev.conll", IOB2)
    assert convert(source, tmp_path / "new/de.dev.jsonl").exit_code == 0
    record = json.loads((tmp_path / "new/de.dev.jsonl").read_text())
    assert record["text"] == "Ada lebt in Graz"
    assert record["entities"] == [
        {"start": 0, "end": 3, "type": "PER"},
        {"start": 12, "end": 16, "type": "LOC"},
    ]
    assert record["relations_covered"] == []
    back = convert(tmp_path / "new/de.dev.jsonl", tmp_path / "new/de.test.bio")
    assert (back.exit_code, (tmp_path / "new/de.test.bio").read_text()) == (0, IOB2)
    assert convert(source, tmp_path / "new").exit_code == 0, "into a folder that is there"


def test_a_scheme_is_asked_for_and_its_repairs_are_told(tmp_path: Path) -> None:
    source = write(tmp_path / "de.train.conll", IOB1)
    refused = convert(source, tmp_path / "x.jsonl")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert f"{source}:1: the tag I-PER" in refused.stderr
    assert (
        f"IOB2 fits best, with 1 tag to mend. Run: mere convert {source} {tmp_path}/x.jsonl --scheme iob2\n"
        in refused.stderr
    )
    assert not (tmp_path / "x.jsonl").exists()
    done = convert(source, tmp_path / "x.jsonl", "--scheme", "iob1")
    assert done.exit_code == 0
    assert "Repaired: B- where IOB1 writes I-: 1." in done.stderr


def test_what_other_formats_cannot_hold_is_told(tmp_path: Path) -> None:
    mention = {"start": 0, "end": 3, "type": "PER"}
    place = {"start": 12, "end": 16}
    row = {"lang": "de", "text": "Ada lebt in Graz.", "entities": [mention, place], "note": "n"}
    row["triples"] = [{"subject": mention, "relation": "lives-in", "object": place}]
    alone = {"lang": "nl", "text": "Niets.", "entities": []}
    source = write(tmp_path / "de.train.jsonl", json.dumps(row) + "\n" + json.dumps(alone) + "\n")
    conll = convert(source, tmp_path / "de.train.conll")
    assert conll.exit_code == 0, conll.stderr
    for loss in ("triples: 1", "entities without a type: 1", "extra keys: 1", "does not say: 1"):
        assert loss in conll.stderr
    smiler = convert(source, tmp_path / "de.train.tsv")
    assert "Left out: no triple and not exactly two entities: 1." in smiler.stderr
    assert "1 sentence" in smiler.stderr
    back = convert(tmp_path / "de.train.tsv", tmp_path / "back.jsonl")
    assert json.loads((tmp_path / "back.jsonl").read_text())["text"] == row["text"]
    assert back.exit_code == 0


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path / "in/de.train.conll", IOB2)
    write(tmp_path / "in/nl.train.conll", "Ada\n")
    done = convert(tmp_path / "in", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stdout == f"{tmp_path / 'out/de.train.jsonl'}\n"
    assert "Written: 1 sentence in 1 file." in done.stderr
    assert f"{tmp_path / 'in/nl.train.conll'}:1: 1 column, a token and its tag were expected" in done.stderr
    assert not (tmp_path / "out/nl.train.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("nowhere/x.conll", ["x.jsonl"], "no such file or folder"),
        (
            "ner.txt",
            ["x.jsonl"],
            "no language is known. Name the file like de.train.conll, or say its language",
        ),
        ("de.train.jsonl", ["de.train.jsonl"], "would be written over the file it is read from"),
        ("de.train.jsonl", ["x.conll", "--scheme", "iob1"], "--scheme says nothing about jsonl"),
        ("de.train.conll", ["x.jsonl", "--column", "3"], "the tag was to be in column 3"),
        ("folder", ["out"], "would both be written to"),
    ],
)
def test_mistakes_end_in_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, args: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    row = json.dumps({"lang": "de", "text": "Nichts."}) + "\n"
    for path in ("de.train.jsonl", "folder/de.train.jsonl"):
        write(tmp_path / path, row)
    for path in ("ner.txt", "de.train.conll", "folder/de.train.conll"):
        write(tmp_path / path, IOB2)
    done = convert(name, *args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert (tmp_path / "de.train.jsonl").read_text() == row


def test_files_of_any_name_with_their_format_and_language_said(tmp_path: Path) -> None:
    source = write(tmp_path / "esp.testa", "Ana B-PER NN\n")
    args = ["--from", "conll", "--lang", "es", "--column", "2"]
    done = convert(source, tmp_path / "es.dev.jsonl", *args)
    assert done.exit_code == 0, done.stderr
    assert "Not kept: rows with columns beside token and tag: 1." in done.stderr
    (sentence,) = Corpus.load(tmp_path / "es.dev.jsonl").sentences("dev", "es")
    assert [(entity.text, entity.type) for entity in sentence.entities] == [("Ana", "PER")]


def test_the_code_of_a_country_is_told(tmp_path: Path) -> None:
    path = tmp_path / "kr.train.jsonl"
    path.write_text('{"text": "민수가 왔다"}\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["convert", str(path), str(tmp_path / "out.jsonl")])
    assert done.exit_code == 0
    assert 'Note: the language "kr" is Kanuri. For Korean the code is "ko".' in done.stderr
