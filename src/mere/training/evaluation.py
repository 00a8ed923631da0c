"""Evaluation on dev during training: the score that selects the weights, and thresholds of triple scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mere.config import Task
from mere.data.examples import known_types
from mere.inference.predictor import Predictor
from mere.metrics.annotated import scored_mentions
from mere.metrics.counts import Counts
from mere.metrics.entities import match
from mere.models.backend import model_of
from mere.training.calibrate import calibrate
from mere.training.parallel.processes import ONE_PROCESS, Processes
from mere.types import Prediction, Sentence


@dataclass(frozen=True)
class Evaluation:
    """Scores of a model on dev, and the thresholds that suit it.

    Args:
        f1: metric to language to F1 in [0, 1].
        thresholds: lowest score of a triple that is returned, per path (mere.schema).
    """

    f1: Mapping[str, Mapping[str, float]]
    thresholds: Mapping[str, float]

    @property
    def macro(self) -> float:
        """The mean over metrics of the mean over languages: weights are selected by it."""
        return float(np.mean([np.mean(list(by_lang.values())) for by_lang in self.f1.values()]))

    def to_json(self) -> dict[str, Any]:
        """Return percentages by metric and language, "macro" among them."""
        record = {}
        for metric, by_lang in self.f1.items():
            shown = {lang: round(100 * value, 2) for lang, value in by_lang.items()}
            record[metric] = {**shown, "macro": round(100 * float(np.mean(list(by_lang.values()))), 2)}
        return record


def is_annotated(sentence: Sentence, tasks: Sequence[Task]) -> bool:
    """Whether a sentence can be scored for at least one of the tasks."""
    entities = "entities" in tasks and known_types(sentence) != frozenset()
    return entities or ("triples" in tasks and sentence.relations_covered != frozenset())


def evaluate_dev(
    predictor: Predictor,
    tasks: Sequence[Task],
    sentences: Sequence[Sentence],
    *,
    universal: bool,
    processes: Processes = ONE_PROCESS,
) -> Evaluation:
    """Predict each sentence by its language's switcher, or all by the universal path, and score the tasks.

    A task is scored on the sentences that are annotated for it. Thresholds are calibrated on the way. Several
    processes predict a share each, and all score the whole.
    """

    def predict(share: Sequence[Sentence]) -> list[Prediction]:
        langs = [None if universal else sentence.lang for sentence in share]
        with processes.in_step(model_of(predictor)):
            return predictor.predict([sentence.text for sentence in share], langs, threshold=0.0)

    predictions = processes.map(predict, sentences)
    pairs = list(zip(sentences, predictions, strict=True))
    f1: dict[str, Mapping[str, float]] = {}
    thresholds: Mapping[str, float] = predictor.thresholds
    if "entities" in tasks:
        f1["entity_f1/strict"] = _entity_f1([(s, p) for s, p in pairs if known_types(s) != frozenset()])
    if "triples" in tasks:
        annotated = [(s, p) for s, p in pairs if s.relations_covered != frozenset()]
        if annotated:
            thresholds, f1["triple_f1/strict"] = calibrate(*zip(*annotated, strict=True))
    return Evaluation({metric: by_lang for metric, by_lang in f1.items() if by_lang}, thresholds)


def _entity_f1(pairs: Sequence[tuple[Sentence, Prediction]]) -> dict[str, float]:
    totals: dict[str, Counts] = {}
    for sentence, prediction in pairs:
        found = match(*scored_mentions(sentence, prediction)).counts
        totals[sentence.lang] = totals.get(sentence.lang, Counts()) + found
    return {lang: counts.f1 or 0.0 for lang, counts in sorted(totals.items())}
