"""What may come again in a corpus, in a temporary file and looked through a part at a time: memory stays the same.

Each thing (a text, a pair of mentions, an id) is a record of fixed size under a 64-bit hash of what makes two of them
the same. At the end the records of one hash come together. Names of sentences lie in a second file, and are read
where an example needs one.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

RECORD = np.dtype(
    [
        ("key", "<u8"),  # what is the same
        ("row", "<u8"),  # where its sentence's name lies
        ("value", "<u8"),  # what may differ
        ("more", "<u8"),  # likewise
        ("scope", "<u8"),  # within which a difference counts
        ("place", "<u4"),  # language, split and source
        ("flag", "u1"),
    ]
)
_BUFFERED = 1 << 16  # records
_AT_ONCE = 1 << 16  # records that are sorted in memory; more where more share a key


def hashed(*parts: str) -> int:
    """Return 64 bits that stand for the strings; the same at every run."""
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "little")


class Names:
    """The names of sentences, on disk."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the check runs)
        self._end = 0

    def add(self, name: str) -> int:
        """Keep a name and return where it lies."""
        raw = name.encode("utf-8", "surrogatepass")
        at = self._end
        self._file.write(len(raw).to_bytes(4, "little") + raw)
        self._end += 4 + len(raw)
        return at

    def __getitem__(self, at: int) -> str:
        self._file.seek(at)
        size = int.from_bytes(self._file.read(4), "little")
        name = self._file.read(size).decode("utf-8", "surrogatepass")
        self._file.seek(self._end)
        return name


class Ledger:
    """Records on disk, and those that share a key together."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the check runs)
        self._buffer = np.empty(_BUFFERED, RECORD)
        self._used = 0
        self._total = 0

    def add(
        self,
        key: int,
        row: int,
        place: int,
        *,
        value: int = 0,
        more: int = 0,
        scope: int = 0,
        flag: bool = False,
    ) -> None:
        if self._used == _BUFFERED:
            self._flush()
        self._buffer[self._used] = (key, row, value, more, scope, place, flag)
        self._used += 1

    def _flush(self) -> None:
        self._file.write(self._buffer[: self._used].tobytes())
        self._total += self._used
        self._used = 0

    def groups(self) -> Iterator[NDArray[np.void]]:
        """Yield the records that share a key, in the order they were added, wherever there are two or more."""
        self._flush()
        num_parts = -(-self._total // _AT_ONCE) or 1
        for part in range(num_parts):
            records = np.concatenate([chunk[chunk["key"] % num_parts == part] for chunk in self._chunks()])
            order = np.argsort(records["key"], kind="stable")
            records = records[order]
            starts = np.flatnonzero(np.r_[True, records["key"][1:] != records["key"][:-1]])
            ends = np.r_[starts[1:], len(records)]
            several = ends - starts > 1
            firsts = order[starts[several]]
            for index in np.argsort(firsts):  # by where they begin in the corpus
                yield records[starts[several][index] : ends[several][index]]

    def _chunks(self) -> Iterator[NDArray[np.void]]:
        self._file.seek(0)
        while raw := self._file.read(_BUFFERED * RECORD.itemsize):
            yield np.frombuffer(raw, RECORD)
        yield np.empty(0, RECORD)
