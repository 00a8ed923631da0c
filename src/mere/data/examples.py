"""From annotated sentences to examples: pieces, what describes them, entities and triples as ranges of pieces.

What the pieces cannot represent is counted in `AlignmentReport`, never moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mere.data.pieces.base import Pieces
from mere.data.tagging import without_overlap
from mere.data.units import align
from mere.errors import DataError
from mere.schema import Labels
from mere.types import Sentence, Span

PieceTriple = tuple[tuple[int, int], int, tuple[int, int]]
"""Subject range, relation id, object range; ranges are half-open over pieces."""

PieceEntity = tuple[int, int, int]
"""First piece, one past the last, type id."""


@dataclass(frozen=True)
class Example:
    """A sentence as the model reads it.

    Args:
        pieces: what describes them, shape (num_pieces, num_features).
        lang_id: row of its language (mere.schema.Labels).
        triples: those that pieces can represent.
        relations_stated: relations of all its triples, representable or not.
        is_covered: per relation whether the source annotates it, shape (num_relations,).
        complete: whether all its triples are annotated.
        mentions: ranges of its mentions.
        entities: typed mentions that pieces and one BIO sequence can hold, in order.
        is_type_known: per type whether all its entities are annotated, shape (num_types,).
        begins_word: whether a word may begin with the piece, shape (num_pieces,).
    """

    pieces: NDArray[np.int32]
    lang_id: int
    triples: tuple[PieceTriple, ...]
    relations_stated: tuple[int, ...]
    is_covered: NDArray[np.bool_]
    complete: bool
    mentions: tuple[tuple[int, int], ...]
    entities: tuple[PieceEntity, ...]
    is_type_known: NDArray[np.bool_]
    begins_word: NDArray[np.bool_]


@dataclass
class AlignmentReport:
    """How many triples and entities of each language there are, and how many the pieces cannot represent.

    An entity is lost too where it overlaps a longer one: a sequence of tags holds one of them.
    """

    triples: Counter[str] = field(default_factory=Counter)
    lost_triples: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    lost_entities: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, dict[str, int]]:
        columns = {name: getattr(self, name) for name in vars(self)}
        langs = sorted({lang for counts in columns.values() for lang in counts})
        return {lang: {name: counts[lang] for name, counts in columns.items()} for lang in langs}


class ExampleMaker:
    """Makes examples out of sentences, with one way of reading a text and one set of labels."""

    def __init__(self, pieces: Pieces, labels: Labels):
        self.pieces = pieces
        self.labels = labels
        self._relation_id = {relation: index for index, relation in enumerate(labels.relations)}
        self._type_id = {type: index for index, type in enumerate(labels.types)}
        self._covered: dict[tuple[frozenset[str] | None, tuple[str, ...]], NDArray[np.bool_]] = {}

    def __call__(self, sentence: Sentence, report: AlignmentReport | None = None) -> Example | None:
        """Return the example, or None where the text holds no visible character."""
        spans, described = self.pieces.read(sentence.text)
        if not spans:
            return None
        where = {entity.span: align(spans, entity.span) for entity in sentence.entities}
        triples: list[PieceTriple] = []
        for triple in sentence.triples:
            subject = where.get(triple.subject.span) or align(spans, triple.subject.span)
            object_ = where.get(triple.object.span) or align(spans, triple.object.span)
            relation = self._relation_id.get(triple.relation)
            if subject and object_ and relation is not None:
                triples.append((subject, relation, object_))
            if report is not None:
                report.triples[sentence.lang] += 1
                report.lost_triples[sentence.lang] += not (subject and object_)
        stated = sorted(
            {self._relation_id[t.relation] for t in sentence.triples if t.relation in self._relation_id}
        )
        return Example(
            pieces=described,
            lang_id=self.labels.lang_id(sentence.lang),
            triples=tuple(dict.fromkeys(triples)),
            relations_stated=tuple(stated),
            is_covered=self._coverage(sentence.relations_covered, self.labels.relations),
            complete=sentence.complete,
            mentions=tuple(dict.fromkeys(span for span in where.values() if span)),
            entities=self._entities(sentence, where, report),
            is_type_known=self._coverage(known_types(sentence), self.labels.types),
            begins_word=self.pieces.begins_word(sentence.text, spans),
        )

    def _entities(
        self,
        sentence: Sentence,
        where: dict[Span, tuple[int, int] | None],
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
        return tuple((start, end, type_of[start, end]) for start, end in kept)

    def text(self, text: str, lang: str | None) -> tuple[list[Span], Example | None]:
        """Return the piece spans and the example of an unannotated text."""
        spans, described = self.pieces.read(text)
        if not spans:
            return spans, None
        nothing = frozenset[str]()
        return spans, Example(
            pieces=described,
            lang_id=self.labels.lang_id(lang),
            triples=(),
            relations_stated=(),
            is_covered=self._coverage(nothing, self.labels.relations),
            complete=True,
            mentions=(),
            entities=(),
            is_type_known=self._coverage(nothing, self.labels.types),
            begins_word=self.pieces.begins_word(text, spans),
        )

    def many(self, sentences: Iterable[Sentence]) -> tuple[list[Example], AlignmentReport]:
        """Return the examples of all sentences that hold text, and what could not be represented."""
        report = AlignmentReport()
        made = (self(sentence, report) for sentence in sentences)
        return [example for example in made if example is not None], report

    def _coverage(self, covered: frozenset[str] | None, names: tuple[str, ...]) -> NDArray[np.bool_]:
        key = covered, names
        if key not in self._covered:
            self._covered[key] = np.array([covered is None or n in covered for n in names], dtype=bool)
        return self._covered[key]


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
                f"{longest:,} at a time. Split it into sentences."
            )
    if sentences and not any(pieces.cut(sentence.text) for sentence in sentences):
        raise DataError(
            f"none of {len(sentences)} sentences has a visible character. Run mere check on them."
        )
