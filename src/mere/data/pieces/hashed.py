"""The compact encoder's pieces: units of any script, each described by hashed features."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from mere.config import CompactSettings
from mere.data.features import IDENTIFYING, WITH_BEFORE, Features
from mere.data.pieces.base import Pieces, StoredPieces
from mere.data.units import Units
from mere.types import Sentence, Span

# Unicode's white space, which is less than str.isspace: the separators U+001C … U+001F are units.
_CHUNK = re.compile(r"[^\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
# A few signs (the Arabic number sign) make one grapheme cluster with whatever follows, white space too.
_JOINS_WHAT_FOLLOWS = regex.compile(r"\p{Grapheme_Cluster_Break=Prepend}")
_LONGEST_CHUNK = 32  # a longer one, as in scripts without spaces, will hardly come again
_CHUNKS_KEPT = 50_000
_span = partial(tuple.__new__, Span)  # without the detour of Span(…): there are dozens in a sentence


class HashedUnits(Pieces):
    """Units (mere.data.units), described by the rows of their features in a hash table (mere.data.features)."""

    def __init__(self, units: Units, features: Features):
        self.units = units
        self.features = features
        self._kept = lru_cache(maxsize=_CHUNKS_KEPT)(self._chunk)

    @classmethod
    def fit(
        cls, settings: CompactSettings, sentences: Sequence[Sentence], text: Sequence[Sentence] = ()
    ) -> HashedUnits:
        """Return units that fit the mentions of the training sentences, and features that they or the text know."""
        units = Units.fit(sentences)
        texts = (sentence.text for sentence in text or sentences)
        return cls(units, Features.fit(texts, units, rows=settings.rows, min_count=settings.min_count))

    @classmethod
    def load(cls, settings: CompactSettings, stored: StoredPieces) -> HashedUnits:
        known: NDArray[np.uint32] | None = None
        if "known_steps" in stored.arrays:  # steps pack into half the space
            known = np.cumsum(stored.arrays["known_steps"], dtype=np.uint32)
        elif "known" in stored.arrays:  # of a model that was stored before steps were
            known = stored.arrays["known"].astype(np.uint32, copy=False)
        return cls(Units.from_json(stored.record["units"]), Features(settings.rows, known))

    def cut(self, text: str) -> list[Span]:
        return self.units(text)

    def describe(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        return self.features(text, spans)

    def read(self, text: str) -> tuple[list[Span], NDArray[np.int32]]:
        """As `cut` and `describe`, of what stands between white space: no unit sees past it, and most come again."""
        if _JOINS_WHAT_FOLLOWS.search(text):
            return super().read(text)
        spans: list[Span] = []
        described: list[NDArray[np.int32]] = []
        for match in _CHUNK.finditer(text):
            at, end = match.span()
            own, rows = (self._kept if end - at <= _LONGEST_CHUNK else self._chunk)(match[0])
            if len(own) == 1:  # most are one word, and a list for each costs as much as all else
                start, end = own[0]
                spans.append(_span((start + at, end + at)))
            else:
                spans.extend([_span((start + at, end + at)) for start, end in own])
            described.append(rows)
        if not described:
            return super().read(text)
        return spans, np.concatenate(described)

    def _chunk(self, chunk: str) -> tuple[list[Span], NDArray[np.int32]]:
        spans = self.units(chunk)
        return spans, self.features(chunk, spans)

    def hide(self, described: NDArray[np.int32], start: int, end: int) -> None:
        described[start:end, IDENTIFYING] = 0

    def mask(self, described: NDArray[np.int32], hidden: NDArray[np.bool_]) -> None:
        described[hidden] = 0
        described[..., 1:, WITH_BEFORE][hidden[..., :-1]] = 0

    def to_json(self) -> dict[str, Any]:
        return {"units": self.units.to_json()}

    def arrays(self) -> Mapping[str, NDArray[np.integer[Any]]]:
        known = self.features.known
        return {} if known is None else {"known_steps": np.diff(known, prepend=np.uint32(0))}
