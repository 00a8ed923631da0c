"""The language-universal aggregator, LA (box "Aggregator", METHOD §1 stage 1; mERE, arXiv 2301.04434).

    H -> encoded pieces of each sentence      U -> aggregated: pieces that have seen the other sentences

Sentences that stand in groups of m, in different languages, attend across their borders; a learned bias per
head tells a piece which keys are its own sentence's. It begins as the identity, and a sentence that stands
alone (m = 1, as at inference) takes the same path: there the bias is constant and changes nothing.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mere.nn.transformer import Block, angles, padding_bias


class Aggregator(nn.Module):
    """Transformer blocks over m concatenated sentences.

    Args:
        dim: width D. layers: number of blocks; 0 makes the aggregator the identity. heads: must divide D.
        across_sentences: False blocks attention between sentences, for the ablation.
    """

    def __init__(self, *, dim: int, layers: int, heads: int, dropout: float, across_sentences: bool):
        super().__init__()
        self.head_dim = dim // heads
        self.across_sentences = across_sentences
        self.own_sentence = nn.Parameter(torch.ones(layers, heads))
        self.blocks = nn.ModuleList(
            Block(dim=dim, heads=heads, dropout=dropout, identity_start=True) for _ in range(layers)
        )

    def forward(
        self, encoded: Float[Tensor, "B P D"], is_piece: Bool[Tensor, "B P"], group_size: int
    ) -> Float[Tensor, "B P D"]:
        """Aggregate; rows g*m … g*m+m-1 are one group of m = `group_size` sentences (m divides B).

        With m = 0, and without blocks, this is the identity.
        """
        if not self.blocks or not group_size:
            return encoded
        rows, length, dim = encoded.shape
        m = group_size if self.across_sentences else 1
        groups = rows // m
        x = encoded.reshape(groups, m * length, dim)
        bias = padding_bias(is_piece.reshape(groups, m * length))  # (G, 1, 1, m*P)
        place = torch.arange(length, device=x.device, dtype=torch.float32).repeat(m).expand(groups, -1)
        rotary = angles(place, self.head_dim)
        sentence = torch.arange(m, device=x.device).repeat_interleave(length)
        same_sentence = (sentence[:, None] == sentence[None, :]).float()  # (m*P, m*P)
        for block, weight in zip(self.blocks, self.own_sentence, strict=True):
            x = block(x, bias if m == 1 else bias + weight[:, None, None] * same_sentence, rotary)
        return x.reshape(rows, length, dim)
