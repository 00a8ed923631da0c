"""What the offsets of a file count: characters, UTF-16 units or bytes, told by all of its mentions; and converting.

The three differ only after characters beyond ASCII (bytes) or beyond U+FFFF (UTF-16 units).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from mere.data.formats.reading import Offsets
from mere.data.surface import inside_character, inside_word

_LEAST = 2  # mentions that tell the units apart
_ENOUGH = 1_000  # mentions after which no more are looked at


class Units:
    """The offsets of one text in another unit."""

    def __init__(self, text: str, unit: Offsets):
        width = _bytes_of if unit is Offsets.UTF8 else _units_of
        self._ends = [0, *accumulate(map(width, text))]

    def to_characters(self, offset: int) -> int | None:
        """Return an offset in characters, None where it falls inside one or outside the text."""
        place = bisect_left(self._ends, offset)
        return place if place < len(self._ends) and self._ends[place] == offset else None


def _bytes_of(char: str) -> int:
    return 1 if char < "\x80" else 2 if char < "\u0800" else 3 if char <= "\uffff" else 4


def _units_of(char: str) -> int:
    return 2 if char > "\uffff" else 1


class Verdict(NamedTuple):
    """What the mentions of a file speak for.

    Args:
        unit: what their offsets count.
        mentions: how many mentions tell it from characters.
        cut: how many of them begin or end inside a word, at white space or beyond the text, read as characters.
    """

    unit: Offsets
    mentions: int
    cut: int


class Evidence:
    """Gathers what the mentions of a file say about the unit of its offsets."""

    def __init__(self) -> None:
        self._seen: dict[Offsets, list[int]] = {unit: [0, 0, 0] for unit in (Offsets.UTF16, Offsets.UTF8)}

    def see(self, record: Any) -> None:
        """Take in the mentions of a JSON object, whether or not it is a sentence."""
        text = record.get("text") if isinstance(record, dict) else None
        if not isinstance(text, str) or text.isascii():
            return
        # Where a mention states its text and that stands there, its offsets count characters, cut word or not.
        mentions = [
            (item["start"], item["end"], item.get("text") == text[item["start"] : item["end"]])
            for item in mentions_of(record)
        ]
        for unit, counts in self._seen.items():
            if counts[0] >= _ENOUGH or (unit is Offsets.UTF16 and max(text) <= "\uffff"):
                continue
            units = Units(text, unit)
            for start, end, stands_there in mentions:
                other = units.to_characters(start), units.to_characters(end)
                if other == (start, end):
                    continue
                counts[0] += 1
                counts[1] += not stands_there and _is_cut(text, start, end)
                counts[2] += other[0] is None or other[1] is None or _is_cut(text, other[0], other[1])

    def verdict(self) -> Verdict | None:
        """Return the unit other than characters that the mentions speak for, None where they do not."""
        found = [
            Verdict(unit, total, cut)
            for unit, (total, cut, cut_too) in self._seen.items()
            if total >= _LEAST and 2 * cut >= total and 20 * cut_too <= total
        ]
        return max(found, key=lambda verdict: verdict.mentions, default=None)


def _is_cut(text: str, start: int, end: int) -> bool:
    if not 0 <= start < end <= len(text):
        return True
    mention = text[start:end]
    return mention != mention.strip() or any(
        inside_word(text, place) or inside_character(text, place) for place in (start, end)
    )


def mentions_of(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every object of a record with a `start` and an `end`: entities, subjects and objects."""
    lists = [record.get("entities"), record.get("triples")]
    for item in (item for value in lists if isinstance(value, list) for item in value):
        if isinstance(item, dict):
            for mention in (item, item.get("subject"), item.get("object")):
                if (
                    isinstance(mention, dict)
                    and type(mention.get("start")) is int
                    and type(mention.get("end")) is int
                ):
                    yield mention


def to_characters(record: Any, unit: Offsets) -> int:
    """Make the offsets of a JSON object count characters, in place, and return how many mentions changed.

    An offset inside a character or outside the text becomes -1: whoever checks offsets refuses it.
    """
    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(text, str) or text.isascii() or unit is Offsets.CHARACTERS:
        return 0
    units = Units(text, unit)
    changed = 0
    for mention in mentions_of(record):
        before = mention["start"], mention["end"]
        after = tuple(-1 if (place := units.to_characters(offset)) is None else place for offset in before)
        mention["start"], mention["end"] = after
        changed += after != before
    return changed
