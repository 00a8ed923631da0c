"""Scores as probabilities of being right: fitted on annotated sentences, kept in a model's folder, applied to answers.

What a model returns is decided by its own scores and thresholds before; calibration changes the scores alone.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere.errors import ModelError
from mere.hub import again
from mere.metrics.annotated import annotates_entities, annotates_triples
from mere.metrics.calibration import Curve, expected_error, fit
from mere.schema import UNIVERSAL, Labels
from mere.store.files import CALIBRATION, read_json
from mere.types import Entity, Prediction, Sentence, Triple

LEAST_ANSWERS = 50
"""A language with fewer answers takes the curve of all languages together."""
Answers = Mapping[str, Sequence[tuple[float, bool]]]
"""Per path: the score of each answer, and whether it was right."""


@dataclass(frozen=True)
class Calibration:
    """The curves of each task ("entities", "triples") by path (mere.schema); UNIVERSAL serves paths that lack one."""

    curves: Mapping[str, Mapping[str, Curve]] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Calibration:
        """Read a model folder's calibration; one without any leaves scores as they are.

        Raises:
            ModelError: it is not whole.
        """
        path = folder / CALIBRATION
        if not path.is_file():
            return cls()
        try:
            curves = {
                task: {p: Curve(float(c["temperature"]), float(c["offset"])) for p, c in by.items()}
                for task, by in read_json(path).items()
            }
            _ = [by[UNIVERSAL] for by in curves.values()]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{path}: not a calibration ({error}). {again(folder)}") from None
        return cls(curves)

    def __call__(self, prediction: Prediction, path: str) -> Prediction:
        """Return a prediction with calibrated scores; a mention without a type has the score of a triple."""
        if not self.curves:
            return prediction

        def mention(entity: Entity) -> Entity:
            task = "triples" if entity.type is None else "entities"
            return dataclasses.replace(entity, score=self._score(task, path, entity.score))

        def triple(one: Triple) -> Triple:
            score = self._score("triples", path, one.score)
            return Triple(mention(one.subject), one.relation, mention(one.object), score)

        return Prediction(tuple(map(mention, prediction.entities)), tuple(map(triple, prediction.triples)))

    def _score(self, task: str, path: str, score: float | None) -> float | None:
        by_path = self.curves.get(task)
        if by_path is None or score is None:
            return score
        return by_path.get(path, by_path[UNIVERSAL])(score)


def answers(
    sentences: Sequence[Sentence], predictions: Sequence[Prediction], labels: Labels
) -> dict[str, Answers]:
    """Return per task and path the scores of what was predicted and whether it is in the gold.

    What a sentence does not cover, and sentences that are not annotated to the end, count neither way.
    """
    found: dict[str, defaultdict[str, list[tuple[float, bool]]]] = {
        "entities": defaultdict(list),
        "triples": defaultdict(list),
    }
    for sentence, prediction in zip(sentences, predictions, strict=True):
        if annotates_triples(sentence) and sentence.complete:
            keys = {triple.key for triple in sentence.triples}
            found["triples"][labels.path(sentence.lang)] += [
                (t.score or 0.0, t.key in keys) for t in prediction.triples if sentence.covers(t.relation)
            ]
        if annotates_entities(sentence) and sentence.complete:
            gold = {(entity.span, entity.type) for entity in sentence.entities}
            found["entities"][labels.path(sentence.lang)] += [
                (e.score or 0.0, (e.span, e.type) in gold)
                for e in prediction.entities
                if e.type is not None and sentence.covers_type(e.type)
            ]
    return {
        task: {lang: own for lang, own in by.items() if own} for task, by in found.items() if any(by.values())
    }


def calibrated(given: Answers) -> dict[str, dict[str, Any]]:
    """Return a task's curves by path, each with its number of answers and its error before and after.

    The error after is cross-fitted: each half of the answers is judged by the curve of the other half.
    """
    every = [answer for own in given.values() for answer in own]
    table = {UNIVERSAL: _fitted(every)}
    enough = {
        path: own for path, own in sorted(given.items()) if path != UNIVERSAL and len(own) >= LEAST_ANSWERS
    }
    return table | {path: _fitted(own) for path, own in enough.items()}


def _fitted(own: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    right = [is_right for _, is_right in own]
    halves = (own[::2], own[1::2])
    after = [
        (curve(score), is_right)
        for half, other in (halves, halves[::-1])
        for curve in [_curve(other)]
        for score, is_right in half
    ]
    curve = _curve(own)
    return {
        "temperature": curve.temperature,
        "offset": curve.offset,
        "answers": len(own),
        "right": sum(right),
        "error_before": round(expected_error([score for score, _ in own], right), 4),
        "error_after": round(expected_error(*zip(*after, strict=True)), 4),
    }


def _curve(own: Sequence[tuple[float, bool]]) -> Curve:
    scores, right = zip(*own, strict=True) if own else ((), ())
    return fit(scores, right)
