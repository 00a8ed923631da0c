"""Which languages help which: two predictors from one shared model, and how they rank donors beside measured gains.

The predictors of what a donor language does for a target are the overlap of their top sets by Fisher information and
the cosine of their gradients. Donors are compared within a target only, where the transfer matrix was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

PairScores = Mapping[tuple[str, str], float]
"""(donor, target) -> a score, the larger the better; NaN where it is not known."""


@dataclass(frozen=True)
class Donors:
    """Scores of every donor for every target.

    Args:
        predictors: name to scores. gains: measured; empty if transfer was not.
        correlations: predictor to target to Spearman's rho with the measured gain over the target's donors; NaN with
            fewer than three donors, or where all are equal.
    """

    languages: tuple[str, ...]
    predictors: dict[str, PairScores]
    gains: PairScores
    correlations: dict[str, dict[str, float]]

    def ranked(self, predictor: str, target: str) -> list[tuple[str, float]]:
        """Return the donors of a target with their scores, best first."""
        scores = self.predictors[predictor]
        found = [(donor, scores[donor, target]) for donor in self.languages if donor != target]
        return sorted(found, key=lambda pair: -pair[1])

    def mean_correlation(self, predictor: str) -> float:
        """Return the mean over targets; NaN where no target has one."""
        known = [rho for rho in self.correlations[predictor].values() if np.isfinite(rho)]
        return float(np.mean(known)) if known else float("nan")

    def to_json(self) -> dict[str, Any]:
        return {
            "predictors": {name: _by_name(scores) for name, scores in self.predictors.items()},
            "gains": _by_name(self.gains),
            "spearman": {
                name: {"mean": self.mean_correlation(name), "by_target": by_target}
                for name, by_target in self.correlations.items()
            },
        }


def compare_donors(
    languages: Sequence[str], predictors: Mapping[str, PairScores], gains: PairScores | None = None
) -> Donors:
    """Correlate the predictors with the measured gains, if there are any, target by target."""
    correlations = {}
    if gains:
        for name, scores in predictors.items():
            correlations[name] = {target: _spearman(languages, target, scores, gains) for target in languages}
    return Donors(tuple(languages), dict(predictors), gains or {}, correlations)


def _spearman(languages: Sequence[str], target: str, scores: PairScores, gains: PairScores) -> float:
    pairs = [(d, target) for d in languages if d != target and np.isfinite(gains.get((d, target), np.nan))]
    x, y = [scores[pair] for pair in pairs], [gains[pair] for pair in pairs]
    if len(set(x)) < 2 or len(set(y)) < 2 or len(pairs) < 3:
        return float("nan")
    return float(stats.spearmanr(x, y).statistic)


def _by_name(scores: PairScores) -> dict[str, float]:
    return {f"{donor} -> {target}": value for (donor, target), value in scores.items()}
