"""The pair scorer (box "Pairs", METHOD §1): does this subject stand in this relation to this object?

Joins the spans where a relation has several subjects or objects, and weighs every triple. A span is its first
and its last piece; the score is one hidden layer over four pieces and the relation.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class PairScorer(nn.Module):
    """One logit per (sentence, relation, subject span, object span)."""

    def __init__(self, *, dim: int, hidden: int, num_relations: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.edges = nn.Linear(dim, 4 * hidden)  # subject's first and last piece, object's first and last
        self.relation = nn.Embedding(num_relations, hidden)
        self.read = nn.Linear(dim, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(
        self,
        refined: Float[Tensor, "B P D"],
        read: Float[Tensor, "B R D"],
        row: Int[Tensor, " M"],
        relation: Int[Tensor, " M"],
        spans: Int[Tensor, "M 4"],
    ) -> Float[Tensor, " M"]:
        """Score pairs; `spans` holds start_piece and end_piece of the subject, then of the object."""
        edges = self.edges(self.dropout(refined)).unflatten(-1, (4, -1))  # (B, P, 4, hidden)
        last = torch.tensor([0, 1, 0, 1], device=spans.device)
        corner = torch.arange(4, device=spans.device)
        picked = edges[row[:, None], spans - last, corner].sum(1)  # (M, hidden)
        hidden = picked + self.relation(relation) + self.read(self.dropout(read[row, relation]))
        return self.out(self.dropout(nn.functional.gelu(hidden))).squeeze(-1)
