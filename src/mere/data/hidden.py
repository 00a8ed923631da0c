"""Units of a batch that are hidden, to be told from their context: what text alone teaches. Pure numpy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Generic

import numpy as np

from mere.data.batching import A, Batch
from mere.data.pieces.base import Pieces


@dataclass(frozen=True)
class HiddenTargets(Generic[A]):
    """Which N pieces of B sentences are hidden, and which of K candidates, all unlike, each of them is."""

    row: A  # (N,)
    piece: A  # (N,)
    answer: A  # (N,)
    candidates: A  # (K, F): what describes the hidden pieces, each once


def hide_pieces(
    batch: Batch, pieces: Pieces, rng: np.random.Generator, share: float
) -> tuple[Batch, HiddenTargets]:
    """Return the batch with pieces hidden, each with probability `share`, and what they were.

    The candidates are the hidden pieces of the whole batch, so that whoever computes a share of it tells its own
    from the same ones.
    """
    is_hidden = batch.is_piece & (rng.random(batch.is_piece.shape) < share)
    row, piece = np.nonzero(is_hidden)
    candidates, answer = np.unique(batch.pieces[row, piece], axis=0, return_inverse=True)
    described = batch.pieces.copy()
    pieces.mask(described, is_hidden)
    return dataclasses.replace(batch, pieces=described), HiddenTargets(
        row, piece, answer.reshape(-1), candidates
    )
