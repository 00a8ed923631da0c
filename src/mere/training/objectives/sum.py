"""Plain mixing: the sum of the languages' losses, or their mean. One backward, no gradient per language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from mere.errors import ConfigError, nearest
from mere.training.objectives.base import LossObjective

REDUCTIONS = ("sum", "mean")


class Sum(LossObjective):
    """L = Σ_k L_k, or that over K, the number of languages in the batch.

    Args:
        reduction: "sum" or "mean".
    """

    def __init__(self, languages: Sequence[str], *, reduction: str = "sum"):
        super().__init__(languages)
        if reduction not in REDUCTIONS:
            raise ConfigError(
                f'objective sum: unknown reduction "{reduction}", expected sum or mean.'
                f"{nearest(reduction, REDUCTIONS)}"
            )
        self.reduction = reduction

    def loss(self, losses: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        total = torch.stack(list(losses.values())).sum()
        return total / len(losses) if self.reduction == "mean" else total
