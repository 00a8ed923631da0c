"""Which languages to add for a language: ranked without training, and checked against what training showed.

Two predictors of what a donor D does for a target L, both from one shared model: the overlap of their top sets by
Fisher information, and the cosine of their gradients. A language's donors are compared with each other only, so
each predictor is standardised within the target; the recommendation is the mean of both. Where the transfer
matrix was measured, Spearman's rank correlation with the measured gain says what the recommendation is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

Scores = Mapping[tuple[str, str], float]
"""(donor, target) -> how good; NaN where it is not known."""

PERMUTATIONS = 5000


@dataclass(frozen=True)
class Check:
    """How well a predictor ranks donors.

    Args:
        by_target: Spearman's rho over the target's donors; NaN with fewer than three or without any spread.
        rho: the mean over targets. p: share of shuffles of the gains within targets with a mean as large.
    """

    by_target: dict[str, float]
    rho: float
    p: float

    def to_json(self) -> dict[str, Any]:
        return vars(self)


@dataclass(frozen=True)
class Recommendation:
    """Donors of each target, best first, with the combined score; and the checks by predictor, if gains are known."""

    donors: dict[str, list[tuple[str, float]]]
    predictors: dict[str, Scores]
    gains: Scores
    checks: dict[str, Check]

    def to_json(self) -> dict[str, Any]:
        return {
            "donors": {target: [donor for donor, _ in ranked] for target, ranked in self.donors.items()},
            "predictors": {name: _by_name(scores) for name, scores in self.predictors.items()},
            "gains": _by_name(self.gains),
            "spearman": {name: check.to_json() for name, check in self.checks.items()},
        }


def recommend(
    languages: Sequence[str],
    predictors: Mapping[str, Scores],
    gains: Scores | None = None,
    *,
    seed: int = 0,
) -> Recommendation:
    """Rank the donors of every language.

    Args:
        predictors: name -> scores of every ordered pair, the larger the better.
        gains: measured, if they are. seed: of the permutation test.
    """
    combined: dict[tuple[str, str], float] = {}
    for target in languages:
        others = [lang for lang in languages if lang != target]
        standard = [_standardised([scores[d, target] for d in others]) for scores in predictors.values()]
        for place, donor in enumerate(others):
            combined[donor, target] = float(np.mean([values[place] for values in standard]))
    donors = {
        target: sorted(
            ((d, combined[d, target]) for d in languages if d != target), key=lambda pair: -pair[1]
        )
        for target in languages
    }
    every = {**predictors, "both": combined}
    known = gains or {}
    checks = (
        {name: check(languages, scores, known, seed=seed) for name, scores in every.items()} if known else {}
    )
    return Recommendation(donors, every, known, checks)


def check(languages: Sequence[str], scores: Scores, gains: Scores, *, seed: int = 0) -> Check:
    """Correlate a predictor with the measured gains, target by target."""
    rows: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for target in languages:
        pairs = [
            (d, target) for d in languages if d != target and np.isfinite(gains.get((d, target), np.nan))
        ]
        rows[target] = (np.array([scores[p] for p in pairs]), np.array([gains[p] for p in pairs]))
    found = {target: spearman(x, y) for target, (x, y) in rows.items()}
    measured = [target for target, rho in found.items() if np.isfinite(rho)]
    if not measured:
        return Check(found, float("nan"), float("nan"))
    rho = float(np.mean([found[target] for target in measured]))
    rng = np.random.default_rng(seed)
    ranked = [(ranks(rows[target][0]), ranks(rows[target][1])) for target in measured]
    shuffled = np.mean([_shuffled(x, y, rng) for x, y in ranked], axis=0)
    reached = int((shuffled >= rho - 1e-12).sum())
    return Check(found, rho, (1 + reached) / (1 + PERMUTATIONS))


def _shuffled(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, " P"]:
    """Return the correlations of x with y in random orders."""
    orders = rng.permuted(np.tile(y, (PERMUTATIONS, 1)), axis=1)
    a, b = x - x.mean(), orders - y.mean()
    return b @ a / np.sqrt((a @ a) * np.square(b[0]).sum())


def spearman(x: Float[np.ndarray, " N"], y: Float[np.ndarray, " N"]) -> float:
    """Return the rank correlation, ties by their mean rank; NaN with fewer than three or without any spread."""
    return _pearson(ranks(x), ranks(y)) if len(x) > 2 else float("nan")


def ranks(values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[place]


def _pearson(x: np.ndarray, y: np.ndarray) -> float:
    a, b = x - x.mean(), y - y.mean()
    length = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / length) if length > 0 else float("nan")


def _standardised(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    spread = array.std()
    return (array - array.mean()) / spread if spread > 0 else np.zeros_like(array)


def _by_name(scores: Scores) -> dict[str, float]:
    return {f"{donor} -> {target}": value for (donor, target), value in scores.items()}
