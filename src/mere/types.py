"""What flows through mere: spans of text, the entities and triples they form, sentences in, documents out.

All offsets are half-open code-point offsets into the original string: `text[start:end]` is the mention.
Nothing here imports numpy or torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, NamedTuple


class Span(NamedTuple):
    """A half-open range of code points, `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entity:
    """A mention in a text, with its type if one is known and the model's confidence if a model found it.

    Args:
        start: first code point of the mention.
        end: one past its last code point.
        text: the mention itself, always `source_text[start:end]`.
        type: an entity type such as "PER", or None where the corpus or the model gives none.
        score: confidence in [0, 1], or None for a gold annotation.
        link: what the mention denotes, as an id or an IRI of some knowledge base, where a linking hook said so.
    """

    start: int
    end: int
    text: str
    type: str | None = None
    score: float | None = None
    link: str | None = None

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)

    def to_json(self) -> dict[str, Any]:
        record: dict[str, Any] = {"start": self.start, "end": self.end, "text": self.text}
        if self.type is not None:
            record["type"] = self.type
        if self.score is not None:
            record["score"] = round(self.score, 4)
        if self.link is not None:
            record["link"] = self.link
        return record


@dataclass(frozen=True, slots=True)
class Triple:
    """A relation stated between two mentions: subject, relation, object."""

    subject: Entity
    relation: str
    object: Entity
    score: float | None = None

    @property
    def key(self) -> tuple[Span, str, Span]:
        """What must agree for two triples of one sentence to be the same under strict scoring."""
        return (self.subject.span, self.relation, self.object.span)

    def to_json(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "subject": {"start": self.subject.start, "end": self.subject.end, "text": self.subject.text},
            "relation": self.relation,
            "object": {"start": self.object.start, "end": self.object.end, "text": self.object.text},
        }
        if self.score is not None:
            record["score"] = round(self.score, 4)
        return record


@dataclass(frozen=True, slots=True)
class Sentence:
    """One annotated sentence of a corpus.

    Args:
        id: unique within its corpus file.
        lang: language code, such as "de".
        text: the original string; every offset points into it.
        entities: annotated mentions.
        triples: annotated facts; subject and object carry the type of the entity at the same span, if any.
        relations_covered: the relations that were annotated at all; None means all of them. What is not
            covered gives no loss and no false positive. An empty set: a corpus of entities only.
        types_covered: the entity types that were annotated at all; None means all of them, an empty set that
            entities were not annotated for their own sake. What is not covered is scored neither way.
        complete: False where only some of the entities and triples are annotated (one pair per row).
        source: name of the corpus the sentence came from.
        extra: keys of the input record that mere does not use, kept as they were.
    """

    id: str
    lang: str
    text: str
    entities: tuple[Entity, ...] = ()
    triples: tuple[Triple, ...] = ()
    relations_covered: frozenset[str] | None = None
    types_covered: frozenset[str] | None = None
    complete: bool = True
    source: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def with_mentions(self, text: str, moved: Callable[[Entity], Entity]) -> Sentence:
        """Return the sentence with another text, every mention of it replaced by what `moved` gives."""
        triples = (Triple(moved(t.subject), t.relation, moved(t.object), t.score) for t in self.triples)
        return replace(self, text=text, entities=tuple(map(moved, self.entities)), triples=tuple(triples))

    def covers(self, relation: str) -> bool:
        """Whether `relation` was annotated in this sentence's source."""
        return self.relations_covered is None or relation in self.relations_covered

    def covers_type(self, type: str) -> bool:
        """Whether entities of `type` were annotated in this sentence's source."""
        return self.types_covered is None or type in self.types_covered


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one sentence: offsets point into that sentence's text.

    Args:
        entities: mentions found, whether or not they take part in a triple.
        triples: facts found; `score` is what the one-triple protocol ranks by (mere.metrics.protocol).
    """

    entities: tuple[Entity, ...] = ()
    triples: tuple[Triple, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What an extractor returns for one text: entities and triples with offsets into that very text.

    Args:
        text: the text as it was given.
        lang: the language whose switcher was used, or None where the universal path was taken.
        entities: mentions found, in order of position.
        triples: facts found, best first within a sentence, sentences in order.
        sentences: the spans that the text was cut into.
        langs: the language whose switcher each sentence took, as `lang`; they differ where a text changes language.
        notes: what the reader should know ("language not sure: universal path").
    """

    text: str
    lang: str | None
    entities: tuple[Entity, ...] = ()
    triples: tuple[Triple, ...] = ()
    sentences: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()
    langs: tuple[str | None, ...] = ()

    def to_json(self, *, sentences: bool = False) -> dict[str, Any]:
        """Return the document as JSON has it; with its sentences where they differ in language or are asked for."""
        record: dict[str, Any] = {
            "text": self.text,
            "lang": self.lang,
            "entities": [entity.to_json() for entity in self.entities],
            "triples": [triple.to_json() for triple in self.triples],
        }
        if sentences or len(set(self.langs)) > 1:
            record["sentences"] = [
                {"start": start, "end": end, "lang": lang}
                for (start, end), lang in zip(self.sentences, self.langs, strict=True)
            ]
        if self.notes:
            record["notes"] = list(self.notes)
        return record

    def to_dict(self) -> dict[str, Any]:
        """Return what `to_json` does, under the name that notebooks and other libraries know."""
        return self.to_json()

    def _repr_html_(self) -> str:
        """Return the document as notebooks show it: entities coloured, triples as arcs."""
        html = import_module("mere.graph.html")  # above this room; loaded where it is looked at
        return str(html.document_html(self))
