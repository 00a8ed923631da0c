"""Counts of what may be too many to hold: added up in a temporary SQLite database that goes away by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from tempfile import gettempdir

_HELD = 1 << 16  # counts held in memory before they are added to those on disk
_CACHE_KIB = 64 * 1024
_ADD = """insert into counts values (?, ?, ?, ?)
    on conflict do update set count = count + excluded.count"""


class DiskCounter:
    """A counter of triples of strings."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, str], int] = {}
        self._base = sqlite3.connect("", isolation_level=None)  # "": a file that SQLite deletes
        for setting in ("journal_mode = off", "synchronous = off", f"cache_size = -{_CACHE_KIB}"):
            self._base.execute(f"pragma {setting}")
        self._base.execute(
            "create table counts (a text, b text, c text, count integer, primary key (a, b, c)) without rowid"
        )

    def add(self, key: tuple[str, str, str]) -> None:
        """Count a key once more.

        Raises:
            OSError: the disk of temporary files is full.
        """
        self._held[key] = self._held.get(key, 0) + 1
        if len(self._held) >= _HELD:
            self._flush()

    def ordered(self) -> Iterator[tuple[str, str, str, int]]:
        """Yield every key and its count, in order of the keys' code points."""
        self._flush()
        yield from self._base.execute("select a, b, c, count from counts order by a, b, c")

    def _flush(self) -> None:
        rows = sorted((*key, count) for key, count in self._held.items())
        try:
            self._base.execute("begin")
            self._base.executemany(_ADD, rows)
            self._base.execute("commit")
        except sqlite3.OperationalError as error:
            raise OSError(f"counts could not be kept in {gettempdir()} ({error})") from error
        self._held.clear()
