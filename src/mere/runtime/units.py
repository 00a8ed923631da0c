"""What an encoder says of each unit by itself, computed once: most units of a text have been met before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mere.inference.backend import Float32
from mere.inference.kept import KeptRows


class UnitVectors:
    """The vectors of units, looked up by what describes them; a bounded number of them is kept.

    Args:
        compute: returns the vectors (K, E) of units (K, F), each the same whatever the others are.
    """

    def __init__(self, compute: Callable[[NDArray[np.int32]], Float32]):
        self._compute = compute
        self._kept = KeptRows()

    def __call__(self, pieces: NDArray[np.int32], is_piece: NDArray[np.bool_]) -> Float32:
        """Return a vector for each piece (B, P, E), zeros for padding.

        Args:
            pieces: (B, P, F). is_piece: (B, P), at least one of them.
        """
        units = pieces[is_piece]  # (K, F)
        raw, size = units.tobytes(), units.strides[0]
        keys = [raw[at : at + size] for at in range(0, len(raw), size)]
        found = self._kept(keys, lambda new: self._compute(units[new]))
        vectors = np.zeros((*is_piece.shape, found.shape[1]), dtype=np.float32)
        vectors[is_piece] = found
        return vectors
