"""A predictor without a model: rules so simple that the right answer for any text is plain to see."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import pytest

from mere.schema import Labels
from mere.types import Entity, Prediction, Span, Triple

_UNIT = re.compile(r"\w+|[^\w\s]")
_MOST_BETWEEN = 2


class RulePredictor:
    """Runs of capitalised words are mentions; two that stand close together are "near" each other.

    It refuses what a real model could not read: a text of more than `max_pieces` units.
    """

    labels = Labels(relations=("near",), types=(), languages=("de", "en", "ja"))
    half_known: ClassVar[Mapping[str, str]] = {}

    def __init__(self, max_pieces: int = 64):
        self.max_pieces = max_pieces
        self.calls: list[tuple[list[str], list[str | None]]] = []

    def unit_spans(self, text: str) -> list[Span]:
        return [Span(*match.span()) for match in _UNIT.finditer(text)]

    def predict(
        self,
        texts: Sequence[str],
        langs: Sequence[str | None],
        *,
        batch_size: int = 64,
        threshold: float | None = None,
    ) -> list[Prediction]:
        self.calls.append((list(texts), list(langs)))
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Prediction:
        units = self.unit_spans(text)
        assert len(units) <= self.max_pieces, "a text was given that the model can't read"
        mentions: list[tuple[int, int, Entity]] = []
        first = 0
        while first < len(units):
            last = first
            while last < len(units) and text[units[last].start].isupper():
                last += 1
            if last > first:
                start, end = units[first].start, units[last - 1].end
                score = 0.5 + zlib.crc32(text[start:end].encode("utf-8", "surrogatepass")) / 2**33
                mentions.append((first, last, Entity(start, end, text[start:end], "NAME", score)))
            first = max(last, first + 1)
        triples = tuple(
            Triple(one, "near", other, min(one.score or 0, other.score or 0))
            for (_, ends, one), (begins, _, other) in pairwise(mentions)
            if begins - ends <= _MOST_BETWEEN
        )
        return Prediction(tuple(entity for _, _, entity in mentions), triples)


@pytest.fixture
def make_predictor() -> Callable[..., RulePredictor]:
    return RulePredictor
