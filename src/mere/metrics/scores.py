"""Counts per sentence for every metric: the one table that scores, intervals and paired tests are made from.

Legend: `N` runs (seeds) of one system, `S` sentences, and 3 = tp, fp, fn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.errors import DataError, nearest
from mere.metrics.counts import Counts
from mere.metrics.entities import entity_counts, triple_entity_counts
from mere.metrics.protocol import apply_protocol, unique_triples
from mere.metrics.relations import relation_counts
from mere.metrics.seen import Surface, surface
from mere.metrics.triples import boundary_counts, strict_counts
from mere.types import Prediction, Sentence, Triple

TRIPLE_METRICS: Mapping[str, Callable[[Sequence[Triple], Sequence[Triple]], Counts]] = {
    "triple_f1/strict": strict_counts,
    "triple_f1/boundary": boundary_counts,
    "entity_f1/strict": triple_entity_counts,
    "relation_f1": relation_counts,
}
RECALLS = ("triple_recall/seen", "triple_recall/unseen")


@dataclass(frozen=True, slots=True)
class Cell:
    """The counts of some sentences: which rows of the table they are, and what each scored.

    Args:
        rows: (n,) indices of sentences, each at most once.
        counts: (N, n, 3) their counts in every run.
    """

    rows: NDArray[np.int64]
    counts: NDArray[np.int64]

    def totals(self) -> NDArray[np.int64]:
        """Sum over the sentences: (N, 3)."""
        return self.counts.sum(axis=1)

    def take(self, wanted: NDArray[np.bool_]) -> Cell:
        """Keep the rows for which `wanted`, (S,), is True."""
        inside = wanted[self.rows]
        return Cell(self.rows[inside], self.counts[:, inside])


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
    """

    ids: tuple[tuple[str, str], ...]
    langs: NDArray[np.str_]
    sources: NDArray[np.str_]
    metrics: Mapping[str, Cell]
    by_relation: Mapping[str, Mapping[str, Cell]]

    @property
    def num_runs(self) -> int:
        return next(iter(self.metrics.values())).counts.shape[0]

    @property
    def languages(self) -> list[str]:
        return sorted(set(self.langs.tolist()))

    def cell(self, metric: str) -> Cell:
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

    def by_language(self, metric: str) -> dict[str, Cell]:
        """Return the counts of a metric for each language's sentences."""
        cell = self.cell(metric)
        return {lang: cell.take(self.langs == lang) for lang in self.languages}

    def by_source(self, metric: str) -> dict[str, Cell]:
        """Return the counts of a metric for each source in each language."""
        cell = self.cell(metric)
        return {source: cell.take(self.sources == source) for source in sorted(set(self.sources.tolist()))}


def score_runs(
    gold: Sequence[Sentence], runs: Sequence[Sequence[Prediction]], *, seen: set[Surface] | None = None
) -> SystemScores:
    """Count, for every run of a system and every sentence, what was right, wrong and missed.

    Args:
        gold: the annotated sentences.
        runs: one sequence of predictions per seed, each in the order of `gold`.
        seen: surfaces that training states (`mere.metrics.seen.surface_index`); adds the counts of
            `triple_recall/seen` and `triple_recall/unseen`, the strict recall on either part of the gold.

    Raises:
        DataError: there is no run, or a run does not fit the gold sentences.
    """
    if not runs:
        raise DataError("no predictions to score: 0 runs given. Give at least one sequence of predictions.")
    metrics = (*TRIPLE_METRICS, *(RECALLS if seen is not None else ()))
    table = {metric: np.zeros((len(runs), len(gold), 3), np.int64) for metric in metrics}
    sparse: dict[str, dict[str, dict[int, NDArray[np.int64]]]] = {metric: {} for metric in TRIPLE_METRICS}
    for n, run in enumerate(runs):
        if len(run) != len(gold):
            raise DataError(
                f"run {n}: {len(run)} predictions for {len(gold)} sentences. "
                "Give one prediction per sentence, empty where nothing was found, in the same order."
            )
        for s, (sentence, prediction) in enumerate(zip(gold, run, strict=True)):
            _check_offsets(sentence, prediction)
            wanted, given = unique_triples(sentence.triples), apply_protocol(sentence, prediction)
            entities_only = sentence.relations_covered is not None and not sentence.relations_covered
            for metric, count in TRIPLE_METRICS.items():
                if entities_only and metric == "entity_f1/strict":
                    table[metric][n, s] = _row(entity_counts(sentence.entities, prediction.entities))
                    continue
                table[metric][n, s] = _row(count(wanted, given))
                for relation, (wanted_r, given_r) in _by_relation(wanted, given).items():
                    of_relation = sparse[metric].setdefault(relation, {})
                    of_relation.setdefault(s, np.zeros((len(runs), 3), np.int64))[n] = _row(
                        count(wanted_r, given_r)
                    )
            if seen is not None:
                for metric, part in zip(RECALLS, _split(wanted, seen), strict=True):
                    counts = strict_counts(part, given)
                    table[metric][n, s] = counts.tp, 0, counts.fn
    every_row = np.arange(len(gold), dtype=np.int64)
    return SystemScores(
        ids=tuple((sentence.lang, sentence.id) for sentence in gold),
        langs=np.array([sentence.lang for sentence in gold], dtype=np.str_),
        sources=np.array([f"{sentence.lang}/{sentence.source or '?'}" for sentence in gold], dtype=np.str_),
        metrics={metric: Cell(every_row, counts) for metric, counts in table.items()},
        by_relation={
            metric: {relation: _cell(rows) for relation, rows in sorted(relations.items())}
            for metric, relations in sparse.items()
        },
    )


def _row(counts: Counts) -> tuple[int, int, int]:
    return counts.tp, counts.fp, counts.fn


def _cell(rows: dict[int, NDArray[np.int64]]) -> Cell:
    order = sorted(rows)
    return Cell(np.array(order, dtype=np.int64), np.stack([rows[s] for s in order], axis=1))


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
