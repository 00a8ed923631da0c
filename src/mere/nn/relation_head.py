"""The relation head (box "Relation", METHOD §1): which relations does the sentence state?

    V -> refined pieces      A -> each relation's attention      S -> what it read
    p(r | x) = sigmoid(w_r · S_r + b_r)

Multi-label: a sentence may state none, one or several. Each relation looks for its own evidence.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mere.nn.dropout import SharedDropout


class RelationHead(nn.Module):
    """Attention pooling by one query per relation, then one logit per relation."""

    def __init__(self, *, dim: int, num_relations: int, dropout: float):
        super().__init__()
        self.dropout = SharedDropout(dropout)
        self.key = nn.Linear(dim, dim // 2)
        self.query = nn.Parameter(torch.randn(num_relations, dim // 2) * (dim // 2) ** -0.5)
        self.weight = nn.Parameter(torch.randn(num_relations, dim) * dim**-0.5)
        self.bias = nn.Parameter(torch.full((num_relations,), -2.0))

    def forward(
        self, refined: Float[Tensor, "B P D"], is_piece: Bool[Tensor, "B P"]
    ) -> tuple[Float[Tensor, "B R"], Float[Tensor, "B R D"]]:
        """Return the logit of each relation and the sentence as that relation reads it."""
        refined = self.dropout(refined)
        scores = self.query @ torch.tanh(self.key(refined)).transpose(1, 2)  # (B, R, P)
        attention = (scores.float() + (~is_piece)[:, None] * -1e4).softmax(-1).to(refined.dtype)
        read = attention @ refined  # (B, R, D)
        return (read * self.weight).sum(-1) + self.bias, read
