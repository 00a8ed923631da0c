"""Two models that read the same sentences: entities from the one, the other's triples between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from mere.decoding.arguments import fits
from mere.inference.calibration import Calibration
from mere.inference.predictor import Predictor
from mere.schema import Labels
from mere.types import Entity, Prediction, Span, Triple


class Calibrated(NamedTuple):
    """A model, and what its scores mean."""

    predictor: Predictor
    calibration: Calibration

    def predict(
        self, texts: Sequence[str], langs: Sequence[str | None], batch_size: int, threshold: float | None
    ) -> list[Prediction]:
        found = self.predictor.predict(texts, langs, batch_size=batch_size, threshold=threshold)
        paths = map(self.predictor.labels.path, langs)
        return [self.calibration(prediction, path) for prediction, path in zip(found, paths, strict=True)]


class Together:
    """Reads sentences with two models, each on its own path of the language; a predictor as the extractor needs it.

    A language that one of them knows counts as known; the other reads it on the path that all languages share
    (`half_known`: what of, "entities" or "triples").

    A triple's mention takes the type of the entity at its span; it has none where the first model sees no entity. A
    triple whose mentions are of other types than its relation takes is left out, and counted in `unfit`.

    Args:
        entities: its entities are kept, its triples are not.
        triples: the other way round.
    """

    def __init__(self, entities: Calibrated, triples: Calibrated):
        self._entities = entities
        self._triples = triples
        self._both = (entities.predictor, triples.predictor)
        first, second = (predictor.labels for predictor in self._both)
        known = {"entities": frozenset(first.languages), "triples": frozenset(second.languages)}
        every = frozenset().union(*known.values())
        self.half_known = {lang: task for task, own in known.items() for lang in every - own}
        self.arguments = triples.predictor.arguments
        self.unfit: Counter[str] = Counter()
        self.labels = Labels(
            second.relations,
            first.types,
            tuple(sorted(every)),
            second.arguments,
        )

    @property
    def max_pieces(self) -> int:
        """Pieces of a text that both read at a time."""
        return min(predictor.max_pieces for predictor in self._both)

    def unit_spans(self, text: str) -> list[Span]:
        """Return the spans of the pieces of a text, as that model cuts it which cuts it finer."""
        return max((predictor.unit_spans(text) for predictor in self._both), key=len)

    def predict(
        self,
        texts: Sequence[str],
        langs: Sequence[str | None],
        *,
        batch_size: int = 64,
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Return what each text states, offsets relative to that text; as `Predictor.predict`, scores calibrated."""
        found = zip(
            self._entities.predict(texts, langs, batch_size, threshold),
            self._triples.predict(texts, langs, batch_size, threshold),
            strict=True,
        )
        return [self._joined(entities, triples) for entities, triples in found]

    def _joined(self, named: Prediction, stated: Prediction) -> Prediction:
        entities = {entity.span: entity for entity in named.entities if entity.type is not None}
        triples = []
        for triple in stated.triples:
            sides = [entities.get(side.span, _untyped(side)) for side in (triple.subject, triple.object)]
            if not fits(self.arguments, triple.relation, sides[0].type, sides[1].type):
                self.unfit[triple.relation] += 1
                continue
            entities |= {side.span: side for side in sides}
            triples.append(Triple(sides[0], triple.relation, sides[1], triple.score))
        return Prediction(tuple(sorted(entities.values(), key=lambda e: e.span)), tuple(triples))


def _untyped(mention: Entity) -> Entity:
    return Entity(mention.start, mention.end, mention.text, None, mention.score)
