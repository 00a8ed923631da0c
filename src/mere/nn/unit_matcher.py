"""The unit matcher: which unit stood where one is hidden?

Masked language modelling (Devlin et al. 2019) with no vocabulary to choose from, because hashed units have none:
the candidates are the batch's own hidden units, read by the embedding that the encoder reads all units by, and a
context must be nearest to its own (a contrastive loss; van den Oord et al. 2018).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

_LARGEST_SCALE = 100.0


class UnitMatcher(nn.Module):
    """Scaled cosine between what stands around a hidden unit and each candidate, both projected."""

    def __init__(self, *, dim: int, unit_dim: int):
        super().__init__()
        self.context = nn.Sequential(nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, unit_dim))
        self.unit = nn.Linear(unit_dim, unit_dim)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, contexts: Float[Tensor, "N D"], units: Float[Tensor, "K E"]) -> Float[Tensor, "N K"]:
        scale = self.log_scale.exp().clamp(max=_LARGEST_SCALE)
        contexts = nn.functional.normalize(self.context(contexts).float(), dim=-1)
        units = nn.functional.normalize(self.unit(units).float(), dim=-1)
        return scale * contexts @ units.T
