"""Offsets in other units than code points, for readers whose strings count otherwise. Conversion is at the very edge.

Python counts code points, as mere does everywhere. JavaScript, Java and C# count UTF-16 code units; Go, Rust and files
count bytes of UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import accumulate
from typing import Any

from mere.data.formats.reading import usual_unit
from mere.errors import UserError, nearest


class Unit(StrEnum):
    """What an offset counts."""

    codepoints = "codepoints"
    utf16 = "utf16"
    bytes = "bytes"


def unit_named(name: str) -> Unit:
    """Return the unit of a name: mere's own, or another of the same meaning, such as utf-16.

    Raises:
        UserError: there is none.
    """
    if usual_unit(name) not in list(Unit):
        known = ", ".join(Unit)
        raise UserError(f'no "{name}".{nearest(name, list(Unit))} There are: {known}.')
    return Unit(usual_unit(name))


def in_units(record: Mapping[str, Any], unit: Unit) -> dict[str, Any]:
    """Return a document's JSON with its offsets into `record["text"]` counted in `unit`, and the unit's name in it.

    Code points are what every record has, and leave it as it is.
    """
    if unit is Unit.codepoints:
        return dict(record)
    text = record["text"]
    if text.isascii():
        place: Callable[[int], int] = int
    else:
        size = _utf16_size if unit is Unit.utf16 else _utf8_size
        place = [0, *accumulate(map(size, text))].__getitem__
    moved = {key: [_moved(item, place) for item in record[key]] for key in _LISTS if key in record}
    return {**record, **moved, "offsets": unit.value}


_LISTS = ("entities", "triples", "sentences")


def _moved(item: Mapping[str, Any], place: Callable[[int], int]) -> dict[str, Any]:
    """Return an entity or a sentence, or a triple with its two mentions, at other places."""
    moved: dict[str, Any] = {key: _moved(item[key], place) for key in ("subject", "object") if key in item}
    moved |= {key: place(item[key]) for key in ("start", "end") if key in item}
    return {**item, **moved}


def _utf16_size(char: str) -> int:
    return 2 if char > "\uffff" else 1


def _utf8_size(char: str) -> int:
    return 1 if char < "\x80" else 2 if char < "\u0800" else 3 if char <= "\uffff" else 4
