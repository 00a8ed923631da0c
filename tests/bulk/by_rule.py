"""A predictor that needs no model: capital words are entities, neighbours are a triple; and three kinds of poison.

The extractor around it is the real one. Workers import this module, so it is what `load=` takes.
"""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from mere.inference.extractor import Extractor
from mere.schema import Labels
from mere.types import Entity, Prediction, Span, Triple

RAISES = "Gift im Text"
KILLS = "Tod im Text"
"""A text that kills whoever reads it."""


class ByRule:
    """What the extractor asks of a `mere.inference.predictor.Predictor`."""

    labels = Labels(relations=("next-to",), types=("NAME",), languages=("de", "en"))
    type_map: ClassVar[dict[str, str]] = {}
    half_known: ClassVar[dict[str, str]] = {}
    max_pieces = 40

    def __init__(self) -> None:
        self.unfit: Counter[str] = Counter()

    def unit_spans(self, text: str) -> list[Span]:
        return [Span(*match.span()) for match in re.finditer(r"\S+", text)]

    def predict(
        self,
        texts: Sequence[str],
        langs: Sequence[str | None],
        *,
        batch_size: int = 64,
        threshold: float | None = None,
    ) -> list[Prediction]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Prediction:
        if text == KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        if text == RAISES:
            raise ArithmeticError("division by poison")
        names = [
            Entity(*match.span(), match[0], "NAME", 0.5, f"Q{len(match[0])}")
            for match in re.finditer(r"\b[A-ZÄÖÜ]\w+", text)
        ]
        triples = [Triple(a, "next-to", b, 0.5) for a, b in pairwise(names)]
        self.unfit["beside"] += len(names)
        return Prediction(tuple(names), tuple(triples))


def load(model: str, *, min_precision: float | None = None, **options: Any) -> Extractor:
    return Extractor(ByRule(), **options)
