"""Text without annotation: read from corpora and from plain files, each text once, none that is scored."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from mere.data.formats.jsonl import to_record
from mere.data.text import join_texts, read_text
from mere.errors import DataError
from mere.types import Sentence
from tests import tiny


def test_plain_files_give_a_text_a_line(tmp_path: Path) -> None:
    (tmp_path / "de.txt").write_bytes(b"\xef\xbb\xbfErste Zeile.\r\n\r\n  \nZweite.\n")
    (tmp_path / "ja.wiki.txt.gz").write_bytes(gzip.compress("山口。\n".encode()))
    found = list(read_text(tmp_path, "train"))
    assert [(s.lang, s.text, s.id) for s in found] == [
        ("de", "Erste Zeile.", "de.txt:1"),
        ("de", "Zweite.", "de.txt:4"),
        ("ja", "山口。", "ja.wiki.txt.gz:1"),
    ]
    assert [s.text for s in read_text(tmp_path / "de.txt", "train")] == ["Erste Zeile.", "Zweite."]
    assert all(s.relations_covered == s.types_covered == frozenset() for s in found), "nothing is annotated"


def test_a_corpus_gives_the_texts_of_its_split_bare(tiny_corpus: Path) -> None:
    found = list(read_text(tiny_corpus, "train"))
    assert sorted(s.text for s in found) == sorted(s.text for s in tiny.SENTENCES)
    assert all(not to_record(s).get("entities") and not to_record(s).get("triples") for s in found)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"Hallo.", r"notes\.txt: its name does not say its language\. Name it <lang>\.txt"),
        ("de.txt", b"Caf\xe9\n", r"de\.txt.*is not UTF-8.*iconv"),
        ("de.csv", b"a,b", r"no corpus files in this folder"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        list(read_text(tmp_path, "train"))
    with pytest.raises(DataError, match="no such file or folder"):
        list(read_text(tmp_path / "nowhere", "train"))


def test_each_text_once_and_none_that_is_scored() -> None:
    train = [Sentence("a", "de", "Eins."), Sentence("b", "de", "Eins."), Sentence("c", "te", "రవి")]
    others = [
        Sentence("d", "de", "Eins."),
        Sentence("e", "de", "Zwei."),
        Sentence("f", "de", "Geprüft."),
        Sentence("g", "fi", "Kolme."),
        Sentence("h", "te", "Geprüft."),
    ]
    texts, notes = join_texts(train, others, {("de", "Geprüft.")})
    assert [(s.lang, s.text) for s in texts] == [
        ("de", "Eins."),
        ("te", "రవి"),
        ("de", "Zwei."),
        ("te", "Geprüft."),  # of another language, so another text
    ]
    assert notes[0] == "4 texts to learn from, 2 of them not in the training split"
    assert notes[1].startswith("1 texts are in languages that have no training sentence")
    assert notes[2].startswith("1 texts are sentences of another split")
