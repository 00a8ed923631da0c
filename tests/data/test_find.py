"""Corpus files found by what they hold; what is passed over, read twice or cut short is told."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest

from mere.data.check import check
from mere.data.corpus import Corpus
from mere.data.find import find_files
from mere.data.formats import Format, files, kinds
from mere.errors import DataError
from mere.lang_codes import is_same

ROWS = "Ida B-PER\nmag O\nGraz B-LOC\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    return root


def test_endings_of_no_corpus_are_read_where_content_and_name_say_so(tmp_path: Path) -> None:
    names = ["hau/train.txt", "swa/dev.txt", "de.test.conllu", "nl.dev.ner", "pl.train.dat"]
    folder = tree(tmp_path, dict.fromkeys(names, ROWS) | {"README.txt": ROWS, "notes.txt": "Nur ein Satz."})
    found = find_files(folder)
    assert sorted(str(file.path.relative_to(folder)) for file in found.files) == sorted(names)
    assert [problem.path.name for problem in found.passed] == ["notes.txt"]
    assert Corpus.load(tmp_path / "hau").languages() == ("hau",)
    report = check([folder])
    assert report.finding("passed-over").by == {"notes.txt": 1}


def test_a_file_that_states_no_split_is_named(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"de.train.conll": ROWS, "words.txt": ROWS})
    (passed,) = find_files(folder).passed
    assert (passed.path.name, "looks like conll" in passed.message) == ("words.txt", True)
    alone = tree(tmp_path / "alone", {"words.csv": "x"})
    with pytest.raises(DataError, match=r"no corpus files in this folder.*\n  .*words\.csv: not read"):
        find_files(alone)


def test_loops_and_second_names_are_read_once(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"de.train.conll": ROWS, "a/pl.train.conll": ROWS})
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "nl.train.conll").symlink_to(folder / "de.train.conll")
    found = find_files(folder)
    assert [file.path.name for file in found.files] == ["pl.train.conll", "de.train.conll"]
    assert {problem.path.name for problem in found.passed} >= {"loop", "nl.train.conll"}


def test_one_corpus_in_two_formats_is_told(tmp_path: Path) -> None:
    row = json.dumps({"lang": "de", "text": "Ida mag Graz"}) + "\n"
    folder = tree(tmp_path, {"de.train.conll": ROWS, "de.train.jsonl": row})
    assert check([folder]).finding("same-name").count == 1
    assert len(find_files(folder, Format.CONLL).files) == 1


def test_a_cut_archive_is_an_error_and_its_whole_sentences_are_read(tmp_path: Path) -> None:
    raw = gzip.compress("".join(f"Ida{i}\tB-PER\n\n" for i in range(20_000)).encode(), mtime=0)
    (tmp_path / "de.train.conll.gz").write_bytes(raw[: len(raw) // 2])
    report = check([tmp_path])
    assert report.finding("gzip-cut").count == 1
    assert report.exit_status == 1
    assert 0 < report.sizes["train"]["de"] < 20_000


def test_rows_that_cannot_be_used_at_all_are_an_error(tmp_path: Path) -> None:
    folder = tree(tmp_path, {"de.train.tsv": "1\tIda\tGraz\tr\tOhne Marken.\n"})
    report = check([folder])
    assert (report.exit_status, report.finding("no-row-used").count) == (1, 1)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("development", "dev"),
        ("validate", "dev"),
        ("eval", "dev"),
        ("testa", "dev"),
        ("testb", "test"),
        ("trn", "train"),
    ],
)
def test_other_names_of_splits(name: str, split: str) -> None:
    assert files.split_of(Path(f"de.{name}.conll")) == split


@pytest.mark.parametrize("name", ["train.de.jsonl", "train-de.jsonl", "dev_de.conll", "test.German.conll.gz"])
def test_a_language_behind_the_split(name: str) -> None:
    assert files.lang_of(Path(name)) is not None
    assert is_same(str(files.lang_of(Path(name))), "de")


@pytest.mark.parametrize("name", ["train.jsonl", "train_new.jsonl", "test-v2.conll", "dev.part1.conll"])
def test_no_language_behind_the_split(name: str) -> None:
    assert files.lang_of(Path("corpus", name)) is None


@pytest.mark.parametrize(
    ("ending", "pack", "advised"),
    [("xz", lzma.compress, "unxz --keep"), ("bz2", bz2.compress, "bunzip2 --keep")],
)
def test_a_packed_file_is_named_as_such(
    tmp_path: Path, ending: str, pack: Callable[[bytes], bytes], advised: str
) -> None:
    rows = b"Ida\tB-PER\nruht\tO\n"
    packed = tmp_path / f"de.train.conll.{ending}"
    packed.write_bytes(pack(rows))
    with pytest.raises(DataError, match=f"compressed by .*Run: {advised} "):
        find_files(packed)
    (file,) = find_files(tmp_path).files
    with pytest.raises(DataError, match=f"compressed by .*Run: {advised} "):
        list(kinds.read(file.path, file.format))
    (tmp_path / "de.train.conll").write_bytes(rows)  # as the advice makes it
    found = find_files(tmp_path)
    assert [file.path.name for file in found.files] == ["de.train.conll"]
    assert "stands beside it" in found.passed[0].message


def test_an_array_on_every_line_is_never_written_over_itself(tmp_path: Path) -> None:
    path = tmp_path / "de.train.jsonl"
    path.write_text('["Ida ruht", {"entities": [[0, 3, "PER"]]}]\n' * 2, encoding="utf-8")
    with pytest.raises(DataError, match=r"jq -c '\. \| .*> \S*de\.train\.lines\.jsonl"):
        find_files(path)
