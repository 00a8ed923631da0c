"""Turn units into hashed features: what the compact encoder knows of a unit before it sees the context.

A unit's form, its affixes, its character n-grams and its shape are each hashed into one table of rows.
No download, any script. The hash is CRC-32, so a model reads the same on every machine and without torch.
Features are taken from the NFKC, case-folded form; offsets never are.

A feature that training hardly ever saw can be left out (`Features.fit`): the model then reads a rare name as it
will read a name it has never seen, by its shape, its affixes and what stands around it, and cannot learn it by heart.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from mere.data.units import Units, script_of
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
_LONG_AFFIXES = (SLOTS.affixes.start + 3, SLOTS.affixes.stop - 1)
_GLUED = SLOTS.shapes.stop - 1
WITH_BEFORE = 1
"""Column of a unit's form with that of the unit before, where both belong to one word."""
IDENTIFYING = (0, 1, *_LONG_AFFIXES, *range(SLOTS.ngrams.start, SLOTS.ngrams.stop))
"""Columns that tell which name a unit belongs to: its form, its affixes of four characters and its n-grams."""


class Features:
    """Feature ids of units, hashed into `rows` rows (row 0 is padding).

    Args:
        rows: of the table.
        known: hashes (CRC-32) of the features that are read, sorted; all others are as if they were not there.
            None reads every feature.
    """

    def __init__(self, rows: int, known: NDArray[np.uint32] | None = None):
        self.rows = rows
        self.known = known
        if known is not None:  # one more, which no hash is, for what lies beyond the last
            self._sorted = np.append(known, np.uint32(0))
            self._row_of = np.append(known % np.uint32(rows - 1) + 1, 0).astype(np.int32)
        self._of = lru_cache(maxsize=200_000)(self._compute)

    @classmethod
    def fit(cls, texts: Iterable[str], units: Units, *, rows: int, min_count: int) -> Features:
        """Return features that know what occurs at least `min_count` times in the training texts."""
        if min_count <= 1:
            return cls(rows)
        everything = cls(rows)
        seen: Counter[tuple[str, bool, str]] = Counter()
        for text in texts:
            seen.update(_contexts(text, units(text)))
        counts: Counter[int] = Counter()
        for context, times in seen.items():
            for key in everything._keys(*context):
                counts[key] += times
        counts.pop(0, None)
        known = sorted(key for key, times in counts.items() if times >= min_count)
        return cls(rows, np.array(known, dtype=np.uint32))

    def __call__(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        """Return the feature ids of each unit, shape (num_units, NUM_FEATURES).

        A unit knows whether white space stands before it, and, where a word was cut into several units, the
        form of the whole word.
        """
        if not spans:
            return np.empty((0, NUM_FEATURES), dtype=np.int32)
        rows = [self._of(*context) for context in _contexts(text, spans)]
        return np.concatenate(rows).reshape(len(spans), NUM_FEATURES)

    def _compute(self, unit: str, glued: bool, before: str) -> NDArray[np.int32]:
        keys, modulus = self._keys(unit, glued, before), self.rows - 1
        if self.known is None:
            return np.array([key % modulus + 1 if key else 0 for key in keys], dtype=np.int32)
        hashes = np.array(keys, dtype=np.uint32)
        place = self.known.searchsorted(hashes)
        return self._row_of.take(place) * (self._sorted.take(place) == hashes)

    @staticmethod
    def _keys(unit: str, glued: bool, before: str) -> list[int]:
        """The hashes of a unit's features by slot; 0 where a slot is empty."""
        norm, outline, own = _alone(unit)
        keys = list(own)
        keys[WITH_BEFORE] = _key("b", f"{before[-4:].casefold()}|{norm}")
        keys[_GLUED] = _key("g", f"{glued}|{outline}")
        return keys


@lru_cache(maxsize=16_384)
def _alone(unit: str) -> tuple[str, str, list[int]]:
    """Return a unit's form and outline, and the hashes of what does not depend on what stands before it."""
    keys = [0] * NUM_FEATURES
    norm = unicodedata.normalize("NFKC", unit).casefold()
    digits = norm if norm.isalpha() else "".join(["0" if char.isdigit() else char for char in norm])
    keys[SLOTS.form.start] = _key("f", norm)
    affixes = [_key(kind, digits[:n]) for kind, n in _PREFIXES]
    keys[SLOTS.affixes] = affixes + [_key(kind, digits[-n:]) for kind, n in _SUFFIXES]
    marked = f"<{digits}>"
    grams = [marked[i : i + n] for n in (3, 4, 5) for i in range(len(marked) - n + 1)]
    if len(grams) > NUM_NGRAMS:  # a long unit: keep grams spread over all of it
        grams = [grams[i * len(grams) // NUM_NGRAMS] for i in range(NUM_NGRAMS)]
    keys[SLOTS.ngrams.start : SLOTS.ngrams.start + len(grams)] = [_key("n", gram) for gram in grams]
    composed = unicodedata.normalize("NFC", unit)
    shape = _shape(composed)
    squeezed = _squeeze(shape)
    keys[SLOTS.shapes.start : _GLUED] = (
        _key("x", shape),
        _key("y", squeezed[:6]),
        _key("c", f"{script_of(unit)}|{unicodedata.category(composed[0])}"),
    )
    return norm, squeezed[:2], keys


def _contexts(text: str, spans: list[Span]) -> list[tuple[str, bool, str]]:
    """Each unit with whether it is glued to what stands before it, and that unit if it belongs to the same word."""
    found = []
    for index, (start, end) in enumerate(spans):
        glued = start > 0 and not text[start - 1].isspace()
        follows = index > 0 and spans[index - 1][1] == start and text[start].isalpha()
        found.append((text[start:end], glued, text[spans[index - 1][0] : start] if follows else ""))
    return found


_PREFIXES = tuple((f"p{n}", n) for n in (1, 2, 3, 4))
_SUFFIXES = tuple((f"s{n}", n) for n in (1, 2, 3, 4))
_BEGUN = {  # the hash goes on from that of the kind
    kind: crc32(f"{kind}\0".encode())
    for kind in ("f", "b", "n", "x", "y", "c", "g", *dict(_PREFIXES), *dict(_SUFFIXES))
}


def _key(kind: str, value: str) -> int:
    return crc32(value.encode("utf-8", "surrogatepass"), _BEGUN[kind])


def _shape(unit: str) -> str:
    return "".join([_shape_of(char) for char in unit[:12]])


@lru_cache(maxsize=4096)
def _shape_of(c: str) -> str:
    return "X" if c.isupper() else "x" if c.islower() else "a" if c.isalpha() else "0" if c.isdigit() else c


def _squeeze(shape: str) -> str:
    return "".join([c for i, c in enumerate(shape) if i == 0 or shape[i - 1] != c])
