"""Counts (tp, fp, fn) of sentences in every run, whole or by part (a relation, an entity type, a length).

Legend: `N` runs (seeds) of one system, `S` sentences, and 3 = tp, fp, fn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.metrics.counts import Counts


@dataclass(frozen=True, slots=True)
class SentenceCounts:
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

    def take(self, wanted: NDArray[np.bool_]) -> SentenceCounts:
        """Keep the rows for which `wanted`, (S,), is True."""
        inside = wanted[self.rows]
        return SentenceCounts(self.rows[inside], self.counts[:, inside])


class PartCounts:
    """Collects counts by part, sparsely: a sentence has few of many parts.

    Args:
        num_runs: N.
    """

    def __init__(self, num_runs: int) -> None:
        self._num_runs = num_runs
        self._parts: dict[str, dict[int, NDArray[np.int64]]] = {}

    def add(self, part: str, run: int, row: int, counts: Counts) -> None:
        """Add the counts of a sentence on a part in a run."""
        rows = self._parts.setdefault(part, {})
        counts_of_row = rows.setdefault(row, np.zeros((self._num_runs, 3), np.int64))
        counts_of_row[run] = counts.tp, counts.fp, counts.fn

    def cells(self) -> dict[str, SentenceCounts]:
        """Return the counts of each part, in the order of the parts' names."""
        return {part: _cell(rows) for part, rows in sorted(self._parts.items())}


def _cell(rows: dict[int, NDArray[np.int64]]) -> SentenceCounts:
    order = sorted(rows)
    return SentenceCounts(np.array(order, dtype=np.int64), np.stack([rows[s] for s in order], axis=1))
