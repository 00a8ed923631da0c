"""Objectives that are losses: one backward, no gradient per language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mere.training.objectives.base import LossObjective


class Sum(LossObjective):
    """Plain mixing: L = Σ_k L_k over the languages in the batch."""

    def loss(self, losses: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        return torch.stack(list(losses.values())).sum()


class Uncertainty(LossObjective):
    """Uncertainty weighting: each loss is divided by a learned variance (Kendall, Gal and Cipolla 2018, §3.2).

        s_k = log σ_k²      L = Σ_k exp(-s_k) L_k + s_k / 2

    The form for likelihoods of classes; a loss that stays high earns a high variance and weighs less. At its optimum
    exp(-s_k) = 1 / (2 L_k): every language's loss then counts by its relative, not its absolute, change. The
    log-variances (L,), one per language of the run, begin at 0, which is the plain sum.

    A language that is not in the batch adds nothing, its s_k included.
    """

    def __init__(self, languages: Sequence[str]):
        super().__init__(languages)
        self.log_variance = nn.Parameter(torch.zeros(len(self.languages)))

    def loss(self, losses: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        values = torch.stack(list(losses.values()))  # (K,)
        s = self.log_variance.to(values.device)[self.places(list(losses))]
        return ((-s).exp() * values + s / 2).sum()

    def parameters(self) -> dict[str, nn.Parameter]:
        return {"log_variance": self.log_variance}

    def state_dict(self) -> dict[str, Tensor]:
        return {"log_variance": self.log_variance.detach().clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            self.log_variance.copy_(state["log_variance"])
