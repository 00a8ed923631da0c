"""Sentences in, entities and triples out: batches, paths of languages, thresholds, offsets. No torch here.

The predictor works on sentences that fit the model; cutting texts into such sentences is the extractor's
job (mere.inference.extractor).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mere.data.batching import collate
from mere.data.examples import Encoded, ExampleMaker, PieceSpan
from mere.data.sampling import cut_by_budget
from mere.decoding.arguments import fits
from mere.decoding.crf import TypedSpan, best_spans
from mere.decoding.entities import entities
from mere.decoding.facts import PieceFact, crossed, joined, likely_relations
from mere.decoding.limits import Limits
from mere.errors import DataError
from mere.inference.backend import Backend
from mere.schema import UNIVERSAL, Labels
from mere.types import Entity, Prediction, Span, Triple

Found = tuple[list[TypedSpan], list[PieceFact]]
"""The entities of a sentence in order, and every fact that decoding finds, best first; all by pieces."""


class Predictor:
    """Predicts entities and triples with a model.

    Args:
        backend: the model. maker: reads texts as in training.
        own: backends of languages that have weights of their own; the others take `backend`.
        thresholds: least score of a triple per path (mere.schema).
        type_map: how the types of a corpus were renamed for training (recipe: data.types).
        limits: of decoding.
        pieces_per_batch: budget of padded pieces in a batch; results do not depend on it.

    `arguments` holds the argument types of relations (mere.decoding.arguments); emptied, every type fits. `unfit`
    counts by relation the triples that were left out because a mention's type does not fit.
    """

    def __init__(
        self,
        backend: Backend[Any],
        maker: ExampleMaker,
        *,
        own: Mapping[str, Backend[Any]] | None = None,
        thresholds: Mapping[str, float] | None = None,
        type_map: Mapping[str, str] | None = None,
        limits: Limits | None = None,
        pieces_per_batch: int = 4096,
    ):
        self.backend = backend
        self.own = dict(own or {})
        self.maker = maker
        self.labels: Labels = maker.labels
        self.thresholds = dict(thresholds or {UNIVERSAL: 0.3})
        self.type_map = dict(type_map or {})
        self.limits = limits or Limits()
        self.pieces_per_batch = pieces_per_batch
        self.arguments = {own.relation: own for own in self.labels.arguments}
        self.unfit: Counter[str] = Counter()

    half_known: Mapping[str, str] = MappingProxyType({})
    """Language -> the task that reads it on the universal path although another knows it; a model's tasks agree."""

    @property
    def max_pieces(self) -> int:
        """Pieces of a text that the model reads at a time in extraction."""
        return self.maker.pieces.window

    def unit_spans(self, text: str) -> list[Span]:
        """Return the spans of the pieces of a text; a text of more than `max_pieces` must be windowed."""
        return self.maker.pieces.cut(text)

    def predict(
        self,
        texts: Sequence[str],
        langs: Sequence[str | None],
        *,
        batch_size: int = 64,
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Return what each text states, offsets relative to that text.

        Args:
            texts: sentences.
            langs: the language of each; None, or one that the model does not know, takes the universal path.
            batch_size: most sentences in a batch; results do not depend on it.
            threshold: least score of a triple, instead of the calibrated one of its language.

        Raises:
            DataError: a text has more pieces than the encoder reads.
        """
        read = [self.maker.text(text, lang) for text, lang in zip(texts, langs, strict=True)]
        lengths = np.array([len(spans) for spans, _ in read], dtype=np.int64)
        self._refuse_long(texts, lengths)
        encoded = {i: text for i, (_, text) in enumerate(read) if text is not None}
        order = np.array(list(encoded), dtype=np.int64)
        order = order[np.argsort(lengths[order], kind="stable")]
        predictions = [Prediction((), ())] * len(texts)
        for backend, rows in self._routes(order, langs):
            for indices in self._batches(rows, lengths, batch_size):
                found = self.found([encoded[i] for i in indices], backend)
                for index, (typed, facts) in zip(indices.tolist(), found, strict=True):
                    least = self._threshold(langs[index]) if threshold is None else threshold
                    kept = [fact for fact in facts if fact.score >= least]
                    predictions[index] = self._in_characters(texts[index], read[index][0], typed, kept)
        return predictions

    def found(self, texts: Sequence[Encoded], backend: Backend[Any] | None = None) -> list[Found]:
        """Return for each text its entities and facts, by pieces.

        Args:
            backend: that of a language with weights of its own.
        """
        backend = backend or self.backend
        batch = collate(texts)
        lengths = batch.is_piece.sum(1)
        state = backend.encode(batch)
        said = backend.entities(state)
        typed = [[] for _ in texts] if said is None else entities(said, lengths, batch.begins_word)
        return list(zip(typed, self._facts(backend, state, lengths), strict=True))

    def _facts(self, backend: Backend[Any], state: Any, lengths: NDArray[np.int64]) -> list[list[PieceFact]]:
        probability = backend.relations(state)
        nothing: list[list[PieceFact]] = [[] for _ in lengths]
        if probability is None:
            return nothing
        likely = likely_relations(probability, self.limits)
        if not len(likely.row):
            return nothing
        tags = backend.tags(state, likely.row, likely.relation)
        pairs = crossed(best_spans(tags, lengths[likely.row], backend.chain, self.limits))
        if not pairs.roles:
            return nothing
        row, relation = likely.row[pairs.item], likely.relation[pairs.item]
        return joined(likely, pairs, backend.pairs(state, row, relation, pairs.spans), len(lengths))

    def _refuse_long(self, texts: Sequence[str], lengths: NDArray[np.int64]) -> None:
        longest = self.maker.pieces.longest
        if len(lengths) and lengths.max() > longest:
            index = int(lengths.argmax())
            raise DataError(
                f"text {index + 1} ({texts[index][:40]!r} …) has {lengths[index]:,} pieces; this model reads "
                f"at most {longest:,} at a time. Split it into sentences, or use mere.load, which does."
            )

    def _routes(
        self, order: NDArray[np.int64], langs: Sequence[str | None]
    ) -> Iterator[tuple[Backend[Any], NDArray[np.int64]]]:
        """Give each backend the sentences whose language it is for."""
        if not self.own:
            yield self.backend, order
            return
        paths = [self.labels.path(langs[i]) for i in order]
        routes = [path if path in self.own else UNIVERSAL for path in paths]
        for route in sorted(set(routes)):
            yield self.own.get(route, self.backend), order[[r == route for r in routes]]

    def _batches(
        self, order: NDArray[np.int64], lengths: NDArray[np.int64], batch_size: int
    ) -> Iterator[NDArray[np.int64]]:
        if not len(order):
            return
        for run in cut_by_budget(order, lengths, self.pieces_per_batch):
            for start in range(0, len(run), batch_size):
                yield run[start : start + batch_size]

    def _threshold(self, lang: str | None) -> float:
        return self.thresholds.get(self.labels.path(lang), self.thresholds[UNIVERSAL])

    def _in_characters(
        self, text: str, spans: Sequence[Span], typed: Sequence[TypedSpan], facts: Sequence[PieceFact]
    ) -> Prediction:
        """Move from pieces to characters. A mention of a triple is the typed entity at its span, if there is one."""
        found: dict[Span, Entity] = {}

        def mention(first: int, end: int, type: str | None, score: float) -> Entity:
            span = Span(spans[first].start, spans[end - 1].end)
            known = found.get(span)
            if known is None or (known.type is None and (known.score or 0.0) < score):
                found[span] = Entity(span.start, span.end, text[span.start : span.end], type, score)
            return found[span]

        for first, end, type_id, score in typed:
            first, end = _without_space(text, spans, first, end)
            if first < end:
                mention(first, end, self.labels.types[type_id], score)
        relations = self.labels.relations
        triples: list[Triple] = []
        for number, subject, object_, score in facts:
            if self._fits(relations[number], found, spans, subject, object_):
                sides = (mention(*side, None, score) for side in (subject, object_))
                triples.append(Triple(next(sides), relations[number], next(sides), score))
        return Prediction(tuple(sorted(found.values(), key=lambda e: e.span)), tuple(triples))

    def _fits(
        self, relation: str, found: Mapping[Span, Entity], spans: Sequence[Span], *sides: PieceSpan
    ) -> bool:
        """Whether a triple's mentions are of types that its relation takes, as far as they are known; count if not."""
        if relation not in self.arguments:
            return True
        known = (found.get(Span(spans[first].start, spans[end - 1].end)) for first, end in sides)
        subject, object_ = (entity.type if entity else None for entity in known)
        is_fit = fits(self.arguments, relation, subject, object_)
        self.unfit[relation] += not is_fit
        return is_fit


def _without_space(text: str, spans: Sequence[Span], first: int, end: int) -> tuple[int, int]:
    """Return a range of pieces without the white space at its ends: in a stream of bytes it is pieces too."""
    while first < end and text[slice(*spans[first])].isspace():
        first += 1
    while first < end and text[slice(*spans[end - 1])].isspace():
        end -= 1
    return first, end
