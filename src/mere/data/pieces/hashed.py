"""The compact encoder's pieces: units of any script, each described by hashed features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mere.data.features import IDENTIFYING, WITH_BEFORE, Features
from mere.data.pieces.base import Pieces
from mere.data.units import Units
from mere.types import Sentence, Span


class HashedUnits(Pieces):
    """Units (mere.data.units), described by the rows of their features in a hash table (mere.data.features)."""

    def __init__(self, units: Units, features: Features):
        self.units = units
        self.features = features

    @classmethod
    def fit(
        cls, sentences: Sequence[Sentence], *, rows: int, min_count: int, text: Sequence[Sentence] = ()
    ) -> HashedUnits:
        """Return units that fit the mentions of the training sentences, and features that they or the text know."""
        units = Units.fit(sentences)
        texts = (sentence.text for sentence in text or sentences)
        return cls(units, Features.fit(texts, units, rows=rows, min_count=min_count))

    @classmethod
    def load(
        cls, record: Mapping[str, Any], arrays: Mapping[str, NDArray[np.int64]], *, rows: int
    ) -> HashedUnits:
        known = frozenset(arrays["known"].tolist()) if "known" in arrays else None
        return cls(Units.from_json(record["units"]), Features(rows, known))

    def cut(self, text: str) -> list[Span]:
        return self.units(text)

    def describe(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        return self.features(text, spans)

    def hide(self, described: NDArray[np.int32], start: int, end: int) -> None:
        described[start:end, IDENTIFYING] = 0

    def mask(self, described: NDArray[np.int32], hidden: NDArray[np.bool_]) -> None:
        described[hidden] = 0
        described[..., 1:, WITH_BEFORE][hidden[..., :-1]] = 0

    def to_json(self) -> dict[str, Any]:
        return {"units": self.units.to_json()}

    def arrays(self) -> Mapping[str, NDArray[np.int64]]:
        known = self.features.known
        return {} if known is None else {"known": np.array(sorted(known), dtype=np.int64)}
