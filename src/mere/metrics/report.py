"""The scores of one system: per language, source, relation and entity type, macro and micro, with intervals.

`evaluate` makes a `Report`: `to_json` is what `mere evaluate --json` prints, and `render` prints its tables.
All figures are fractions in the JSON and percentages in the tables. A report shows what the sentences annotate:
triples, entities, or both (`mere.metrics.annotated`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rich.console import Console

from mere.metrics import render
from mere.metrics.annotated import annotates_triples
from mere.metrics.confusion import EntityErrors, analyse
from mere.metrics.counts import f1, precision, recall
from mere.metrics.intervals import DECIMALS, Measured, Resampled, strata_of
from mere.metrics.scores import ENTITY_F1, ENTITY_RECALLS, RECALLS, TRIPLE_METRICS, SystemScores, score_runs
from mere.metrics.seen_in_training import mention_index, surface_index
from mere.metrics.sentence_counts import SentenceCounts
from mere.types import Prediction, Sentence

Dimension = Literal["language", "source", "relation", "type", "length"]
Key = tuple[str, str, str]  # metric, dimension, name


@dataclass(frozen=True, slots=True)
class Score:
    """F1 with its interval, and what it is made of.

    Args:
        f1: the metric; for `triple_recall/...` and `entity_recall/...`, the recall.
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
        macro_relations: the mean over relations that are gold or predicted anywhere; None where the
            sentences annotate no triples, or the metric has no relations.
        type, length: a score per entity type and per length of the mention (`mere.metrics.lengths`), of
            `entity_f1/strict` where entities are annotated for their own sake; empty elsewhere. Recall is
            over the gold mentions of that type or length, precision over the predicted ones.
        macro_types: the mean over types that are gold or predicted anywhere; None where there are none.
    """

    language: Mapping[str, Score]
    source: Mapping[str, Score]
    relation: Mapping[str, Score]
    micro: Score
    macro: Score
    macro_relations: Score | None
    type: Mapping[str, Score] = field(default_factory=dict)
    length: Mapping[str, Score] = field(default_factory=dict)
    macro_types: Score | None = None

    def to_json(self) -> dict[str, Any]:
        parts = {"language": self.language, "source": self.source}
        means = {"micro": self.micro, "macro": self.macro}
        if self.macro_relations is not None:
            parts["relation"] = self.relation
            means["macro_relations"] = self.macro_relations
        if self.macro_types is not None:
            parts |= {"type": self.type, "length": self.length}
            means["macro_types"] = self.macro_types
        record: dict[str, Any] = {
            dimension: {name: score.to_json() for name, score in scores.items()}
            for dimension, scores in parts.items()
        }
        return record | {row: score.to_json() for row, score in means.items()}

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
        metrics: the scores by metric name, of what the sentences annotate; with the training sentences given
            `triple_recall/seen`, `entity_recall/seen` and their `unseen` are among them.
        scores: the counts per sentence, for paired tests against another system.
        errors: what went wrong with the entities; None where none are annotated for their own sake.
    """

    sentences: Mapping[str, int]
    num_runs: int
    level: float
    resamples: int
    metrics: Mapping[str, MetricScores]
    scores: SystemScores
    errors: EntityErrors | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values, without the counts per sentence."""
        record: dict[str, Any] = {
            "sentences": dict(self.sentences),
            "runs": self.num_runs,
            "level": self.level,
            "resamples": self.resamples,
            "metrics": {name: scores.to_json() for name, scores in self.metrics.items()},
        }
        return record if self.errors is None else record | {"entity_errors": self.errors.to_json()}

    def render(self, console: Console) -> None:
        """Print the tables: languages, sources, relations, types, lengths, and recall on seen and unseen parts.

        What went wrong with the entities follows if examples of it were asked for.
        """
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
    num_examples: int = 0,
) -> Report:
    """Score one system's predictions, one per gold sentence and in the same order.

    Args:
        train: the training sentences, to report recall on seen and unseen triples and mentions apart.
        resamples: of the bootstrap by sentence, stratified by language; 0 for no intervals.
        num_examples: how many examples of each class of entity errors to keep and to print.

    Raises:
        DataError: the predictions do not fit the sentences.
    """
    return evaluate_runs(
        gold, [predicted], train=train, resamples=resamples, seed=seed, level=level, num_examples=num_examples
    )


def evaluate_runs(
    gold: Sequence[Sentence],
    runs: Sequence[Sequence[Prediction]],
    *,
    train: Iterable[Sentence] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    num_examples: int = 0,
) -> Report:
    """Score several runs of one system that differ by their seed: means over runs, intervals over both.

    Raises:
        DataError: the predictions do not fit the sentences.
    """
    known = None if train is None else list(train)
    scores = score_runs(
        gold,
        runs,
        seen=None if known is None else surface_index(known),
        seen_mentions=None if known is None else mention_index(known),
    )
    has_triples = not gold or any(annotates_triples(sentence) for sentence in gold)
    shown = (*TRIPLE_METRICS, *RECALLS, *ENTITY_RECALLS) if has_triples else (ENTITY_F1, *ENTITY_RECALLS)
    metrics = [metric for metric in shown if metric in scores.metrics]
    cells: dict[Key, SentenceCounts] = {}
    for metric in metrics:
        for dimension, parts in _parts(scores, metric).items():
            cells |= {(metric, dimension, name): cell for name, cell in parts.items()}
    resampled = Resampled(cells, strata_of(scores), resamples=resamples, seed=seed, level=level)
    return Report(
        sentences={lang: int((scores.langs == lang).sum()) for lang in scores.languages},
        num_runs=scores.num_runs,
        level=level,
        resamples=resamples,
        metrics={metric: _metric_scores(resampled, metric, has_triples=has_triples) for metric in metrics},
        scores=scores,
        errors=analyse(gold, runs, num_examples=num_examples),
    )


def _parts(scores: SystemScores, metric: str) -> dict[Dimension, Mapping[str, SentenceCounts]]:
    is_entities = metric == ENTITY_F1
    return {
        "language": scores.by_language(metric),
        "source": scores.by_source(metric),
        "relation": scores.by_relation.get(metric, {}),
        "type": scores.by_type if is_entities else {},
        "length": scores.by_length if is_entities else {},
    }


def _metric_scores(resampled: Resampled[Key], metric: str, *, has_triples: bool) -> MetricScores:
    def keys(dimension: Dimension) -> list[Key]:
        return [key for key in resampled.totals if key[:2] == (metric, dimension)]

    def by_name(dimension: Dimension) -> dict[str, Score]:
        return {key[2]: _score(resampled, [key], metric) for key in keys(dimension)}

    def mean(dimension: Dimension) -> Score:
        return _score(resampled, keys(dimension), metric, macro=True)

    return MetricScores(
        language=by_name("language"),
        source=by_name("source"),
        relation=by_name("relation"),
        micro=_score(resampled, keys("language"), metric),
        macro=mean("language"),
        macro_relations=mean("relation") if has_triples and metric not in ENTITY_RECALLS else None,
        type=by_name("type"),
        length=by_name("length"),
        macro_types=mean("type") if keys("type") else None,
    )


def _score(resampled: Resampled[Key], keys: Sequence[Key], metric: str, *, macro: bool = False) -> Score:
    average = resampled.macro if macro else resampled.micro

    def ratio(statistic: Any) -> float | None:
        value = average(keys, statistic)[0]
        return None if math.isnan(value) else round(value, DECIMALS)

    tp, fp, fn = (int(sum(resampled.totals[key][:, i].sum() for key in keys)) for i in range(3))
    is_recall = metric in (*RECALLS, *ENTITY_RECALLS)
    return Score(
        f1=resampled.measured(average(keys, recall if is_recall else f1)),
        precision=None if is_recall else ratio(precision),
        recall=ratio(recall),
        tp=tp,
        fp=fp,
        fn=fn,
    )
