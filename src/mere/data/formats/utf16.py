"""Offsets that count UTF-16 units, as browsers and Java do, to code points and back.

The two differ only after characters beyond U+FFFF, which are two units (a surrogate pair) and one code point.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Literal

from mere.data.surface import inside_character, inside_word

Unit = Literal["UTF-16 units", "code points", "both"]


class Utf16:
    """The offsets of one text; they cost nothing in a text without characters beyond U+FFFF."""

    def __init__(self, text: str):
        far = [] if text.isascii() else [place for place, char in enumerate(text) if char > "\uffff"]
        self._far = far
        self._far_units = [place + number for number, place in enumerate(far)]

    @property
    def differs(self) -> bool:
        """Whether the text has a character of two units."""
        return bool(self._far)

    def to_code_points(self, units: int) -> int:
        """Return an offset in code points; one inside a surrogate pair falls after its character.

        What lies beyond the end stays beyond it, so that whoever checks offsets sees it.
        """
        return units - bisect_right(self._far_units, units - 2)

    def from_code_points(self, offset: int) -> int:
        """Return an offset in UTF-16 units."""
        return offset + bisect_left(self._far, offset)

    def splits(self, units: int) -> bool:
        """Whether an offset falls inside a surrogate pair."""
        place = bisect_left(self._far_units, units - 1)
        return place < len(self._far_units) and self._far_units[place] == units - 1


def likelier_unit(text: str, spans: Iterable[tuple[int, int, str | None]]) -> Unit:
    """Say which unit spans count: that in which more of them hold the text they state, then cut fewer words.

    Args:
        text: the text they point into.
        spans: start, end and the text of each where its file states it.

    Returns:
        "both" where the text has no character that tells the units apart; UTF-16 where they fit equally well.
    """
    unit = Utf16(text)
    if not unit.differs:
        return "both"
    as_units = as_points = (0, 0)
    for start, end, stated in spans:
        split = unit.splits(start) + unit.splits(end)
        as_points = _plus(as_points, _misfit(text, start, end, stated))
        as_units = _plus(
            as_units, _misfit(text, unit.to_code_points(start), unit.to_code_points(end), stated)
        )
        as_units = _plus(as_units, (0, split))
    return "code points" if as_points < as_units else "UTF-16 units"


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def _misfit(text: str, start: int, end: int, stated: str | None) -> tuple[int, int]:
    """Return how many stated texts are not there (0 or 1), and how many borders cut a word or a character."""
    cuts = sum(
        place > len(text) or inside_word(text, place) or inside_character(text, place)
        for place in (start, end)
    )
    return int(stated is not None and text[start:end] != stated), cuts
