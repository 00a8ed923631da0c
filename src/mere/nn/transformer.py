"""Pre-norm Transformer blocks with rotary positions inside a sentence and none between sentences.

Used twice: as a context of the compact encoder, and as the aggregator over concatenated sentences.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mere.nn.dropout import SharedDropout


class Block(nn.Module):
    """Self-attention and a feed-forward layer, each normalised first and added to its input.

    With `identity_start` both write zeros at first, so that the block begins as the identity.
    """

    def __init__(self, *, dim: int, heads: int, dropout: float, identity_start: bool):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.attention_out = nn.Linear(dim, dim)
        self.feed_norm = nn.LayerNorm(dim)
        self.feed_in = nn.Linear(dim, 2 * dim)
        self.feed_out = nn.Linear(2 * dim, dim)
        self.dropout = SharedDropout(dropout)
        if identity_start:
            for layer in (self.attention_out, self.feed_out):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(
        self,
        x: Float[Tensor, "G L D"],
        bias: Float[Tensor, "G #A #L L"],
        rotary: Float[Tensor, "G L E"] | None,
    ) -> Float[Tensor, "G L D"]:
        """`bias` is added to the attention scores: a large negative number where a query must not look."""
        groups, length, dim = x.shape
        qkv = self.qkv(self.attention_norm(x)).view(groups, length, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # (G, A, L, D / A) each
        if rotary is not None:
            query, key = rotate(query, rotary), rotate(key, rotary)
        # Written out: torch's fused attention is several times slower backwards on a CPU at these lengths.
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5  # (G, A, L, L)
        mixed = (scores.float() + bias).softmax(-1).to(value.dtype) @ value  # (G, A, L, D / A)
        x = x + self.dropout(self.attention_out(mixed.transpose(1, 2).reshape(groups, length, dim)))
        return x + self.dropout(self.feed_out(nn.functional.gelu(self.feed_in(self.feed_norm(x)))))


def rotate(x: Float[Tensor, "G A L E"], rotary: Float[Tensor, "G L E"]) -> Float[Tensor, "G A L E"]:
    """Turn the first and second half of each head by the angles of its position (RoFormer, section 3.2)."""
    cos, sin = rotary.cos().unsqueeze(1).to(x.dtype), rotary.sin().unsqueeze(1).to(x.dtype)
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


def angles(position: Float[Tensor, "G L"], head_dim: int) -> Float[Tensor, "G L E"]:
    """Return the rotary angles of each position, for heads of width `head_dim`."""
    rate = 10000 ** (-torch.arange(0, head_dim, 2, device=position.device) / head_dim)
    angle = position.unsqueeze(-1) * rate
    return torch.cat([angle, angle], -1)


def padding_bias(is_piece: Bool[Tensor, "G L"]) -> Float[Tensor, "G 1 1 L"]:
    """0 where a key is a piece, a large negative number where it is padding."""
    return (~is_piece)[:, None, None, :] * -1e4


class Transformer(nn.Module):
    """A stack of blocks over single sentences: the alternative to the BiLSTM in the compact encoder."""

    def __init__(self, *, input_dim: int, dim: int, layers: int, heads: int, dropout: float):
        super().__init__()
        self.head_dim = dim // heads
        self.widen = nn.Linear(input_dim, dim)
        self.blocks = nn.ModuleList(
            Block(dim=dim, heads=heads, dropout=dropout, identity_start=False) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Float[Tensor, "B P E"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        x = self.widen(x)
        place = torch.arange(x.shape[1], device=x.device, dtype=torch.float32).expand(x.shape[:2])
        rotary, bias = angles(place, self.head_dim), padding_bias(is_piece)
        for block in self.blocks:
            x = block(x, bias, rotary)
        return self.norm(x)
