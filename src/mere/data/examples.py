"""From annotated sentences to examples: pieces, their features, and the triples as ranges of pieces.

What the pieces cannot represent is counted in `AlignmentReport`, never moved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mere.data.features import Features
from mere.data.units import Units, align
from mere.errors import DataError
from mere.schema import Labels
from mere.types import Sentence, Span

PieceTriple = tuple[tuple[int, int], int, tuple[int, int]]
"""Subject range, relation id, object range; ranges are half-open over pieces."""

LONGEST = 2048
"""Most pieces of one sentence: attention costs their square. Extraction windows a text long before that."""


@dataclass(frozen=True)
class Example:
    """A sentence as the model reads it.

    Args:
        pieces: feature ids, shape (num_pieces, num_features).
        lang_id: row of its language (mere.schema.Labels).
        triples: those that pieces can represent.
        relations_stated: relations of all its triples, representable or not.
        is_covered: per relation whether the source annotates it, shape (num_relations,).
        complete: whether all its triples are annotated.
        mentions: ranges of its mentions.
    """

    pieces: NDArray[np.int32]
    lang_id: int
    triples: tuple[PieceTriple, ...]
    relations_stated: tuple[int, ...]
    is_covered: NDArray[np.bool_]
    complete: bool
    mentions: tuple[tuple[int, int], ...]


@dataclass
class AlignmentReport:
    """How many triples of each language the pieces can represent."""

    triples: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, dict[str, int]]:
        return {lang: {"triples": n, "lost": self.lost[lang]} for lang, n in sorted(self.triples.items())}


class ExampleMaker:
    """Makes examples out of sentences, with one way of cutting and hashing and one set of labels."""

    def __init__(self, units: Units, features: Features, labels: Labels):
        self.units = units
        self.features = features
        self.labels = labels
        self._relation_id = {relation: index for index, relation in enumerate(labels.relations)}
        self._covered: dict[frozenset[str] | None, NDArray[np.bool_]] = {}

    def __call__(self, sentence: Sentence, report: AlignmentReport | None = None) -> Example | None:
        """Return the example, or None where the text holds no visible character."""
        spans = self.units(sentence.text)
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
                report.lost[sentence.lang] += not (subject and object_)
        stated = sorted(
            {self._relation_id[t.relation] for t in sentence.triples if t.relation in self._relation_id}
        )
        return Example(
            pieces=self.features(sentence.text, spans),
            lang_id=self.labels.lang_id(sentence.lang),
            triples=tuple(dict.fromkeys(triples)),
            relations_stated=tuple(stated),
            is_covered=self._coverage(sentence.relations_covered),
            complete=sentence.complete,
            mentions=tuple(dict.fromkeys(span for span in where.values() if span)),
        )

    def text(self, text: str, lang: str | None) -> tuple[list[Span], Example | None]:
        """Return the piece spans and the example of an unannotated text."""
        spans = self.units(text)
        if not spans:
            return spans, None
        nothing = np.zeros(len(self.labels.relations), dtype=bool)
        pieces = self.features(text, spans)
        return spans, Example(pieces, self.labels.lang_id(lang), (), (), nothing, True, ())

    def many(self, sentences: Iterable[Sentence]) -> tuple[list[Example], AlignmentReport]:
        """Return the examples of all sentences that hold text, and what could not be represented."""
        report = AlignmentReport()
        made = (self(sentence, report) for sentence in sentences)
        return [example for example in made if example is not None], report

    def _coverage(self, covered: frozenset[str] | None) -> NDArray[np.bool_]:
        if covered not in self._covered:
            self._covered[covered] = np.array(
                [covered is None or r in covered for r in self.labels.relations]
            )
        return self._covered[covered]


def refuse_unreadable(sentences: Sequence[Sentence], units: Units) -> None:
    """Refuse sentences that no model can read as they stand.

    Raises:
        DataError: a sentence has more than `LONGEST` pieces, or none has a visible character.
    """
    for sentence in sentences:
        if len(sentence.text) > LONGEST and (length := len(units(sentence.text))) > LONGEST:
            raise DataError(
                f'sentence "{sentence.id}" ({sentence.lang}) has {length:,} words and signs; a model reads at most '
                f"{LONGEST:,} at a time. Split it into sentences."
            )
    if sentences and not any(units(sentence.text) for sentence in sentences):
        raise DataError(
            f"none of {len(sentences)} sentences has a visible character. Run mere check on them."
        )
