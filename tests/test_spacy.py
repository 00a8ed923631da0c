"""The component of spaCy finds what the extractor finds, token by token and in a stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mere
from tests import tiny

spacy = pytest.importorskip("spacy")
TEXTS = [sentence.text for sentence in tiny.SENTENCES]


@pytest.fixture(scope="module")
def nlp(tiny_model: Path) -> Any:
    from mere import spacy as component  # as the entry point does

    assert component.make
    nlp = spacy.blank("xx")
    nlp.add_pipe("mere", config={"model": str(tiny_model)})
    return nlp


def test_triples_are_those_of_the_extractor(nlp: Any, tiny_model: Path) -> None:
    extractor = mere.load(tiny_model)
    seen = 0
    for doc, document in zip(nlp.pipe(TEXTS), extractor.extract(TEXTS), strict=True):
        assert [e.span for e in doc._.mere.entities] == [e.span for e in document.entities]
        assert len(doc._.triples) == len(document.triples)
        for found, triple in zip(doc._.triples, document.triples, strict=True):
            assert found.relation == triple.relation
            assert found.score == pytest.approx(triple.score, abs=1e-4)
            for span, entity in ((found.subject, triple.subject), (found.object, triple.object)):
                assert span.start_char <= entity.start < entity.end <= span.end_char
                seen += span.text == entity.text
    assert seen > 5


def test_a_doc_alone_is_as_in_a_stream(nlp: Any) -> None:
    for doc in nlp.pipe(TEXTS):
        alone = nlp(doc.text)
        assert [(e.start, e.end, e.label_) for e in alone.ents] == [
            (e.start, e.end, e.label_) for e in doc.ents
        ]
        assert [t.key for t in alone._.mere.triples] == [t.key for t in doc._.mere.triples]


def test_typed_entities_are_ents(nlp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mere.types import Document, Entity

    (component,) = (pipe for name, pipe in nlp.pipeline if name == "mere")
    text = "Ada Byron kam aus Wien-Neubau."
    found = (
        Entity(0, 9, "Ada Byron", "PER", 0.9),
        Entity(4, 9, "Byron", None, 0.5),
        Entity(18, 22, "Wien", "LOC", 0.8),
    )
    monkeypatch.setattr(type(component.extractor), "__call__", lambda *_: Document(text, "de", found))
    doc = nlp(text)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Ada Byron", "PER"), (doc.ents[1].text, "LOC")]
    assert doc.ents[1].text.startswith("Wien")


def test_a_component_without_a_model_says_what_to_type() -> None:
    with pytest.raises(mere.UserError, match=r'nlp.add_pipe\("mere", config=\{"model"'):
        spacy.blank("xx").add_pipe("mere")
