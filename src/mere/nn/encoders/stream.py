"""Encoders over the stream of a sentence's bytes (METHOD §2; Mueller et al. 2020, appendix).

ByteStreamEncoder    CharNER's: a deep BiLSTM over the whole sentence (Kuru et al. 2016)
BytesEncoder         byte-to-span's: a vector per byte; what reads windows gives context (Gillick et al. 2016)
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.nn.dropout import SharedDropout
from mere.nn.encoders.base import Encoder
from mere.nn.encoders.words import NUM_BYTES
from mere.nn.recurrent import BiLSTM


class ByteStreamEncoder(Encoder):
    """A vector per byte, in the context of the whole sentence.

    Args: those of `mere.config.ByteStreamSettings`.
    """

    def __init__(self, *, byte_dim: int, dim: int, layers: int, dropout: float, byte_dropout: float):
        super().__init__()
        self.dim = dim
        self.byte_dropout = byte_dropout
        self.table = nn.Embedding(NUM_BYTES, byte_dim, padding_idx=0)
        self.context = BiLSTM(input_dim=byte_dim, dim=dim, layers=layers, dropout=dropout)
        self.dropout = SharedDropout(dropout)

    def forward(self, pieces: Int[Tensor, "B P F"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        text = _some_hidden(pieces[..., 0], self.byte_dropout if self.training else 0.0)
        return self.dropout(self.context(self.table(text), is_piece))


class BytesEncoder(Encoder):
    """A vector per byte, the same wherever the byte stands.

    Args: those of `mere.config.BytesSettings`.
    """

    def __init__(self, *, dim: int, byte_dropout: float):
        super().__init__()
        self.dim = dim
        self.byte_dropout = byte_dropout
        self.table = nn.Embedding(NUM_BYTES, dim, padding_idx=0)

    def forward(self, pieces: Int[Tensor, "B P F"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        return self.table(_some_hidden(pieces[..., 0], self.byte_dropout if self.training else 0.0))


def _some_hidden(text: Int[Tensor, "B P"], p: float) -> Int[Tensor, "B P"]:
    """Put the symbol for a hidden byte in the place of each byte with probability `p`; padding stays."""
    if not p:
        return text
    hidden = torch.rand(text.shape, device=text.device) < p
    return torch.where(hidden & (text > 0), NUM_BYTES - 1, text)
