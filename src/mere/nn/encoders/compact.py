"""The compact encoder (box "Encoder", METHOD §1): hashed features of units, then a context over the sentence.

F -> feature ids of a unit      X -> its vector before context      H -> its vector in context
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.data.features import SLOTS
from mere.nn.dropout import SharedDropout
from mere.nn.encoders.base import UnitEncoder
from mere.nn.recurrent import BiLSTM
from mere.nn.transformer import Transformer


class UnitEmbedding(nn.Module):
    """Embed a unit from its hashed features: form, affixes, character n-grams and shape, one group each.

    A group is the sum of its rows over the root of their number; the four groups are concatenated and mixed.
    In training the form and the n-grams of a unit are hidden with probability `unit_dropout`, so that
    the model learns to read names it has never seen from their context and shape.
    """

    def __init__(self, *, rows: int, row_dim: int, dim: int, dropout: float, unit_dropout: float):
        super().__init__()
        self.unit_dropout = unit_dropout
        self.table = nn.Embedding(rows, row_dim, padding_idx=0)
        nn.init.normal_(self.table.weight, std=0.1)
        with torch.no_grad():
            self.table.weight[0].zero_()
        self.mix = nn.Linear(4 * row_dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.dropout = SharedDropout(dropout)

    def forward(self, pieces: Int[Tensor, "B P F"], *, whole: bool = False) -> Float[Tensor, "B P D"]:
        """Return the units' vectors; `whole` hides nothing."""
        rows = self.table(pieces)  # (B, P, F, row_dim)
        widths = [slots.stop - slots.start for slots in SLOTS]
        is_feature = torch.split((pieces != 0).to(rows.dtype), widths, -1)
        groups = []
        for group_rows, is_there, hides in zip(
            torch.split(rows, widths, -2), is_feature, (True, False, True, False), strict=True
        ):
            group = group_rows.sum(-2) * is_there.sum(-1, keepdim=True).clamp(min=1).rsqrt()
            if hides and self.training and self.unit_dropout and not whole:
                shown = torch.rand(group.shape[:2], device=group.device) >= self.unit_dropout
                group = group * shown.unsqueeze(-1)
            groups.append(group)
        return self.dropout(self.norm(nn.functional.gelu(self.mix(torch.cat(groups, -1)))))


class CompactEncoder(UnitEncoder):
    """Hashed unit features and a BiLSTM or a small Transformer over them. From scratch, no download.

    Args:
        context: "bilstm" (half of `dim` per direction) or "transformer".
        rows, row_dim: the hash table; dim: the output width D; layers: context layers.
    """

    def __init__(
        self,
        *,
        context: str,
        rows: int,
        row_dim: int,
        dim: int,
        layers: int,
        dropout: float,
        unit_dropout: float,
    ):
        super().__init__()
        self.dim = dim
        self.unit_dim = dim // 2
        self.embedding = UnitEmbedding(
            rows=rows, row_dim=row_dim, dim=self.unit_dim, dropout=dropout, unit_dropout=unit_dropout
        )
        if context == "bilstm":
            self.context: nn.Module = BiLSTM(input_dim=dim // 2, dim=dim, layers=layers, dropout=dropout)
        else:
            self.context = Transformer(input_dim=dim // 2, dim=dim, layers=layers, heads=8, dropout=dropout)
        self.dropout = SharedDropout(dropout)

    def layers(self) -> dict[str, nn.Module]:
        if not isinstance(self.context, Transformer):
            return {}
        return {f"context.blocks.{index}": block for index, block in enumerate(self.context.blocks)}

    def forward(self, pieces: Int[Tensor, "B P F"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        return self.in_context(self.embedding(pieces), is_piece)

    def in_context(
        self, vectors: Float[Tensor, "B P E"], is_piece: Bool[Tensor, "B P"]
    ) -> Float[Tensor, "B P D"]:
        return self.dropout(self.context(vectors, is_piece))

    def units(self, pieces: Int[Tensor, "K F"]) -> Float[Tensor, "K E"]:
        return self.embedding(pieces.unsqueeze(0), whole=True).squeeze(0)
