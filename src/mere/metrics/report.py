"""The scores of one system: per language, per source, per relation, macro and micro, with intervals.

`evaluate` makes a `Report`: `to_json` is what `mere evaluate --json` prints, and `render` prints its tables.
All figures are fractions in the JSON and percentages in the tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console

from mere.metrics import render
from mere.metrics.counts import f1, precision, recall
from mere.metrics.intervals import DECIMALS, Measured, Resampled, strata_of
from mere.metrics.scores import RECALLS, TRIPLE_METRICS, Cell, SystemScores, score_runs
from mere.metrics.seen import surface_index
from mere.types import Prediction, Sentence

Dimension = Literal["language", "source", "relation"]
Key = tuple[str, str, str]  # metric, dimension, name


@dataclass(frozen=True, slots=True)
class Score:
    """F1 with its interval, and what it is made of.

    Args:
        f1: the metric; for `triple_recall/...`, the recall.
        precision: mean over runs, and for a macro row over its parts; None if nothing was predicted.
        recall: likewise; None if nothing is gold.
        tp, fp, fn: summed over sentences and runs.
    """

    f1: Measured
    precision: float | None
    recall: float | None
    tp: int
    fp: int
    fn: int

    def to_json(self) -> dict[str, Any]:
        ratios = {"precision": self.precision, "recall": self.recall}
        return self.f1.model_dump() | ratios | {"tp": self.tp, "fp": self.fp, "fn": self.fn}


@dataclass(frozen=True, slots=True)
class MetricScores:
    """One metric over every part of the data.

    Args:
        language, source, relation: a score per part. Sources are named "language/source". For entities a
            relation's score is that of its triples' mentions.
        micro: all sentences in one count.
        macro: the mean over languages, those left out where F1 is unknown.
        macro_relations: the mean over relations that are gold or predicted anywhere.
    """

    language: Mapping[str, Score]
    source: Mapping[str, Score]
    relation: Mapping[str, Score]
    micro: Score
    macro: Score
    macro_relations: Score

    def to_json(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            dimension: {name: score.to_json() for name, score in getattr(self, dimension).items()}
            for dimension in ("language", "source", "relation")
        }
        for row in ("micro", "macro", "macro_relations"):
            record[row] = getattr(self, row).to_json()
        return record

    def measured(self) -> dict[str, Measured]:
        """Return the F1s per language, "macro" and "micro": a metric's entry in a results file."""
        return {name: score.f1 for name, score in self.language.items()} | {
            "macro": self.macro.f1,
            "micro": self.micro.f1,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What `mere evaluate` reports.

    Args:
        sentences: how many per language.
        num_runs: how many seeds the values are means over.
        level: nominal coverage of the intervals.
        resamples: of the bootstrap; 0 means that there are no intervals.
        metrics: the scores by metric name; `triple_recall/seen` and `triple_recall/unseen` among them if the
            training sentences were given.
        scores: the counts per sentence, for paired tests against another system.
    """

    sentences: Mapping[str, int]
    num_runs: int
    level: float
    resamples: int
    metrics: Mapping[str, MetricScores]
    scores: SystemScores

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values, without the counts per sentence."""
        return {
            "sentences": dict(self.sentences),
            "runs": self.num_runs,
            "level": self.level,
            "resamples": self.resamples,
            "metrics": {name: scores.to_json() for name, scores in self.metrics.items()},
        }

    def render(self, console: Console) -> None:
        """Print the tables: languages, sources, relations, and recall on seen and unseen triples."""
        for table in render.tables(self):
            console.print(table)


def evaluate(
    gold: Sequence[Sentence],
    predicted: Sequence[Prediction],
    *,
    train: Iterable[Sentence] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Report:
    """Score one system's predictions, one per gold sentence and in the same order.

    Args:
        train: the training sentences, to report recall on seen and unseen triples apart.
        resamples: of the bootstrap by sentence, stratified by language; 0 for no intervals.

    Raises:
        DataError: the predictions do not fit the sentences.
    """
    return evaluate_runs(gold, [predicted], train=train, resamples=resamples, seed=seed, level=level)


def evaluate_runs(
    gold: Sequence[Sentence],
    runs: Sequence[Sequence[Prediction]],
    *,
    train: Iterable[Sentence] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Report:
    """Score several runs of one system that differ by their seed: means over runs, intervals over both.

    Raises:
        DataError: the predictions do not fit the sentences.
    """
    scores = score_runs(gold, runs, seen=None if train is None else surface_index(train))
    cells: dict[Key, Cell] = {}
    for metric in scores.metrics:
        cells |= {(metric, "language", lang): cell for lang, cell in scores.by_language(metric).items()}
        cells |= {(metric, "source", source): cell for source, cell in scores.by_source(metric).items()}
        of_relations = scores.by_relation.get(metric, {})
        cells |= {(metric, "relation", relation): cell for relation, cell in of_relations.items()}
    resampled = Resampled(cells, strata_of(scores), resamples=resamples, seed=seed, level=level)
    return Report(
        sentences={lang: int((scores.langs == lang).sum()) for lang in scores.languages},
        num_runs=scores.num_runs,
        level=level,
        resamples=resamples,
        metrics={
            metric: _metric_scores(resampled, metric)
            for metric in (*TRIPLE_METRICS, *RECALLS)
            if metric in scores.metrics
        },
        scores=scores,
    )


def _metric_scores(resampled: Resampled[Key], metric: str) -> MetricScores:
    def keys(dimension: Dimension) -> list[Key]:
        return [key for key in resampled.totals if key[:2] == (metric, dimension)]

    def by_name(dimension: Dimension) -> dict[str, Score]:
        return {key[2]: _score(resampled, [key], metric) for key in keys(dimension)}

    return MetricScores(
        language=by_name("language"),
        source=by_name("source"),
        relation=by_name("relation"),
        micro=_score(resampled, keys("language"), metric),
        macro=_score(resampled, keys("language"), metric, macro=True),
        macro_relations=_score(resampled, keys("relation"), metric, macro=True),
    )


def _score(resampled: Resampled[Key], keys: Sequence[Key], metric: str, *, macro: bool = False) -> Score:
    average = resampled.macro if macro else resampled.micro

    def ratio(statistic: Any) -> float | None:
        value = average(keys, statistic)[0]
        return None if math.isnan(value) else round(value, DECIMALS)

    tp, fp, fn = (int(sum(resampled.totals[key][:, i].sum() for key in keys)) for i in range(3))
    is_recall = metric in RECALLS
    return Score(
        f1=resampled.measured(average(keys, recall if is_recall else f1)),
        precision=None if is_recall else ratio(precision),
        recall=ratio(recall),
        tp=tp,
        fp=fp,
        fn=fn,
    )
