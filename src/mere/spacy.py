"""mere as a component of spaCy: entities in `doc.ents`, triples in `doc._.triples`.

    nlp = spacy.blank("xx")
    nlp.add_pipe("mere", config={"model": "runs/facts/model"})

spaCy finds the component by its entry point; it is not imported by anything else here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import filter_spans, minibatch

from mere.errors import UserError
from mere.inference.extractor import Extractor
from mere.loading import load
from mere.types import Document


@dataclass(frozen=True)
class SpanTriple:
    """A triple between two spans of a Doc."""

    subject: Span
    relation: str
    object: Span
    score: float | None


class Component:
    """Reads the text of each Doc; a mention that ends inside a token takes the whole token.

    `doc._.triples` holds the triples, `doc._.mere` all that was found, with exact offsets.

    Args:
        lang: language of the texts; None: it is identified.
    """

    def __init__(self, extractor: Extractor, lang: str | None):
        self.extractor = extractor
        self.lang = lang

    def __call__(self, doc: Doc) -> Doc:
        return _filled(doc, self.extractor(doc.text, self.lang))

    def pipe(self, stream: Iterable[Doc], batch_size: int = 256) -> Iterator[Doc]:
        """Yield each Doc of a stream, filled, as `nlp.pipe` asks for it."""
        for docs in minibatch(stream, size=batch_size):  # type: ignore[no-untyped-call]
            documents = self.extractor.extract([doc.text for doc in docs], self.lang)
            yield from map(_filled, docs, documents)


@Language.factory(
    "mere",
    assigns=["doc.ents", "doc._.triples", "doc._.mere"],
    default_config={"model": "", "lang": None, "min_precision": None},
)
def make(nlp: Any, name: str, model: str, lang: str | None, min_precision: float | None) -> Component:
    """Return the component; `nlp.add_pipe("mere", config={"model": …})` calls it.

    Args:
        model, min_precision: as `mere.load` takes them. lang: as `Component` takes it.

    Raises:
        UserError: no model is named, or it cannot be loaded.
    """
    if not model:
        raise UserError(
            'the component has no model. Give one: nlp.add_pipe("mere", config={"model": "FOLDER"})'
        )
    for attribute, default in (("triples", ()), ("mere", None)):
        if not Doc.has_extension(attribute):
            Doc.set_extension(attribute, default=default)
    return Component(load(model, min_precision=min_precision), lang)


def _filled(doc: Doc, document: Document) -> Doc:
    def span(start: int, end: int, label: str | None) -> Span:
        found = doc.char_span(start, end, label=label or "", alignment_mode="expand")
        assert found is not None, "offsets are those of the Doc's own text"
        return found

    ents = [span(entity.start, entity.end, entity.type) for entity in document.entities if entity.type]
    doc.set_ents(filter_spans([*doc.ents, *ents]), default="unmodified")
    doc._.mere = document
    doc._.triples = tuple(
        SpanTriple(
            span(*triple.subject.span, triple.subject.type),
            triple.relation,
            span(*triple.object.span, triple.object.type),
            triple.score,
        )
        for triple in document.triples
    )
    return doc
