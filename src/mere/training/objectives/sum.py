"""Plain mixing: the sum of the languages' losses. One backward, no gradient per language."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from mere.training.objectives.base import LossObjective


class Sum(LossObjective):
    """L = Σ_k L_k over the languages in the batch."""

    def loss(self, losses: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        return torch.stack(list(losses.values())).sum()
