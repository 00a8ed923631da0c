"""Pieces out of UTF-8 bytes: one vocabulary of 256 symbols reads every script (Mueller et al. 2020, section 3).

A byte b is the number b + 1; 0 is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mere.config import ByteWordsSettings, Settings
from mere.data.pieces.base import Pieces, StoredPieces
from mere.data.units import Units
from mere.types import Sentence, Span

HIDDEN = 257
"""Stands for each byte of a name that is hidden in training."""


class WordBytes(Pieces):
    """Units, each described by its bytes, cut or padded to `width` (the byte CRF's words).

    The paper's words are the corpus's tokens; ours are units (mere.data.units), which need no tokeniser. The
    last number says whether white space stands before the unit.
    """

    longest = 8192  # nothing attends over all pairs of pieces, unless there is an aggregator

    def __init__(self, units: Units, width: int):
        self.units = units
        self.width = width
        self._of = lru_cache(maxsize=200_000)(self._bytes)

    @classmethod
    def fit(
        cls, settings: ByteWordsSettings, sentences: Sequence[Sentence], text: Sequence[Sentence] = ()
    ) -> WordBytes:
        return cls(Units.fit(sentences), settings.width)

    @classmethod
    def load(cls, settings: ByteWordsSettings, stored: StoredPieces) -> WordBytes:
        return cls(Units.from_json(stored.record["units"]), settings.width)

    def cut(self, text: str) -> list[Span]:
        return self.units(text)

    def describe(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        described = np.zeros((len(spans), self.width + 1), dtype=np.int32)
        for index, (start, end) in enumerate(spans):
            described[index, :-1] = self._of(text[start:end])
            described[index, -1] = 1 + (start > 0 and not text[start - 1].isspace())
        return described

    def _bytes(self, unit: str) -> NDArray[np.int32]:
        row = np.zeros(self.width, dtype=np.int32)
        encoded = unit.encode("utf-8", "surrogatepass")[: self.width]
        row[: len(encoded)] = np.frombuffer(encoded, dtype=np.uint8)
        row[: len(encoded)] += 1
        return row

    def hide(self, described: NDArray[np.int32], start: int, end: int) -> None:
        words = described[start:end, :-1]
        words[words > 0] = HIDDEN

    def to_json(self) -> dict[str, Any]:
        return {"units": self.units.to_json()}


class TextBytes(Pieces):
    """Every byte of a text is a piece; its span is that of the character it belongs to (CharNER, byte-to-span).

    Args:
        units: where words begin. Learned from the corpus, so that an ending which its mentions leave out is a word.
    """

    longest = 8192
    window = 1536

    def __init__(self, units: Units):
        self.units = units

    @classmethod
    def fit(
        cls, settings: Settings, sentences: Sequence[Sentence], text: Sequence[Sentence] = ()
    ) -> TextBytes:
        return cls(Units.fit(sentences))

    @classmethod
    def load(cls, settings: Settings, stored: StoredPieces) -> TextBytes:
        return cls(Units.from_json(stored.record["units"]))

    def cut(self, text: str) -> list[Span]:
        if not text.strip():
            return []
        spans: list[Span] = []
        for place, char in enumerate(text):
            spans += [Span(place, place + 1)] * len(char.encode("utf-8", "surrogatepass"))
        return spans

    def describe(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        if not spans:
            return np.zeros((0, 1), dtype=np.int32)
        encoded = text[spans[0].start : spans[-1].end].encode("utf-8", "surrogatepass")
        return np.frombuffer(encoded, dtype=np.uint8).astype(np.int32)[:, None] + 1

    def begins_word(self, text: str, spans: list[Span]) -> NDArray[np.bool_]:
        """Words begin where a unit does, and white space stands for itself: more places than "next to a space"
        (the paper's rule), for punctuation ends a word, and some scripts write no spaces."""
        starts = {start for start, _ in self.units(text)} | {
            i for i, char in enumerate(text) if char.isspace()
        }
        before = [None, *(span.start for span in spans)]
        begins = [s.start in starts and s.start != b for s, b in zip(spans, before, strict=False)]
        return np.array(begins, dtype=bool)

    def hide(self, described: NDArray[np.int32], start: int, end: int) -> None:
        described[start:end] = HIDDEN

    def to_json(self) -> dict[str, Any]:
        return {"units": self.units.to_json()}
