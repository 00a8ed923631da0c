"""The byte CRF's encoder (Mueller et al. 2020, appendix; METHOD §2): words out of their bytes, then their context.

F -> bytes of a word, then a flag      W -> the word's vector      H -> its vector in the sentence
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.nn.dropout import SharedDropout
from mere.nn.encoders.base import UnitEncoder
from mere.nn.recurrent import BiLSTM, reversal

NUM_BYTES = 258
"""0 is padding, b + 1 stands for byte b, 257 for a hidden one."""


class WordReader(nn.Module):
    """A BiLSTM over a word's bytes: the final states of all its layers and directions, concatenated.

    Every distinct word of a batch is read once.
    """

    def __init__(self, *, byte_dim: int, dim: int, layers: int):
        super().__init__()
        self.table = nn.Embedding(NUM_BYTES, byte_dim, padding_idx=0)
        widths = [byte_dim, *[dim] * (layers - 1)]
        self.forwards = nn.ModuleList(nn.LSTM(width, dim // 2, batch_first=True) for width in widths)
        self.backwards = nn.ModuleList(nn.LSTM(width, dim // 2, batch_first=True) for width in widths)
        self.dim = dim * layers

    def forward(self, words: Int[Tensor, "W L"]) -> Float[Tensor, "W E"]:
        is_byte = words != 0
        length = is_byte.sum(1)
        words = words[:, : max(1, int(length.max()))]
        is_byte = is_byte[:, : words.shape[1]]
        last = (length - 1).clamp(min=0)[:, None, None]
        mirror = reversal(is_byte).unsqueeze(-1)
        x, finals = self.table(words), []
        for left_to_right, right_to_left in zip(self.forwards, self.backwards, strict=True):
            ahead = left_to_right(x)[0]
            back = right_to_left(x.gather(1, mirror.expand(-1, -1, x.shape[-1])))[0]
            finals += [s.gather(1, last.expand(-1, 1, s.shape[-1])).squeeze(1) for s in (ahead, back)]
            x = torch.cat([ahead, back.gather(1, mirror.expand(-1, -1, back.shape[-1]))], -1)
        return torch.cat(finals, -1)


class ByteWordsEncoder(UnitEncoder):
    """Words from their bytes, then a BiLSTM over the sentence. One vocabulary of 256 bytes, any script.

    Args: those of `mere.config.ByteWordsSettings`.
    """

    def __init__(
        self,
        *,
        width: int,
        byte_dim: int,
        word_dim: int,
        word_layers: int,
        dim: int,
        layers: int,
        dropout: float,
        byte_dropout: float,
    ):
        super().__init__()
        self.dim = dim
        self.byte_dropout = byte_dropout
        self.word = WordReader(byte_dim=byte_dim, dim=word_dim, layers=word_layers)
        self.glue = nn.Embedding(3, 8, padding_idx=0)
        self.context = BiLSTM(input_dim=self.word.dim + 8, dim=dim, layers=layers, dropout=dropout)
        self.dropout = SharedDropout(dropout)

    def forward(self, pieces: Int[Tensor, "B P F"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        if self.training and self.byte_dropout:
            words, glue = pieces[..., :-1], pieces[..., -1]
            hidden = torch.rand(words.shape, device=words.device) < self.byte_dropout
            words = torch.where(hidden & (words > 0), NUM_BYTES - 1, words)
            vectors = self.word(words[is_piece])
            places = torch.zeros(is_piece.shape, dtype=torch.long, device=words.device)
            places[is_piece] = torch.arange(len(vectors), device=words.device)
            return self.in_context(self._glued(vectors[places], glue), is_piece)
        distinct, places = torch.unique(pieces.flatten(0, 1), dim=0, return_inverse=True)
        return self.in_context(self.units(distinct)[places.view(is_piece.shape)], is_piece)

    def units(self, pieces: Int[Tensor, "K F"]) -> Float[Tensor, "K E"]:
        return self._glued(self.word(pieces[:, :-1]), pieces[:, -1])

    def in_context(
        self, vectors: Float[Tensor, "B P E"], is_piece: Bool[Tensor, "B P"]
    ) -> Float[Tensor, "B P D"]:
        return self.dropout(self.context(self.dropout(vectors), is_piece))

    def _glued(self, words: Float[Tensor, "*B W"], glue: Int[Tensor, "*B"]) -> Float[Tensor, "*B E"]:
        return torch.cat([words, self.glue(glue).to(words.dtype)], -1)
