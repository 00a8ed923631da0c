"""Lines of a pipe or a terminal as they come, and word of when none does: then what was read can be answered."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator

_PAUSE_S = 0.02
_LONGEST_S = 0.5
"""A line does not wait longer than this for others to be read with, however steadily they come."""
_CHUNK = 1 << 16


class Arriving:
    """The bytes of an open file descriptor.

    Args:
        descriptor: of something that can be waited for; it stays open.
    """

    def __init__(self, descriptor: int):
        self._descriptor = descriptor

    def __enter__(self) -> Arriving:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the descriptor to whoever opened it."""

    def read(self) -> bytes:
        """Return everything up to the end."""
        return b"".join(iter(lambda: os.read(self._descriptor, _CHUNK), b""))

    def __iter__(self) -> Iterator[bytes | None]:
        """Yield lines with their ends, and None where input pauses after some."""
        begun: list[bytes] = []  # the line that has not ended yet
        oldest: float | None = None  # when the first line came that no None has followed
        while True:
            if oldest is not None and (self._pauses() or time.monotonic() - oldest > _LONGEST_S):
                yield None
                oldest = None
            chunk = os.read(self._descriptor, _CHUNK)
            if not chunk:
                break
            *lines, rest = chunk.split(b"\n")
            if lines and oldest is None:
                oldest = time.monotonic()
            for line in lines:
                yield b"".join([*begun, line, b"\n"])
                begun = []
            if rest:
                begun.append(rest)
        if begun:
            yield b"".join(begun)

    def _pauses(self) -> bool:
        return not select.select([self._descriptor], [], [], _PAUSE_S)[0]
