"""True positives, false positives and false negatives, and the three ratios they make.

A ratio that nothing was there to answer is unknown, not zero: None here, nan in arrays. It is left out of
every mean, so a language without a gold or a predicted triple neither raises nor lowers a macro average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Counts:
    """How many predictions were right (tp) or wrong (fp), and how many gold items were missed (fn)."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @classmethod
    def of_sizes(cls, tp: int, *, num_gold: int, num_predicted: int) -> Counts:
        """Count from the number of matches and the sizes of the two sides."""
        return cls(tp, num_predicted - tp, num_gold - tp)

    @property
    def f1(self) -> float | None:
        """2 tp / (2 tp + fp + fn), or None if nothing is gold and nothing was predicted."""
        whole = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / whole if whole else None


def f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 of many counts at once: (..., 3) as tp, fp, fn -> (...), nan where nothing was there to answer."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    return _ratios(2 * tp, 2 * tp + fp + fn)


def precision(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Precision of many counts at once: (..., 3) -> (...), nan where nothing was predicted."""
    tp, fp, _ = np.moveaxis(counts, -1, 0)
    return _ratios(tp, tp + fp)


def recall(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Recall of many counts at once: (..., 3) -> (...), nan where nothing is gold."""
    tp, _, fn = np.moveaxis(counts, -1, 0)
    return _ratios(tp, tp + fn)


def _ratios(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    unknown = np.full(np.shape(whole), np.nan)
    return np.divide(part, whole, out=unknown, where=whole > 0)


def mean_known(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean along `axis` of what is known; nan where nothing is (numpy's nanmean, without its warning)."""
    known = ~np.isnan(values)
    return _ratios(np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis).astype(np.float64))
