"""Where workers died in a shard, so that a row that brings them down is found and set aside.

A worker writes down each range of rows before it reads it. Whoever begins the shard after its death, in this run
or the next, with this engine or another, sees what the worker was at. A range where workers died twice is read
row by row; a row at which a third one dies is set aside. A single death, as from `kill -9`, changes nothing: the
same batches give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

_BEGUN = "begun"
_TOLERATED = 2
MOST = 20
"""Deaths in one shard, in one run, after which more would be of no use."""


class Attempts:
    """The log of one shard.

    Args:
        path: where it is kept; removed when the shard is done.
    """

    def __init__(self, path: Path):
        self.path = path
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
        ended = [line for line, after in pairwise([*lines, _BEGUN]) if after == _BEGUN]
        self.deaths = lines.count(_BEGUN)
        self._died_at = Counter(tuple(map(int, line.split())) for line in ended if line != _BEGUN)

    def begin(self) -> None:
        self._write(_BEGUN)

    def at(self, start: int, end: int) -> None:
        """Say that rows `start` to `end` come next."""
        self._write(f"{start} {end}")

    def suspect(self, start: int, end: int) -> bool:
        """Whether to read the range row by row."""
        return self._died_at[start, end] >= _TOLERATED

    def fatal(self, row: int, start: int, end: int) -> bool:
        """Whether a row of the range has brought down workers too often."""
        alone = self._died_at[row, row + 1]
        with_others = self._died_at[start, end] if end - start > 1 else 0
        return alone > 0 and alone + with_others > _TOLERATED

    def forgive(self) -> None:
        """Begin a new run: a shard that brought down too many workers in an old one is tried again."""
        if self.deaths >= MOST:
            self.forget()

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)

    def _write(self, line: str) -> None:
        with self.path.open("ab", buffering=0) as log:  # one write: whole or not there, whatever dies
            log.write(line.encode("ascii") + b"\n")
