"""Bootstrap intervals by sentence, stratified by language, and over seeds where there are several.

Each resample draws as many sentences of a language as it has, with replacement, and, from a system of several
runs, as many runs as it has; the metric is computed from the summed counts. Intervals are percentiles. A handful
of runs says little about runs: from N of them the bootstrap shows (N - 1) / N of their variance.
A resample is a vector of weights, one per sentence, so a thousand of them are a matrix product.

Legend: `B` resamples, `N` runs, `S` sentences; 3 = tp, fp, fn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from mere.metrics.counts import f1, mean_known
from mere.metrics.scores import SystemScores
from mere.metrics.sentence_counts import SentenceCounts

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Key = TypeVar("Key", bound=Hashable)

DECIMALS = 6  # measured values are rounded, so that files made by different BLAS libraries are the same
_CHUNK = 256  # resamples per matrix of weights; part of the seeded result, since draws come chunk by chunk


class Measured(BaseModel):
    """A measured value and its interval, as fractions (0.613, not 61.3); None where nothing was there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _is_an_interval(self) -> Measured:
        numbers = [number for number in (self.value, self.low, self.high) if number is not None]
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError("value, low and high must be finite numbers or null")
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high come together")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


def draw_weights(strata: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw `size` resamples: how often each sentence is taken, (S, size). A stratum keeps its number of rows.

    Args:
        strata: (S,) the stratum (language) of each sentence.
    """
    weights = np.empty((len(strata), size), np.float32)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        draws = rng.integers(0, len(rows), (len(rows), size)) * size + np.arange(size)
        weights[rows] = np.bincount(draws.ravel(), minlength=len(rows) * size).reshape(len(rows), size)
    return weights


def weighted_sums(cell: SentenceCounts, weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum a cell's counts under each of B weightings of the sentences: weights (S, B) -> (B, N, 3)."""
    num_runs, num_rows, _ = cell.counts.shape
    columns = cell.counts.transpose(0, 2, 1).reshape(-1, num_rows).astype(np.float32)  # (N * 3, n), exact
    return (columns @ weights[cell.rows]).T.reshape(-1, num_runs, 3).astype(np.float64)


class Resampled(Generic[Key]):
    """The counts of many cells under the same resamples, and the intervals of what is computed from them.

    Args:
        cells: what to count, by any key; all cells are rows of one system's table of sentences.
        strata: (S,) the stratum of each sentence.
        resamples: how many to draw; 0 gives values without intervals.
        seed: of the draws; the same seed draws the same sentences whatever the cells are.
        level: the interval's nominal coverage.
        system: number of the system in a comparison, so that each has its own draws of runs.
    """

    def __init__(
        self,
        cells: Mapping[Key, SentenceCounts],
        strata: NDArray[np.int64],
        *,
        resamples: int = 1000,
        seed: int = 0,
        level: float = 0.95,
        system: int = 0,
    ) -> None:
        if not 0 < level < 1 or resamples < 0:
            raise ValueError(
                f"level must lie in (0, 1) and resamples be 0 or more, not {level} and {resamples}"
            )
        self.level = level
        self.totals = {key: cell.totals().astype(np.float64) for key, cell in cells.items()}  # (N, 3)
        self.num_runs = max((cell.counts.shape[0] for cell in cells.values()), default=1)
        shape = (resamples, self.num_runs)
        self._picks = np.random.default_rng([seed, 1, system]).integers(0, self.num_runs, shape)  # (B, N)
        rng = np.random.default_rng([seed, 0])
        chunks: dict[Key, list[NDArray[np.float64]]] = {
            key: [np.empty((0, self.num_runs, 3))] for key in cells
        }
        for first in range(0, resamples, _CHUNK):
            weights = draw_weights(strata, min(_CHUNK, resamples - first), rng)
            for key, cell in cells.items():
                chunks[key].append(weighted_sums(cell, weights))
        self.sums = {key: np.concatenate(parts) for key, parts in chunks.items()}  # (B, N, 3)

    def micro(self, keys: Sequence[Key], statistic: Statistic = f1) -> tuple[float, NDArray[np.float64]]:
        """Compute a statistic of the cells' summed counts: its value, and its resamples (B,)."""
        if not keys:
            return math.nan, np.full(len(self._picks), np.nan)
        total = np.sum([self.totals[key] for key in keys], axis=0)
        sums = np.sum([self.sums[key] for key in keys], axis=0)
        return self._over_runs(statistic(total), statistic(sums))

    def macro(self, keys: Sequence[Key], statistic: Statistic = f1) -> tuple[float, NDArray[np.float64]]:
        """Average a statistic over the cells where it is known: its value, and its resamples (B,)."""
        if not keys:
            return math.nan, np.full(len(self._picks), np.nan)
        value = mean_known(np.stack([statistic(self.totals[key]) for key in keys]), axis=0)
        values = mean_known(np.stack([statistic(self.sums[key]) for key in keys]), axis=0)
        return self._over_runs(value, values)

    def _over_runs(
        self, value: NDArray[np.float64], values: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Average over the runs, (N,) -> one value; over drawn runs in each resample, (B, N) -> (B,)."""
        picked = np.take_along_axis(values, self._picks, axis=1)
        return float(mean_known(value, axis=0)), mean_known(picked, axis=1)

    def measured(self, value_and_resamples: tuple[float, NDArray[np.float64]]) -> Measured:
        """Make the interval: percentiles of the resamples in which the statistic is known."""
        value, values = value_and_resamples
        if math.isnan(value):
            return Measured(value=None)
        low, high = percentiles(values, self.level)
        return Measured(value=round(value, DECIMALS), low=low, high=high)


def percentiles(values: NDArray[np.float64], level: float) -> tuple[float | None, float | None]:
    """Return the central interval that holds `level` of the known values, or None twice if none is."""
    known = values[~np.isnan(values)]
    if not len(known):
        return None, None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return round(float(low), DECIMALS), round(float(high), DECIMALS)


def strata_of(scores: SystemScores) -> NDArray[np.int64]:
    """Number the sentences' languages: (S,)."""
    return np.unique(scores.langs, return_inverse=True)[1].astype(np.int64)
