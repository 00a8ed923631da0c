"""Gradient Vaccine: pairs of languages are brought up to the similarity they usually have (Wang et al. 2021).

    φ -> cosine of g_i' and g_j      φ̂ -> its target, a moving average per pair and group: φ̂ <- (1-β) φ̂ + β φ
    whenever φ < φ̂:  g_i' <- g_i' + |g_i'| (φ̂ √(1-φ²) - φ √(1-φ̂²)) / (|g_j| √(1-φ̂²)) g_j

The paper's method section and Algorithm 1. After a step the cosine is φ̂ exactly, in closed form; with φ̂ = 0 it
is PCGrad. The targets φ̂[i, j] are of (changed i, unchanged j) and so need not be symmetric. As for PCGrad, all
of it runs on the Gram matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mere.training.objectives.base import Gram, SurgeryObjective, Weights, random_orders

HIGHEST_TARGET = 0.999
"""Targets act as at most this: at 1 the formula divides by 0, and just below it g_j would drown g_i."""
VANISHED = 1e-6
"""A changed gradient with less than this share of its squared length is rounding noise and has no direction."""


class GradientVaccine(SurgeryObjective):
    """Cosine targets learned along the way, one per ordered pair of languages and group.

    Args:
        beta: share of the newest cosine in its target, which begins at 0; the paper's value is 0.01.
        scope: "group" keeps targets for each module, "model" one for all.
    """

    def __init__(self, languages: Sequence[str], *, beta: float = 0.01, scope: str = "group"):
        super().__init__(languages, scope=scope)
        self.beta = beta
        self.targets: dict[str, Float[np.ndarray, "L L"]] = {}

    def weights(
        self, gram: Gram, languages: tuple[str, ...], group: str, rng: np.random.Generator
    ) -> Weights:
        if group not in self.targets:
            self.targets[group] = np.zeros((len(self.languages),) * 2)
        here = np.ix_(*[self.places(languages)] * 2)
        targets = self.targets[group][here]
        coefficients, cosines = vaccinations(gram, targets, random_orders(languages, rng))
        measured = np.isfinite(cosines)
        targets[measured] += self.beta * (cosines[measured] - targets[measured])
        self.targets[group][here] = targets
        return coefficients.sum(0)

    def state_dict(self) -> dict[str, Tensor]:
        return {f"target.{group}": torch.tensor(targets) for group, targets in self.targets.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.targets = {
            name.removeprefix("target."): targets.double().cpu().numpy().copy()
            for name, targets in state.items()
        }


def vaccinations(
    gram: Float[np.ndarray, "K K"], targets: Float[np.ndarray, "K K"], orders: Sequence[Sequence[int]]
) -> tuple[Float[np.ndarray, "K K"], Float[np.ndarray, "K K"]]:
    """Return C as in `projections`, and each pair's cosine as it was met; NaN where there was none."""
    coefficients = np.eye(len(gram))
    cosines = np.full(gram.shape, np.nan)
    for i, order in enumerate(orders):
        row = coefficients[i]
        for j in order:
            square = row @ gram @ row
            if square <= VANISHED * gram[i, i]:
                continue
            ratio = np.sqrt(square / gram[j, j])  # |g_i'| / |g_j|
            cosine = np.clip(row @ gram[:, j] / (ratio * gram[j, j]), -1, 1)
            cosines[i, j] = cosine
            target = min(targets[i, j], HIGHEST_TARGET)
            if cosine < target:
                row[j] += ratio * (target * np.sqrt((1 - cosine**2) / (1 - target**2)) - cosine)
    return coefficients, cosines
