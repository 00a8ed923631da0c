"""Byte-to-span's decoder (Gillick et al. 2016; Mueller et al. 2020, section 3; METHOD §2): entities are written.

    cut      windows of the pieces, by what the encoder says of each
    read     one LSTM reads a window
    write    another writes (start, length, type)* STOP, at inference the most probable symbol at each step
    merge    what overlapping windows say becomes the entities of the sentence (mere.decoding.span_windows)

At inference an entity begins and ends only where a word may, or where its window's border cuts it, and begins
after the end of the one before: symbols that say otherwise are left out before the softmax. A start at which an
entity of a type that the corpus does not annotate may stand is as right as the one that is annotated.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from mere.config import EntitiesSettings
from mere.data.windows import STOP, Symbols, overlapping_windows
from mere.decoding.crf import TypedSpan
from mere.decoding.entities import Written
from mere.decoding.span_windows import Window
from mere.models.entities import EntityDecoder
from mere.models.losses import ItemLosses
from mere.models.tensors import SpanTensors, TensorBatch
from mere.nn.span_writer import SpanWriter


class SpansTask(EntityDecoder[SpanTensors]):
    """Windows over the pieces, and the LSTMs that read and write."""

    def __init__(self, *, dim: int, num_types: int, settings: EntitiesSettings):
        super().__init__()
        spans = settings.spans
        self.weight = settings.weight
        self.overlap = spans.overlap
        self.symbols = Symbols(spans.window, num_types)
        self.writer = SpanWriter(
            dim=dim,
            hidden=spans.dim,
            layers=spans.layers,
            symbols=self.symbols,
            dropout=spans.dropout,
            pointer=spans.pointer,
        )

    def losses(
        self, pieces: Float[Tensor, "B P D"], batch: TensorBatch, targets: SpanTensors
    ) -> dict[str, ItemLosses]:
        """Return the negative log-likelihood of the symbol of each step of all windows."""
        if not len(targets.row):
            return {}
        kept, state = self.writer.read(self._cut(pieces, targets.row, targets.first))
        before = targets.symbols.roll(1, 1).index_fill(1, targets.row.new_zeros(1), STOP)
        scores, _ = self.writer.write(before, 0, kept, state)  # (N, S, Y)
        log_p = scores.log_softmax(-1)
        likelihood = log_p.gather(-1, targets.symbols.unsqueeze(-1)).squeeze(-1)  # (N, S)
        if targets.unsaid.any():
            others = log_p[:, ::3, self.symbols.starts].masked_fill(~targets.unsaid, -float("inf"))
            either = torch.cat([likelihood[:, ::3, None], others], -1).logsumexp(-1)  # (N, M + 1)
            likelihood = likelihood.clone()
            likelihood[:, ::3] = either
        row = targets.row[:, None].expand(targets.is_step.shape)
        return {"entity": ItemLosses(-self.weight * likelihood[targets.is_step], row[targets.is_step])}

    def num_items(self, batch: TensorBatch, targets: SpanTensors) -> int:
        return int(targets.is_step.sum())

    def scores(self, pieces: Float[Tensor, "B P D"], batch: TensorBatch) -> Written:
        window = self.symbols.window
        lengths = batch.is_piece.sum(1).tolist()
        places = [
            (row, first)
            for row, length in enumerate(lengths)
            for first in overlapping_windows(length, window, self.overlap)
        ]
        row, first = torch.tensor(places, device=pieces.device).unbind(1)
        kept, state = self.writer.read(self._cut(pieces, row, first))
        piece = first[:, None] + torch.arange(window + 1, device=pieces.device)  # (N, W + 1)
        length = batch.is_piece.sum(1)[row, None]
        begins = batch.begins_word[row[:, None], piece.clamp(min=0).minimum(length - 1)]
        may_start = ((begins | (piece == first[:, None])) & (piece >= 0))[:, :-1]
        may_end = begins | (piece == length)
        may_end[:, -1] = True
        written = self._write(kept, state, may_start, may_end)
        by_row: list[list[Window]] = [[] for _ in lengths]
        for (owner, begin), entities in zip(places, written, strict=True):
            found = [TypedSpan(begin + start, begin + end, type_id, p) for start, end, type_id, p in entities]
            by_row[owner].append(Window(max(begin, 0), begin + window, found))
        return Written(by_row)

    def _cut(
        self, pieces: Float[Tensor, "B P D"], row: Int[Tensor, " N"], first: Int[Tensor, " N"]
    ) -> Float[Tensor, "N W D"]:
        """Return the vectors of each window's places; zeros where padding comes before the sentence."""
        piece = first[:, None] + torch.arange(self.symbols.window, device=pieces.device)  # (N, W)
        return pieces[row[:, None], piece.clamp(min=0)] * (piece >= 0).unsqueeze(-1)

    def _write(
        self,
        kept: Float[Tensor, "N W H"],
        state: tuple[Tensor, Tensor],
        may_start: Bool[Tensor, "N W"],
        may_end: Bool[Tensor, "N W1"],
    ) -> list[list[TypedSpan]]:
        """Write the most probable symbols until every window stops; return each window's entities by its places.

        Args:
            may_start: places at which an entity may begin. may_end: places before which it may end.
        """
        window, symbols = self.symbols.window, self.symbols
        place = torch.arange(window, device=kept.device)
        before = torch.full((len(kept),), STOP, device=kept.device)
        past = torch.zeros_like(before)  # the end of the entity before
        is_open = torch.ones_like(before, dtype=torch.bool)
        columns: list[NDArray[np.float64]] = []
        step = 0
        while True:
            probability = torch.ones(len(kept), device=kept.device)
            begun: list[Tensor] = []
            for kind in range(3):
                scores, state = self.writer.write(before[:, None], step, kept, state)
                scores = scores[:, 0]  # (N, Y)
                if kind == 0:
                    allowed = may_start & (place >= past[:, None])
                    scores[:, symbols.starts].masked_fill_(~allowed, -float("inf"))
                elif kind == 1:
                    end = begun[0][:, None] + 1 + place
                    allowed = (end <= window) & may_end.gather(1, end.clamp(max=window))
                    scores[:, symbols.lengths].masked_fill_(~allowed, -float("inf"))
                best = scores.softmax(-1).max(-1)
                before, probability = best.indices, probability * best.values
                if kind == 0:
                    is_open = is_open & (before != STOP)
                    if not is_open.any():
                        return _by_window(columns, len(kept))
                offset = (symbols.starts, symbols.lengths, symbols.types)[kind].start
                begun.append((before - offset).clamp(min=0))
                step += 1
            start, length, type_id = begun[0], begun[1] + 1, begun[2]
            past = start + length
            columns.append(
                torch.stack([is_open, start, past, type_id, probability], 1).double().cpu().numpy()
            )


def _by_window(columns: list[NDArray[np.float64]], num_windows: int) -> list[list[TypedSpan]]:
    """Take the entities of each window out of what was written in turn: is it open, start, end, type, probability."""
    found: list[list[TypedSpan]] = [[] for _ in range(num_windows)]
    for column in columns:
        for index in np.flatnonzero(column[:, 0]).tolist():
            _, start, end, type_id, probability = column[index].tolist()
            found[index].append(TypedSpan(int(start), int(end), int(type_id), probability))
    return found
