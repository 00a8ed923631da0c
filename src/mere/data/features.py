"""Turn units into hashed features: what the compact encoder knows of a unit before it sees the context.

A unit's form, its affixes, its character n-grams and its shape are each hashed into one table of rows.
No vocabulary, no download, any script. The hash is CRC-32, so a model reads the same on every machine and
without torch. Features are taken from the NFKC, case-folded form; offsets never are.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mere.data.units import script_of
from mere.types import Span

NUM_AFFIXES = 8
NUM_NGRAMS = 16
NUM_SHAPES = 4


class Slots(NamedTuple):
    """Which columns of a unit's feature ids belong to which group; 0 in a column means nothing there."""

    form: slice = slice(0, 2)
    affixes: slice = slice(2, 2 + NUM_AFFIXES)
    ngrams: slice = slice(2 + NUM_AFFIXES, 2 + NUM_AFFIXES + NUM_NGRAMS)
    shapes: slice = slice(2 + NUM_AFFIXES + NUM_NGRAMS, 2 + NUM_AFFIXES + NUM_NGRAMS + NUM_SHAPES)


SLOTS = Slots()
NUM_FEATURES = SLOTS.shapes.stop


class Features:
    """Feature ids of units, hashed into `rows` rows (row 0 is padding)."""

    def __init__(self, rows: int):
        self.rows = rows
        self._of = lru_cache(maxsize=200_000)(self._compute)

    def __call__(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        """Return the feature ids of each unit, shape (num_units, NUM_FEATURES).

        A unit knows whether white space stands before it, and, where a word was cut into several units, the
        form of the whole word.
        """
        ids = np.empty((len(spans), NUM_FEATURES), dtype=np.int32)
        for index, (start, end) in enumerate(spans):
            glued = start > 0 and not text[start - 1].isspace()
            follows = index > 0 and spans[index - 1][1] == start and text[start].isalpha()
            before = text[spans[index - 1][0] : start] if follows else ""
            ids[index] = self._of(text[start:end], glued, before)
        return ids

    def _row(self, kind: str, value: str) -> int:
        return crc32(f"{kind}\0{value}".encode("utf-8", "surrogatepass")) % (self.rows - 1) + 1

    def _compute(self, unit: str, glued: bool, before: str) -> NDArray[np.int32]:
        ids = np.zeros(NUM_FEATURES, dtype=np.int32)
        norm = unicodedata.normalize("NFKC", unit).casefold()
        digits = "".join("0" if char.isdigit() else char for char in norm)
        ids[SLOTS.form] = self._row("f", norm), self._row("b", f"{before[-4:].casefold()}|{norm}")
        affixes = [self._row(f"p{n}", digits[:n]) for n in (1, 2, 3, 4)]
        affixes += [self._row(f"s{n}", digits[-n:]) for n in (1, 2, 3, 4)]
        ids[SLOTS.affixes] = affixes
        marked = f"<{digits}>"
        grams = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
        if len(grams) > NUM_NGRAMS:  # a long unit: keep grams spread over all of it
            grams = [grams[i * len(grams) // NUM_NGRAMS] for i in range(NUM_NGRAMS)]
        ids[SLOTS.ngrams.start : SLOTS.ngrams.start + len(grams)] = [self._row("n", gram) for gram in grams]
        shape = _shape(unit)
        ids[SLOTS.shapes] = (
            self._row("x", shape),
            self._row("y", _squeeze(shape)[:6]),
            self._row("c", f"{script_of(unit)}|{unicodedata.category(unit[0])}"),
            self._row("g", f"{glued}|{_squeeze(shape)[:2]}"),
        )
        return ids


def _shape(unit: str) -> str:
    return "".join(
        "X" if c.isupper() else "x" if c.islower() else "a" if c.isalpha() else "0" if c.isdigit() else c
        for c in unit[:12]
    )


def _squeeze(shape: str) -> str:
    return "".join(c for i, c in enumerate(shape) if i == 0 or shape[i - 1] != c)
