"""Byte-to-span's two LSTMs: one reads a window, the other writes its entities (Gillick et al. 2016; METHOD §2).

    V -> vectors of a window's places     M -> what is kept of each     y -> symbols: (start, length, type)* STOP

The writer begins with the reader's last state. With `pointer`, what is kept of a place also scores it as the start
of an entity and as its last piece, and the writer sees a mixture of the places (Vinyals et al. 2015).
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mere.data.windows import Symbols
from mere.nn.dropout import SharedDropout

State = tuple[Tensor, Tensor]
"""An LSTM's hidden and cell state, each (layers, N, H)."""


class SpanWriter(nn.Module):
    """Reads windows and scores the symbol of each step.

    Args:
        dim: width D of a place's vector. hidden: width H of both LSTMs. layers: of each.
        dropout: between layers and before the output.
    """

    def __init__(
        self, *, dim: int, hidden: int, layers: int, symbols: Symbols, dropout: float, pointer: bool
    ):
        super().__init__()
        self.symbols = symbols
        between = dropout if layers > 1 else 0.0
        self.reader = nn.LSTM(dim, hidden, layers, batch_first=True, dropout=between)
        self.table = nn.Embedding(len(symbols), hidden)
        self.writer = nn.LSTM(hidden, hidden, layers, batch_first=True, dropout=between)
        self.dropout = SharedDropout(dropout)
        self.out = nn.Linear(2 * hidden if pointer else hidden, len(symbols))
        self.keep = nn.Linear(dim + hidden, hidden) if pointer else None
        self.point = nn.Linear(hidden, 2 * hidden) if pointer else None
        self.register_buffer("may_write", torch.from_numpy(symbols.by_step), persistent=False)
        self.may_write: Tensor

    def read(self, window: Float[Tensor, "N W D"]) -> tuple[Float[Tensor, "N W H"], State]:
        """Return what is kept of each place, and the state to write from; padding comes first and is zeros."""
        states, last = self.reader(_as_autocast(window))
        if self.keep is None:
            return states, last
        return torch.tanh(self.keep(torch.cat([window, states], -1))), last

    def write(
        self,
        before: Int[Tensor, "N S"],
        step: int,
        kept: Float[Tensor, "N W H"],
        state: State,
    ) -> tuple[Float[Tensor, "N S Y"], State]:
        """Return the score of each symbol at each step, -inf for one of the wrong kind, and the state after.

        Args:
            before: the symbol written before each step; STOP before the first. step: number of the first one.
        """
        written, state = self.writer(_as_autocast(self.table(before)), state)
        written = self.dropout(written)
        if self.point is None:
            scores = self.out(written)
        else:
            as_start, as_last = self._pointed_at(written, kept)  # (N, S, W)
            mixture = (as_start + as_last).softmax(-1) @ kept  # (N, S, H)
            none = written.new_zeros(*before.shape, 1)
            pointed = [
                none,
                as_start,
                _by_length(as_last, before),
                none.expand(-1, -1, self.symbols.num_types),
            ]
            scores = self.out(torch.cat([written, mixture], -1)) + torch.cat(pointed, -1)
        steps = torch.arange(step, step + before.shape[1], device=before.device) % 3
        return scores.float().masked_fill(~self.may_write[steps], -float("inf")), state

    def _pointed_at(
        self, written: Float[Tensor, "N S H"], kept: Float[Tensor, "N W H"]
    ) -> tuple[Float[Tensor, "N S W"], Float[Tensor, "N S W"]]:
        """Return the score of each place as the first of an entity and as the last."""
        assert self.point is not None
        queries = self.point(written).chunk(2, -1)
        keys = kept.transpose(1, 2) * kept.shape[-1] ** -0.5
        return queries[0] @ keys, queries[1] @ keys


def _as_autocast(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return x in the precision of autocast: PyTorch's LSTM does not cast on CPUs that lack bf16, and fails."""
    device = x.device.type
    return x.to(torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else x


def _by_length(as_last: Float[Tensor, "N S W"], before: Int[Tensor, "N S"]) -> Float[Tensor, "N S W"]:
    """Return scores of the last place as scores of the length, where `before` is the start; -inf past the window."""
    window = as_last.shape[-1]
    place = torch.arange(window, device=before.device)
    last = (before - 1).clamp(0, window - 1).unsqueeze(-1) + place  # of length 1, 2, …
    by_length = as_last.gather(-1, last.clamp(max=window - 1))
    return by_length.masked_fill(last >= window, -float("inf"))
