"""Counts per sentence for every metric: the one table that scores, intervals and paired tests are made from.

Legend: `N` runs (seeds) of one system, `S` sentences, and 3 = tp, fp, fn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mere.errors import DataError, nearest
from mere.metrics import entity_parts
from mere.metrics.annotated import annotates_entities, scored_mentions
from mere.metrics.counts import Counts
from mere.metrics.entities import Matched, match, triple_entity_counts
from mere.metrics.lengths import LENGTHS
from mere.metrics.protocol import apply_protocol, unique_triples
from mere.metrics.seen_in_training import MentionSurface, Surface, surface
from mere.metrics.sentence_counts import PartCounts, SentenceCounts
from mere.metrics.triples import boundary_counts, relation_counts, strict_counts
from mere.types import Prediction, Sentence, Triple

ENTITY_F1 = "entity_f1/strict"
TRIPLE_METRICS: Mapping[str, Callable[[Sequence[Triple], Sequence[Triple]], Counts]] = {
    "triple_f1/strict": strict_counts,
    "triple_f1/boundary": boundary_counts,
    ENTITY_F1: triple_entity_counts,
    "relation_f1": relation_counts,
}
RECALLS = ("triple_recall/seen", "triple_recall/unseen")
ENTITY_RECALLS = ("entity_recall/seen", "entity_recall/unseen")


@dataclass(frozen=True)
class SystemScores:
    """What one system scored on each sentence, in one run or in several that differ by their seed.

    Args:
        ids: (S,) language and id of every sentence; two systems are compared on the same ones.
        langs: (S,) language of every sentence.
        sources: (S,) "language/source" of every sentence, such as "en/webnlg".
        metrics: per metric, the counts of all sentences.
        by_relation: per metric and relation, the counts of the sentences with gold or predicted triples of
            it. For entities: of the mentions of that relation's triples.
        by_type: entity counts by entity type, of the sentences that annotate entities for their own sake.
        by_length: likewise by the length of the mention, in the order of `mere.metrics.lengths.LENGTHS`.
    """

    ids: tuple[tuple[str, str], ...]
    langs: NDArray[np.str_]
    sources: NDArray[np.str_]
    metrics: Mapping[str, SentenceCounts]
    by_relation: Mapping[str, Mapping[str, SentenceCounts]]
    by_type: Mapping[str, SentenceCounts] = field(default_factory=dict)
    by_length: Mapping[str, SentenceCounts] = field(default_factory=dict)

    @property
    def num_runs(self) -> int:
        return next(iter(self.metrics.values())).counts.shape[0]

    @property
    def languages(self) -> list[str]:
        return sorted(set(self.langs.tolist()))

    def cell(self, metric: str) -> SentenceCounts:
        """Return the counts of a metric for all sentences.

        Raises:
            DataError: there is no such metric; names the nearest one.
        """
        if metric not in self.metrics:
            raise DataError(
                f'unknown metric "{metric}".{nearest(metric, self.metrics)} '
                f"There are: {', '.join(self.metrics)}."
            )
        return self.metrics[metric]

    def by_language(self, metric: str) -> dict[str, SentenceCounts]:
        """Return the counts of a metric for each language's sentences."""
        cell = self.cell(metric)
        return {lang: cell.take(self.langs == lang) for lang in self.languages}

    def by_source(self, metric: str) -> dict[str, SentenceCounts]:
        """Return the counts of a metric for each source in each language."""
        cell = self.cell(metric)
        return {source: cell.take(self.sources == source) for source in sorted(set(self.sources.tolist()))}


def score_runs(
    gold: Sequence[Sentence],
    runs: Sequence[Sequence[Prediction]],
    *,
    seen: set[Surface] | None = None,
    seen_mentions: set[MentionSurface] | None = None,
) -> SystemScores:
    """Count, for every run of a system and every sentence, what was right, wrong and missed.

    Args:
        gold: the annotated sentences.
        runs: one sequence of predictions per seed, each in the order of `gold`.
        seen: surfaces that training states (`mere.metrics.seen_in_training.surface_index`); adds the counts of
            `triple_recall/seen` and `triple_recall/unseen`, the strict recall on either part of the gold.
        seen_mentions: mentions that training states (`mere.metrics.seen_in_training.mention_index`); adds
            the counts of `entity_recall/seen` and `entity_recall/unseen` where a sentence annotates entities.

    Raises:
        DataError: there is no run, or a run does not fit the gold sentences.
    """
    if not runs:
        raise DataError("no predictions to score: 0 runs given. Give at least one sequence of predictions.")
    has_entities = any(annotates_entities(sentence) for sentence in gold)
    metrics = (
        *TRIPLE_METRICS,
        *(RECALLS if seen is not None else ()),
        *(ENTITY_RECALLS if seen_mentions is not None and has_entities else ()),
    )
    tally = _Tally(metrics, num_runs=len(runs), num_sentences=len(gold))
    for n, run in enumerate(runs):
        if len(run) != len(gold):
            raise DataError(
                f"run {n}: {len(run)} predictions for {len(gold)} sentences. "
                "Give one prediction per sentence, empty where nothing was found, in the same order."
            )
        for s, (sentence, prediction) in enumerate(zip(gold, run, strict=True)):
            _check_offsets(sentence, prediction)
            wanted, given = unique_triples(sentence.triples), apply_protocol(sentence, prediction)
            tally.triples(n, s, wanted, given, seen)
            if annotates_entities(sentence):
                tally.entities(n, s, match(*scored_mentions(sentence, prediction)), seen_mentions)
    every_row = np.arange(len(gold), dtype=np.int64)
    lengths = tally.by_length.cells()
    return SystemScores(
        ids=tuple((sentence.lang, sentence.id) for sentence in gold),
        langs=np.array([sentence.lang for sentence in gold], dtype=np.str_),
        sources=np.array([f"{sentence.lang}/{sentence.source or '?'}" for sentence in gold], dtype=np.str_),
        metrics={metric: SentenceCounts(every_row, counts) for metric, counts in tally.table.items()},
        by_relation={metric: parts.cells() for metric, parts in tally.by_relation.items()},
        by_type=tally.by_type.cells(),
        by_length={length: lengths[length] for length in LENGTHS if length in lengths},
    )


class _Tally:
    """The counts while they are made: a table per metric, (N, S, 3), and the parts."""

    def __init__(self, metrics: Iterable[str], *, num_runs: int, num_sentences: int) -> None:
        self.table = {metric: np.zeros((num_runs, num_sentences, 3), np.int64) for metric in metrics}
        self.by_relation = {metric: PartCounts(num_runs) for metric in TRIPLE_METRICS}
        self.by_type, self.by_length = PartCounts(num_runs), PartCounts(num_runs)

    def triples(
        self, n: int, s: int, gold: Sequence[Triple], predicted: Sequence[Triple], seen: set[Surface] | None
    ) -> None:
        for metric, count in TRIPLE_METRICS.items():
            self.table[metric][n, s] = _row(count(gold, predicted))
            for relation, sides in _by_relation(gold, predicted).items():
                self.by_relation[metric].add(relation, n, s, count(*sides))
        if seen is not None:
            for metric, part in zip(RECALLS, _split(gold, seen), strict=True):
                counts = strict_counts(part, predicted)
                self.table[metric][n, s] = counts.tp, 0, counts.fn

    def entities(self, n: int, s: int, matched: Matched, seen: set[MentionSurface] | None) -> None:
        self.table[ENTITY_F1][n, s] = _row(matched.counts)
        for parts, counts in (
            (self.by_type, entity_parts.by_type(matched)),
            (self.by_length, entity_parts.by_length(matched)),
        ):
            for part, of_part in counts.items():
                parts.add(part, n, s, of_part)
        if seen is not None:
            for metric, of_part in zip(ENTITY_RECALLS, entity_parts.by_seen(matched, seen), strict=True):
                self.table[metric][n, s] = _row(of_part)


def _row(counts: Counts) -> tuple[int, int, int]:
    return counts.tp, counts.fp, counts.fn


def _by_relation(
    gold: Iterable[Triple], predicted: Iterable[Triple]
) -> dict[str, tuple[list[Triple], list[Triple]]]:
    parts: dict[str, tuple[list[Triple], list[Triple]]] = {}
    for side, triples in enumerate((gold, predicted)):
        for triple in triples:
            parts.setdefault(triple.relation, ([], []))[side].append(triple)
    return parts


def _split(triples: Iterable[Triple], seen: set[Surface]) -> tuple[list[Triple], list[Triple]]:
    parts: tuple[list[Triple], list[Triple]] = ([], [])
    for triple in triples:
        parts[0 if surface(triple) in seen else 1].append(triple)
    return parts


def _check_offsets(sentence: Sentence, prediction: Prediction) -> None:
    """Refuse a prediction made for another text: its mentions do not read what the sentence reads there."""
    mentions = list(prediction.entities)
    for triple in prediction.triples:
        mentions += (triple.subject, triple.object)
    for mention in mentions:
        there = sentence.text[mention.start : mention.end]
        if there != mention.text:
            raise DataError(
                f"sentence {sentence.id} ({sentence.lang}): the predicted mention "
                f'{mention.start}:{mention.end} is "{mention.text}" but the text reads "{there}" there. '
                "Give the predictions in the order of the gold sentences, with offsets into their own texts."
            )
