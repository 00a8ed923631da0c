"""How sure a score is: what it has to become to be the share of right answers, and how far it is from that.

The curve has a temperature and an offset (Platt 1999; without the offset: Guo et al. 2017). The offset is needed
because a triple's score is a product of probabilities, which is too low as a rule, by more than a temperature mends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 10
_STEPS = 50
_RIDGE = 1.0
"""How hard curves are held to the identity: as much as one answer or so would."""
_LEAST = 1e-6


@dataclass(frozen=True)
class Curve:
    """A score's way to the probability of being right: sigmoid(logit(score) / temperature + offset); it rises."""

    temperature: float = 1.0
    offset: float = 0.0

    def __call__(self, score: float) -> float:
        logit = float(_logits(np.array([score]))[0])
        return 1.0 / (1.0 + math.exp(-(logit / self.temperature + self.offset)))

    def inverse(self, probability: float) -> float:
        """Return the score that the curve takes to a probability."""
        logit = float(_logits(np.array([probability]))[0])
        return 1.0 / (1.0 + math.exp(-(logit - self.offset) * self.temperature))


def fit(scores: Sequence[float], right: Sequence[bool]) -> Curve:
    """Return the curve under which the answers are likeliest; the identity where there are none.

    Newton's method on a logistic regression, held to the identity by a ridge, so that it exists where all are right.
    """
    weights = np.array([1.0, 0.0])
    rows = np.stack([_logits(np.array(scores, dtype=np.float64)), np.ones(len(scores))], 1)  # (N, 2)
    truth = np.array(right, dtype=np.float64)
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-rows @ weights))
        gradient = rows.T @ (probability - truth) + _RIDGE * (weights - [1.0, 0.0])
        hessian = (rows * (probability * (1 - probability))[:, None]).T @ rows + _RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step / max(1.0, float(np.abs(step).max()))
    slope = max(float(weights[0]), 0.05)  # a curve that falls would turn the order of answers round
    return Curve(1.0 / slope, float(weights[1]))


def expected_error(scores: Sequence[float], right: Sequence[bool]) -> float:
    """Return the expected calibration error: how far scores are from shares of right answers, in bins of width 0.1."""
    if not len(scores):
        return 0.0
    given, truth = np.array(scores), np.array(right, dtype=np.float64)
    bins = np.minimum((given * NUM_BINS).astype(int), NUM_BINS - 1)
    gaps = np.bincount(bins, truth - given, NUM_BINS)
    return float(np.abs(gaps).sum() / len(given))


def reliability(scores: Sequence[float], right: Sequence[bool]) -> list[tuple[int, int]]:
    """Return the numbers of answers and of right ones among them, by score in bins of width 0.1."""
    bins = np.minimum((np.array(scores) * NUM_BINS).astype(int), NUM_BINS - 1)
    every = np.bincount(bins, minlength=NUM_BINS)
    good = np.bincount(bins, np.array(right, dtype=np.float64), NUM_BINS)
    return list(zip(every.tolist(), map(int, good.tolist()), strict=True))


def _logits(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(scores, _LEAST, 1 - _LEAST)
    return np.log(clipped / (1 - clipped))
