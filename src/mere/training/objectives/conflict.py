"""Do the languages' gradients pull apart, and in which module? Counted over steps, from Gram matrices at hand.

    cosine -> g_i · g_j / |g_i| |g_j|      conflicting -> share of steps with a cosine below 0
    magnitude similarity -> 2 |g_i| |g_j| / (|g_i|² + |g_j|²), 1 when equally long      (Yu et al. 2020, §2)

Only shared parameters count (see `Gradients`), and a pair counts in the steps and modules in which both its
languages have a gradient. One tracker per window of steps gives a curve over training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mere.training.objectives.gradients import Gradients

STATISTICS = ("cosine", "conflicting", "magnitude_similarity")


def pair_statistics(gram: Float[np.ndarray, "K K"]) -> dict[str, Float[np.ndarray, "K K"]]:
    """Return each statistic of every pair; NaN on the diagonal and where a gradient is zero."""
    squares = gram.diagonal()
    is_pair = (squares[:, None] > 0) & (squares[None, :] > 0) & ~np.eye(len(gram), dtype=bool)
    lengths = np.sqrt(squares)
    product = np.where(is_pair, lengths[:, None] * lengths[None, :], np.nan)
    return {
        "cosine": np.clip(gram / product, -1, 1),
        "conflicting": np.where(is_pair, (gram < 0).astype(float), np.nan),
        "magnitude_similarity": 2 * product / np.where(is_pair, squares[:, None] + squares[None, :], np.nan),
    }


class ConflictTracker:
    """Running means over steps of `pair_statistics`, for "all" and for each group.

    Args:
        languages: the L languages of the run, in the order of rows and columns.
    """

    def __init__(self, languages: Sequence[str]):
        self.languages = tuple(languages)
        self.steps: dict[str, Float[np.ndarray, "L L"]] = {}
        self.means: dict[str, dict[str, Float[np.ndarray, "L L"]]] = {}

    def update(self, gradients: Gradients) -> None:
        """Count one step. Costs K² numbers per group: the Gram matrices are the objective's."""
        places = [self.languages.index(lang) for lang in gradients.languages]
        for group, gram in {"all": gradients.total, **gradients.by_group}.items():
            size = (len(self.languages),) * 2
            steps = self.steps.setdefault(group, np.zeros(size))
            means = self.means.setdefault(group, {name: np.zeros(size) for name in STATISTICS})
            found = pair_statistics(gram)
            for i, place in enumerate(places):
                for j, other in enumerate(places):
                    if np.isnan(found["cosine"][i, j]):
                        continue
                    steps[place, other] += 1
                    for name in STATISTICS:
                        mean = means[name]
                        mean[place, other] += (found[name][i, j] - mean[place, other]) / steps[place, other]

    def to_json(self) -> dict[str, Any]:
        """Return the figures: per group the matrices (null where a pair never met), and their means over pairs.

        `mean_cosine` and `share_conflicting` weigh every pair by its steps; null where no pair met.
        """
        groups = {}
        for group, steps in self.steps.items():
            met = steps.sum()
            groups[group] = {
                "steps": steps.astype(int).tolist(),
                "mean_cosine": float((steps * self.means[group]["cosine"]).sum() / met) if met else None,
                "share_conflicting": float((steps * self.means[group]["conflicting"]).sum() / met)
                if met
                else None,
                **{name: _or_null(self.means[group][name], steps) for name in STATISTICS},
            }
        return {"languages": list(self.languages), "groups": groups}

    def state_dict(self) -> dict[str, Tensor]:
        """Return counts and means as named tensors, (4, L, L) per group, for an exact resume."""
        return {
            group: torch.tensor(np.stack([steps, *(self.means[group][name] for name in STATISTICS)]))
            for group, steps in self.steps.items()
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` returned."""
        arrays = {group: tensor.double().cpu().numpy().copy() for group, tensor in state.items()}
        self.steps = {group: array[0] for group, array in arrays.items()}
        self.means = {group: dict(zip(STATISTICS, array[1:], strict=True)) for group, array in arrays.items()}


def _or_null(mean: Float[np.ndarray, "L L"], steps: Float[np.ndarray, "L L"]) -> list[list[float | None]]:
    return [
        [float(value) if count else None for value, count in zip(values, counts, strict=True)]
        for values, counts in zip(mean, steps, strict=True)
    ]
