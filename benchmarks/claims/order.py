"""How alike two orders of the same systems are: Kendall's tau-b, with an interval from those of the scores."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mere.metrics.intervals import Measured, percentiles

DRAWS = 2000


def kendall(first: Sequence[Measured], second: Sequence[Measured], *, seed: int = 0) -> Measured:
    """Return tau-b of two lists of scores of the same systems.

    The interval: every score is drawn from a normal distribution as wide as its own interval, independently. Scores
    of systems on the same sentences are correlated, so it is wider than it need be.

    Raises:
        ValueError: a score is unknown.
    """
    lists = [_centres_and_deviations(scores) for scores in (first, second)]
    rng = np.random.default_rng(seed)
    drawn = [centre + rng.standard_normal((DRAWS, len(centre))) * width for centre, width in lists]
    taus = np.array([stats.kendalltau(a, b).statistic for a, b in zip(*drawn, strict=True)])
    low, high = percentiles(taus, 0.95)
    value = float(stats.kendalltau(lists[0][0], lists[1][0]).statistic)
    return Measured(value=round(value, 6), low=low, high=high)


def _centres_and_deviations(scores: Sequence[Measured]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values and their standard deviations; one without an interval is taken as exact."""
    values = [score.value for score in scores]
    if None in values:
        raise ValueError("a system without a score has no place in an order")
    widths = np.array([(score.high or 0.0) - (score.low or 0.0) for score in scores])
    return np.array(values, dtype=np.float64), widths / np.diff(stats.norm.interval(0.95))
