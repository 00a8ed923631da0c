"""How alike two orders of the same systems are: Kendall's tau-b, with an interval from the scores' own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mere.metrics.intervals import Measured, percentiles

DRAWS = 4000
_WIDTH_95 = 2 * 1.959964
"""Standard deviations in a 95 % interval of a normal distribution."""


def kendall(first: Sequence[Measured], second: Sequence[Measured], *, seed: int = 0) -> Measured:
    """Return tau-b of two lists of scores of the same systems.

    The interval: every score is drawn anew from a normal distribution as wide as its own interval, independently.
    Scores of systems on the same sentences go together, so it is wider than it need be.

    Raises:
        ValueError: a score is unknown.
    """
    lists = [_known(scores) for scores in (first, second)]
    value = float(tau_b(lists[0][0], lists[1][0]))
    rng = np.random.default_rng(seed)
    drawn = [centre + rng.standard_normal((DRAWS, len(centre))) * spread for centre, spread in lists]
    low, high = percentiles(tau_b(*drawn), 0.95)
    return Measured(value=round(value, 6), low=low, high=high)


def tau_b(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Kendall's tau-b along the last axis; NaN where a list has ties only."""
    i, j = np.triu_indices(first.shape[-1], 1)
    signs = [np.sign(scores[..., i] - scores[..., j]) for scores in (first, second)]
    agreeing = (signs[0] * signs[1]).sum(-1)
    untied = np.sqrt((signs[0] != 0).sum(-1) * (signs[1] != 0).sum(-1))
    return np.where(untied > 0, agreeing / np.where(untied > 0, untied, 1), np.nan)


def _known(scores: Sequence[Measured]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values and their standard deviations; one without an interval is taken as exact."""
    values = [score.value for score in scores]
    if None in values:
        raise ValueError("a system without a score has no place in an order")
    spreads = [((score.high or 0.0) - (score.low or 0.0)) / _WIDTH_95 for score in scores]
    return np.array(values, dtype=np.float64), np.array(spreads)
