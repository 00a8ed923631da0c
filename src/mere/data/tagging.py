"""Spans of pieces to BIO tags and back: the scheme is IOB2, `O = 0`, `B = 1`, `I = 2`, always explicit.

With types, type t has `B = 1 + 2t` and `I = 2 + 2t`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

O, B, I = 0, 1, 2  # noqa: E741


def to_tags(spans: Iterable[tuple[int, int]], length: int) -> NDArray[np.int64]:
    """Return the IOB2 tags, shape (length,), of half-open piece spans that do not overlap."""
    tags = np.zeros(length, dtype=np.int64)
    for start, end in spans:
        tags[start] = B
        tags[start + 1 : end] = I
    return tags


def to_typed_tags(spans: Iterable[tuple[int, int, int]], length: int) -> NDArray[np.int64]:
    """Return the tags, shape (length,), of (start, end, type) spans that do not overlap."""
    tags = np.zeros(length, dtype=np.int64)
    for start, end, type in spans:
        tags[start] = 1 + 2 * type
        tags[start + 1 : end] = 2 + 2 * type
    return tags


def to_spans(tags: Sequence[int]) -> list[tuple[int, int]]:
    """Return the half-open piece spans of IOB2 tags. An `I` that follows no span is no span."""
    spans: list[tuple[int, int]] = []
    start: int | None = None
    for index, tag in enumerate([*tags, O]):
        if tag != I and start is not None:
            spans.append((start, index))
            start = None
        if tag == B:
            start = index
    return spans
