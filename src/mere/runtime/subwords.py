"""Pieces of a pretrained encoder: their subwords packed into windows, and a vector of each piece out of its subwords'.

As mere.nn.encoders.pretrained does it in torch.

    S -> subwords of the longest sentence      W -> windows of at most `size` subwords
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.data.windows import subword_windows
from mere.inference.backend import Float32, Int64


@dataclass(frozen=True)
class Packing:
    """How an encoder is given subwords; the graph `subwords` holds it.

    Args:
        before, after: ids of the special subwords around a window. pad: behind a shorter one.
        size: subwords of a window, without the special ones.
        words: the vector of a piece is that of its "first" subword, or their "mean".
    """

    before: Sequence[int]
    after: Sequence[int]
    pad: int
    size: int
    words: str


class SubwordVectors:
    """The vectors of pieces, read with the graph of a pretrained encoder.

    Args:
        compute: returns the hidden states (W, S, D) of `ids` (W, S), `is_given` and `lang_id` (W,).
    """

    def __init__(self, compute: Callable[..., Float32], packing: Packing):
        self._compute = compute
        self.packing = packing

    def __call__(self, pieces: NDArray[np.int32], is_piece: NDArray[np.bool_], lang_id: Int64) -> Float32:
        """Return a vector for each piece, (B, P, D); what padding has is undefined.

        Args:
            pieces: ids plus 1 of each piece's subwords, 0 behind them, (B, P, F). is_piece: (B, P). lang_id: (B,).
        """
        rows = np.arange(len(pieces))[:, None]
        flat = pieces.reshape(len(pieces), -1)  # (B, P * F)
        is_subword = flat > 0
        row, column = np.nonzero(is_subword)
        place = (is_subword.cumsum(1) - 1)[row, column]
        count = is_subword.sum(1)
        ids = np.full((len(pieces), int(count.max())), self.packing.pad, dtype=np.int64)
        ids[row, place] = flat[row, column] - 1
        subwords = self._read(ids, count, lang_id)  # (B, S, D)
        per_piece = (pieces > 0).sum(-1)  # (B, P)
        first = np.minimum(per_piece.cumsum(1) - per_piece, ids.shape[1] - 1)
        if self.packing.words == "first":
            return subwords[rows, first]
        vectors = np.zeros((*is_piece.shape, subwords.shape[-1]), dtype=np.float32)
        has_any = per_piece > 0
        begins = (np.cumsum(count) - count)[:, None] + first  # of each piece, among all sentences' subwords
        sums = np.add.reduceat(subwords[row, place], begins[has_any], axis=0)
        vectors[has_any] = sums / per_piece[has_any][:, None]
        return vectors

    def _read(self, ids: Int64, count: Int64, lang_id: Int64) -> Float32:
        """Return the hidden state of each subword, each sentence between its special subwords."""
        packing = self.packing
        size = min(packing.size, ids.shape[1])
        sources, firsts, taken = subword_windows(count.tolist(), size)
        source, first = np.array(sources), np.array(firsts)[:, None]
        length = np.minimum(count[source, None] - first, size)  # (W, 1)
        offset = np.arange(size)
        window = ids[source[:, None], np.minimum(first + offset, ids.shape[1] - 1)]
        window = np.where(offset < length, window, packing.pad)
        special = (packing.before, packing.after)
        around = [np.tile(np.array(part, dtype=np.int64), (len(source), 1)) for part in special]
        given = np.concatenate([around[0], window, np.full_like(around[1], packing.pad)], 1)
        begin = len(packing.before) + length
        np.put_along_axis(given, begin + np.arange(len(packing.after)), around[1], 1)
        is_given = np.arange(given.shape[1]) < begin + len(packing.after)
        states = self._compute(ids=given, is_given=is_given, lang_id=lang_id[source])
        begin_at = len(packing.before)
        return states[:, begin_at : begin_at + size].reshape(-1, states.shape[-1])[taken]
