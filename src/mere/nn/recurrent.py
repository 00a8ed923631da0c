"""A bidirectional LSTM over padded batches: each row is reversed within its own length, never packed.

Packing sorts, copies and cannot be exported; two plain LSTMs and one gather are faster on a CPU and give the
same numbers (tests/nn/test_encoders.py holds them to `pack_padded_sequence`).
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.nn.dropout import SharedDropout


def reversal(is_piece: Bool[Tensor, "B P"]) -> Int[Tensor, "B P"]:
    """Return for each place the place that holds its mirror image within the row's length; padding stays."""
    length = is_piece.sum(-1, keepdim=True)  # (B, 1)
    place = torch.arange(is_piece.shape[1], device=is_piece.device).expand(is_piece.shape)
    return torch.where(is_piece, length - 1 - place, place)


class BiLSTM(nn.Module):
    """`layers` layers of a forward and a backward LSTM, each of width dim / 2, their outputs concatenated."""

    def __init__(self, *, input_dim: int, dim: int, layers: int, dropout: float):
        super().__init__()
        widths = [input_dim, *[dim] * (layers - 1)]
        self.forwards = nn.ModuleList(nn.LSTM(width, dim // 2, batch_first=True) for width in widths)
        self.backwards = nn.ModuleList(nn.LSTM(width, dim // 2, batch_first=True) for width in widths)
        self.dropout = SharedDropout(dropout)

    def forward(self, x: Float[Tensor, "B P E"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        mirror = reversal(is_piece).unsqueeze(-1)
        for index, (left_to_right, right_to_left) in enumerate(
            zip(self.forwards, self.backwards, strict=True)
        ):
            if index:
                x = self.dropout(x)
            ahead = left_to_right(x)[0]
            back = right_to_left(x.gather(1, mirror.expand(-1, -1, x.shape[-1])))[0]
            x = torch.cat([ahead, back.gather(1, mirror.expand(-1, -1, back.shape[-1]))], -1)
        return x
