"""Texts as a model reads them, and annotated sentences with their entities and triples as ranges of pieces.

What the pieces cannot represent is counted in `AlignmentReport`, never moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mere.data.pieces.base import Pieces
from mere.data.units import align, without_overlap
from mere.errors import DataError
from mere.schema import Labels
from mere.types import Sentence, Span


class PieceSpan(NamedTuple):
    """A half-open range of pieces."""

    start_piece: int
    end_piece: int


class PieceTriple(NamedTuple):
    """A stated triple whose mentions pieces can represent."""

    subject: PieceSpan
    relation_id: int
    object: PieceSpan


class PieceEntity(NamedTuple):
    """A typed mention that pieces can represent."""

    start_piece: int
    end_piece: int
    type_id: int


@dataclass(frozen=True)
class Encoded:
    """A text as the model reads it.

    Args:
        pieces: what describes them, shape (num_pieces, num_features).
        begins_word: whether a word may begin with the piece, shape (num_pieces,).
        lang_id: row of its language (mere.schema.Labels).
    """

    pieces: NDArray[np.int32]
    begins_word: NDArray[np.bool_]
    lang_id: int


@dataclass(frozen=True)
class Annotated(Encoded):
    """An encoded sentence, and what is annotated in it.

    Args:
        triples: those that pieces can represent.
        relations_stated: relations of all its triples, representable or not.
        is_covered: per relation whether the source annotates it, shape (num_relations,).
        complete: whether all its triples are annotated.
        mentions: ranges of its mentions.
        entities: typed mentions that pieces and one BIO sequence can hold, in order.
        is_type_known: per type whether all its entities are annotated, shape (num_types,).
    """

    triples: tuple[PieceTriple, ...]
    relations_stated: tuple[int, ...]
    is_covered: NDArray[np.bool_]
    complete: bool
    mentions: tuple[PieceSpan, ...]
    entities: tuple[PieceEntity, ...]
    is_type_known: NDArray[np.bool_]


@dataclass
class AlignmentReport:
    """How many triples and entities of each language there are, and how many of them cannot be learned or named.

    Args:
        lost_triples, lost_entities: that pieces cannot represent; or, of entities, that overlap a longer one: a
            sequence of tags holds one of them.
        overlapping_triples: whose subject (or object) overlaps a longer one of the same relation: the tags hold that.
        triples_beyond_limits: that decoding's limits leave out (mere.decoding.reach).
        entities_beyond_types: that a type per piece cannot give back (mere.decoding.types).
    """

    triples: Counter[str] = field(default_factory=Counter)
    lost_triples: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    lost_entities: Counter[str] = field(default_factory=Counter)
    overlapping_triples: Counter[str] = field(default_factory=Counter)
    triples_beyond_limits: Counter[str] = field(default_factory=Counter)
    entities_beyond_types: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, dict[str, int]]:
        columns = {name: getattr(self, name) for name in vars(self)}
        langs = sorted({lang for counts in columns.values() for lang in counts})
        return {lang: {name: counts[lang] for name, counts in columns.items()} for lang in langs}


class ExampleMaker:
    """Encodes texts and annotated sentences, with one way of reading a text and one set of labels."""

    def __init__(self, pieces: Pieces, labels: Labels):
        self.pieces = pieces
        self.labels = labels
        self._relation_id = {relation: index for index, relation in enumerate(labels.relations)}
        self._type_id = {type: index for index, type in enumerate(labels.types)}
        self._covered: dict[tuple[frozenset[str] | None, tuple[str, ...]], NDArray[np.bool_]] = {}

    def __call__(self, sentence: Sentence, report: AlignmentReport | None = None) -> Annotated | None:
        """Return the example, or None where the text holds no visible character."""
        spans, described = self.pieces.read(sentence.text)
        if not spans:
            return None
        where = {entity.span: _piece_span(spans, entity.span) for entity in sentence.entities}
        triples: list[PieceTriple] = []
        for triple in sentence.triples:
            subject = where.get(triple.subject.span) or _piece_span(spans, triple.subject.span)
            object_ = where.get(triple.object.span) or _piece_span(spans, triple.object.span)
            relation = self._relation_id.get(triple.relation)
            if subject and object_ and relation is not None:
                triples.append(PieceTriple(subject, relation, object_))
            if report is not None:
                report.triples[sentence.lang] += 1
                report.lost_triples[sentence.lang] += not (subject and object_)
        if report is not None:
            report.overlapping_triples[sentence.lang] += _overlapping(set(triples))
        stated = sorted(
            {self._relation_id[t.relation] for t in sentence.triples if t.relation in self._relation_id}
        )
        return Annotated(
            **vars(self._encoded(sentence.text, sentence.lang, spans, described)),
            triples=tuple(dict.fromkeys(triples)),
            relations_stated=tuple(stated),
            is_covered=self._coverage(sentence.relations_covered, self.labels.relations),
            complete=sentence.complete,
            mentions=tuple(dict.fromkeys(span for span in where.values() if span)),
            entities=self._entities(sentence, where, report),
            is_type_known=self._coverage(known_types(sentence), self.labels.types),
        )

    def _entities(
        self,
        sentence: Sentence,
        where: dict[Span, PieceSpan | None],
        report: AlignmentReport | None,
    ) -> tuple[PieceEntity, ...]:
        """Return the typed entities that one sequence of tags can hold, in order; count the others."""
        typed = {(e.span, e.type) for e in sentence.entities if e.type in self._type_id}
        type_of = {
            piece_span: self._type_id[type]
            for span, type in sorted(typed, key=str, reverse=True)
            if type is not None and (piece_span := where[span]) is not None
        }
        kept = without_overlap(type_of)
        if report is not None:
            report.entities[sentence.lang] += len(typed)
            report.lost_entities[sentence.lang] += len(typed) - len(kept)
        return tuple(PieceEntity(*span, type_of[span]) for span in kept)

    def text(self, text: str, lang: str | None) -> tuple[list[Span], Encoded | None]:
        """Return the spans of a text's pieces, and the text encoded; None where it holds no visible character."""
        spans, described = self.pieces.read(text)
        return spans, self._encoded(text, lang, spans, described) if spans else None

    def _encoded(
        self, text: str, lang: str | None, spans: list[Span], described: NDArray[np.int32]
    ) -> Encoded:
        return Encoded(
            pieces=described,
            begins_word=self.pieces.begins_word(text, spans),
            lang_id=self.labels.lang_id(lang),
        )

    def _coverage(self, covered: frozenset[str] | None, names: tuple[str, ...]) -> NDArray[np.bool_]:
        key = covered, names
        if key not in self._covered:
            self._covered[key] = np.array([covered is None or n in covered for n in names], dtype=bool)
        return self._covered[key]


def _overlapping(triples: Set[PieceTriple]) -> int:
    """Return how many triples have a subject or an object that the tags of their relation cannot hold."""
    lost = 0
    for relation in {triple.relation_id for triple in triples}:
        facts = [triple for triple in triples if triple.relation_id == relation]
        subjects = set(without_overlap(fact.subject for fact in facts))
        objects = set(without_overlap(fact.object for fact in facts))
        lost += sum(fact.subject not in subjects or fact.object not in objects for fact in facts)
    return lost


def _piece_span(spans: Sequence[Span], mention: Span) -> PieceSpan | None:
    found = align(spans, mention)
    return PieceSpan(*found) if found else None


def known_types(sentence: Sentence) -> frozenset[str] | None:
    """Return the types of which a sentence names all its entities: what it does not tag there is none."""
    return sentence.types_covered if sentence.complete else frozenset()


def refuse_unreadable(sentences: Sequence[Sentence], pieces: Pieces) -> None:
    """Refuse sentences that no model can read as they stand.

    Raises:
        DataError: a sentence has more pieces than the encoder reads, or none has a visible character.
    """
    for sentence in sentences:
        longest = pieces.longest
        if 4 * len(sentence.text) > longest and (length := len(pieces.cut(sentence.text))) > longest:
            raise DataError(
                f'sentence "{sentence.id}" ({sentence.lang}) has {length:,} pieces; this encoder reads at most '
                f"{longest:,} at a time. Split it into sentences. mere convert --split-sentences does so."
            )
    if sentences and not any(pieces.cut(sentence.text) for sentence in sentences):
        raise DataError(
            f"none of {len(sentences)} sentences has a visible character. Run mere check on them."
        )
