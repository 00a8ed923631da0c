"""spaCy's DocBin, against spaCy itself: what it writes is read, what mere writes is what it trains from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mere.data.formats import spacy_docbin
from mere.data.formats.problems import Problem
from mere.data.formats.reading import Reading
from mere.data.formats.tally import Tally
from mere.types import Entity, Sentence

spacy = pytest.importorskip("spacy")
TEXT = "🚒  Ada Lang lebt in Graz.\n"


def test_what_spacy_writes_is_read(tmp_path: Path) -> None:
    nlp = spacy.blank("de")
    doc, unseen = nlp(TEXT), nlp("Bo in Ulm.")
    doc.set_ents([doc.char_span(3, 11, "PER"), doc.char_span(20, 24, "LOC", kb_id="Q1")])
    doc.spans["sc"] = [doc.char_span(7, 11, "NAME"), doc.char_span(3, 11, "PER")]
    doc.spans["other"] = [doc[0:1]]
    doc.cats["good"] = 1.0
    path = tmp_path / "de.train.spacy"
    spacy.tokens.DocBin(docs=[doc, unseen], store_user_data=True).to_disk(path)
    tally = Tally()
    first, second = spacy_docbin.read(path, tally=tally)
    assert first.text == TEXT
    assert [(e.text, e.type) for e in first.entities] == [
        ("Ada Lang", "PER"),
        ("Graz", "LOC"),
        ("Lang", "NAME"),
    ]
    assert first.extra["tokens"] == [[token.idx, token.idx + len(token)] for token in doc]
    assert (first.types_covered, second.types_covered) == (None, frozenset())
    assert first.relations_covered == frozenset()
    assert +tally.lost == {
        'spans of the group "other"': 1,
        "categories of texts": 1,
        "ids of entities in a knowledge base": 1,
    }


def test_what_mere_writes_spacy_trains_from(tmp_path: Path) -> None:
    outer, inner, graz = (
        Entity(3, 11, "Ada Lang", "PER"),
        Entity(7, 11, "Lang"),
        Entity(20, 24, "Graz", "LOC"),
    )
    path = tmp_path / "de.train.spacy"
    spacy_docbin.write([Sentence("x", "de", TEXT, (inner, outer, graz))], path)
    nlp = spacy.blank("de")
    (doc,) = spacy.tokens.DocBin().from_disk(path).get_docs(nlp.vocab)
    assert doc.text == TEXT
    assert [(e.text, e.label_, e.start_char) for e in doc.ents] == [
        ("Ada Lang", "PER", 3),
        ("Graz", "LOC", 20),
    ]
    assert [(s.text, s.label_) for s in doc.spans["sc"]] == [("Lang", "Entity")]
    (example,) = spacy.training.Corpus(path)(nlp)
    assert example.reference.text == TEXT
    nlp.add_pipe("ner")
    nlp.initialize(lambda: [example])
    assert nlp.update([example])["ner"] > 0


def test_what_is_no_docbin_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "de.train.spacy"
    spacy_docbin.write([Sentence("x", "de", TEXT)], path)
    for damaged in (path.read_bytes()[:-20], b"x" * 40, b""):
        path.write_bytes(damaged)
        problems: list[Problem] = []
        assert list(spacy_docbin.read(path, problems, Reading(lang="de"))) == []
        assert "no DocBin that can be read" in str(problems[0])
