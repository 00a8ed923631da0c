"""Sentences of more subwords than a pretrained encoder reads at a time, in overlapping windows. Without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mere.data.windows import overlapping_windows


def windows(lengths: list[int], size: int) -> tuple[list[int], list[int], NDArray[np.int64]]:
    """Return the sentence and the first subword of each window, and where each subword's vector is taken from.

    Neighbours share at least a quarter of a window, and part in the middle of it. Places are window * `size` +
    offset in it, shape (len(lengths), max(lengths)).
    """
    rows: list[int] = []
    firsts: list[int] = []
    taken = np.zeros((len(lengths), max(lengths)), dtype=np.int64)
    for row, length in enumerate(lengths):
        starts = [max(0, first) for first in overlapping_windows(length, size)]
        for index, first in enumerate(starts):
            begin = (starts[index - 1] + size + first) // 2 if index else 0
            taken[row, begin:length] = len(rows) * size + np.arange(begin, length) - first
            rows.append(row)
            firsts.append(first)
        taken[row, length:] = taken[row, 0]  # padding: any vector that exists
    return rows, firsts, taken
