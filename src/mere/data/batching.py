"""Encoded texts to padded arrays: what the model reads. What it is to learn from them is in mere.data.targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypeVar

from mere.data.examples import Encoded

A = TypeVar("A", default=NDArray[Any])
"""What holds the numbers: numpy's arrays, or torch's tensors (mere.models.tensors)."""


@dataclass(frozen=True)
class Batch(Generic[A]):
    """Padded pieces of B sentences; rows g*m … g*m+m-1 are concatenated where `group_size` m > 1."""

    pieces: A  # (B, P, F), 0 is padding
    is_piece: A  # (B, P)
    begins_word: A  # (B, P)
    lang_id: A  # (B,)
    group_size: int = 1


def collate(examples: Sequence[Encoded], group_size: int = 1) -> Batch:
    """Pad encoded texts to the longest of them."""
    length = max(len(example.pieces) for example in examples)
    pieces = np.zeros((len(examples), length, examples[0].pieces.shape[1]), dtype=np.int32)
    is_piece = np.zeros((len(examples), length), dtype=bool)
    begins_word = np.zeros_like(is_piece)
    for row, example in enumerate(examples):
        pieces[row, : len(example.pieces)] = example.pieces
        is_piece[row, : len(example.pieces)] = True
        begins_word[row, : len(example.pieces)] = example.begins_word
    lang_id = np.array([example.lang_id for example in examples], dtype=np.int64)
    return Batch(pieces, is_piece, begins_word, lang_id, group_size)
