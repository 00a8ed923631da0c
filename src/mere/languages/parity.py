"""Is an exported model as good as the one it came from? F1 per language on dev, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mere.inference.predictor import Predictor
from mere.metrics.report import evaluate
from mere.types import Prediction, Sentence

METRICS = ("triple_f1/strict", "entity_f1/strict")


@dataclass(frozen=True)
class Parity:
    """What two models say of the same sentences.

    Args:
        f1: metric to language to F1 (before, after), fractions.
        sentences: how many there are per language.
        differing: sentences of which the two do not say the same.
    """

    f1: dict[str, dict[str, tuple[float, float]]]
    sentences: dict[str, int]
    differing: int

    @property
    def worst(self) -> float:
        """The largest loss of any metric in any language, in points of F1; negative where all gain."""
        losses = [100 * (b - a) for by_lang in self.f1.values() for b, a in by_lang.values()]
        return max(losses, default=0.0)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values, F1 in percent."""
        return {
            "sentences": self.sentences,
            "differing_sentences": self.differing,
            "largest_loss": round(self.worst, 2),
            "f1": {
                metric: {
                    lang: {"before": round(100 * before, 2), "after": round(100 * after, 2)}
                    for lang, (before, after) in by_lang.items()
                }
                for metric, by_lang in self.f1.items()
            },
        }


def predictions(predictor: Predictor, sentences: Sequence[Sentence]) -> list[Prediction]:
    """Return what a model says of sentences, each by the path of its language."""
    return predictor.predict([s.text for s in sentences], [s.lang for s in sentences])


def compared(
    sentences: Sequence[Sentence], before: Sequence[Prediction], after: Sequence[Prediction]
) -> Parity:
    """Compare two models' predictions of annotated sentences."""
    reports = [evaluate(sentences, given, resamples=0) for given in (before, after)]
    f1: dict[str, dict[str, tuple[float, float]]] = {}
    for metric in METRICS:
        if metric in reports[0].metrics:
            old, new = (report.metrics[metric].language for report in reports)
            f1[metric] = {lang: (_value(old[lang]), _value(new[lang])) for lang in old}
    differing = sum(_facts(b) != _facts(a) for b, a in zip(before, after, strict=True))
    return Parity(f1, dict(reports[0].sentences), differing)


def _value(score: Any) -> float:
    return score.f1.value or 0.0


def _facts(prediction: Prediction) -> tuple[frozenset[Any], frozenset[Any]]:
    """Return what is said, without how sure that is."""
    entities = frozenset((entity.span, entity.type) for entity in prediction.entities)
    return entities, frozenset(triple.key for triple in prediction.triples)
