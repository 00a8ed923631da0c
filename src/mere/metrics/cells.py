"""Counts of some sentences in every run, and how they are gathered for parts that few sentences have.

Legend: `N` runs (seeds) of one system, `S` sentences, and 3 = tp, fp, fn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.metrics.counts import Counts


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


class PartCounts:
    """Gathers counts by part (a relation, an entity type, a length): a sentence has few of many parts.

    Args:
        num_runs: N.
    """

    def __init__(self, num_runs: int) -> None:
        self._num_runs = num_runs
        self._parts: dict[str, dict[int, NDArray[np.int64]]] = {}

    def put(self, part: str, run: int, row: int, counts: Counts) -> None:
        """Note what a sentence scored on a part in a run."""
        rows = self._parts.setdefault(part, {})
        of_row = rows.setdefault(row, np.zeros((self._num_runs, 3), np.int64))
        of_row[run] = counts.tp, counts.fp, counts.fn

    def cells(self) -> dict[str, Cell]:
        """Return a cell per part, parts in order of their names."""
        return {part: _cell(rows) for part, rows in sorted(self._parts.items())}


def _cell(rows: dict[int, NDArray[np.int64]]) -> Cell:
    order = sorted(rows)
    return Cell(np.array(order, dtype=np.int64), np.stack([rows[s] for s in order], axis=1))
