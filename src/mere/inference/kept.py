"""Rows of numbers that are computed once for each key: what a word or a unit says comes again with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 16 << 20


class KeptRows:
    """Rows by key, of which a bounded number is kept: all are given up where there is no place for more.

    Args:
        most_bytes: of rows that are kept, unless one call asks for more.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES):
        self._most_bytes = most_bytes
        self._place: dict[Hashable, int] = {}
        self._rows: NDArray[np.float32] = np.empty((0, 0), dtype=np.float32)
        self._lock = Lock()

    def __call__(
        self, keys: Sequence[Hashable], compute: Callable[[list[int]], NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """Return the row of each key, shape (keys, width).

        Args:
            keys: one or more; what stands under None is computed each time.
            compute: returns the rows of those keys whose indices it is given, each the same whatever the others are.
        """
        with self._lock:
            try:
                return self._rows[[self._place[key] for key in keys]]
            except KeyError:
                return self._with_new(keys, compute)

    def _with_new(self, keys: Sequence[Hashable], compute: Callable[[list[int]], Any]) -> NDArray[np.float32]:
        once = [index for index, key in enumerate(keys) if key is None]
        new = {key: index for index, key in enumerate(keys) if key is not None and key not in self._place}
        if len(self._place) + len(new) > len(self._rows) and self._place:
            self._place.clear()
            new = {key: index for index, key in enumerate(keys) if key is not None}
        computed = compute([*new.values(), *once])
        if len(new) > len(self._rows) or not self._rows.size:
            width = computed.shape[1]
            most = max(1, len(new), self._most_bytes // (4 * width))
            self._rows = np.empty((most, width), dtype=np.float32)  # takes memory as it fills
        begin = len(self._place)
        self._rows[begin : begin + len(new)] = computed[: len(new)]
        self._place.update(zip(new, range(begin, begin + len(new)), strict=True))
        found = self._rows[[self._place.get(key, 0) for key in keys]]
        found[once] = computed[len(new) :]
        return found
