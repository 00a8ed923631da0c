"""What the offsets of a JSON lines file count, told by its mentions, and converting.

Code points are what mere counts. Others count UTF-16 units or bytes, which differ after characters beyond U+FFFF and
beyond ASCII; tokens; or begin at 1, or take an end for the last character.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from mere.data.formats.reading import Offsets, usual_unit
from mere.data.formats.tokens import NotInText, aligned
from mere.data.surface import inside_character, inside_word

NAMES = {
    Offsets.UTF16: "UTF-16 units",
    Offsets.BYTES: "bytes of UTF-8",
    Offsets.TOKENS: "tokens",
    Offsets.TOKENS_INCLUSIVE: "tokens and name the last one",
    Offsets.INCLUSIVE: "characters and name the last one",
    Offsets.FROM_ONE: "characters from 1",
    Offsets.FROM_ONE_INCLUSIVE: "characters from 1 and name the last one",
}
"""What is told from code points, after the words "the offsets count"; of those that fit alike, the first is taken."""
_OF_FEW = (Offsets.UTF16, Offsets.BYTES)  # speak of the few mentions after characters that are several units
_SHIFTS = (Offsets.INCLUSIVE, Offsets.FROM_ONE, Offsets.FROM_ONE_INCLUSIVE)
_LEAST = 2  # mentions that tell the units apart
_LEAST_SHIFTED = 3  # one more, since a letter beside a name may be its ending
_ENOUGH = 1_000  # mentions after which no more are looked at
_CLOSING = ".,;:!?)]}»”"
_GLUED = re.compile(rf"\w[{re.escape(_CLOSING)}](?:\s|$)")  # what a text made of tokens has not
_WORD = re.compile(r"\w+|[^\w\s]")


class Units:
    """The offsets of one text in another unit.

    Args:
        tokens: what the record has under "tokens"; without any, they are what spaces part, or words and signs where
            these are glued.
    """

    def __init__(self, text: str, unit: Offsets, tokens: object = None):
        self._text, self._unit = text, unit
        if unit in _OF_FEW:
            width = _bytes_of if unit is Offsets.BYTES else _units_of
            self._ends = [0, *accumulate(map(width, text))]
        elif unit in (Offsets.TOKENS, Offsets.TOKENS_INCLUSIVE):
            self._tokens = _tokens_of(text, tokens)

    def to_characters(self, start: int, end: int) -> tuple[int, int] | None:
        """Return a mention's offsets in code points, None where they are none in this unit and text."""
        if self._unit in _OF_FEW:
            places = bisect_left(self._ends, start), bisect_left(self._ends, end)
            fits = places[1] < len(self._ends) and (self._ends[places[0]], self._ends[places[1]]) == (
                start,
                end,
            )
            found = places if fits else (-1, -1)
        elif self._unit in (Offsets.TOKENS, Offsets.TOKENS_INCLUSIVE):
            last = end if self._unit is Offsets.TOKENS_INCLUSIVE else end - 1
            fits = 0 <= start <= last < len(self._tokens)
            found = (self._tokens[start][0], self._tokens[last][1]) if fits else (-1, -1)
        else:
            found = (
                start - (self._unit in (Offsets.FROM_ONE, Offsets.FROM_ONE_INCLUSIVE)),
                end + (self._unit is Offsets.INCLUSIVE) - (self._unit is Offsets.FROM_ONE),
            )
        return found if 0 <= found[0] < found[1] <= len(self._text) else None


def _bytes_of(char: str) -> int:
    return 1 if char < "\x80" else 2 if char < "\u0800" else 3 if char <= "\uffff" else 4


def _units_of(char: str) -> int:
    return 2 if char > "\uffff" else 1


def _tokens_of(text: str, tokens: object) -> Sequence[tuple[int, int]]:
    if isinstance(tokens, list) and tokens and all(isinstance(token, str) for token in tokens):
        try:
            return aligned(tokens, text)
        except NotInText:
            pass
    if isinstance(tokens, list) and tokens and all(isinstance(t, list) and len(t) == 2 for t in tokens):
        return [(start, end) for start, end in tokens]
    pattern = _WORD if _GLUED.search(text) else re.compile(r"\S+")
    return [match.span() for match in pattern.finditer(text)]


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
        self._seen: dict[Offsets, list[int]] = {unit: [0, 0, 0] for unit in NAMES}

    def see(self, record: Any) -> None:
        """Take in the mentions of a JSON object, whether or not it is a sentence."""
        text = record.get("text") if isinstance(record, dict) else None
        if not isinstance(text, str):
            return
        open_ = [unit for unit in self._tellable(text) if self._seen[unit][0] < _ENOUGH]
        mentions = list(mentions_of(record)) if open_ else []
        if not mentions:
            return
        plain = [not _fits(text, (item["start"], item["end"]), item.get("text")) for item in mentions]
        for unit in open_:
            units, counts = Units(text, unit, record.get("tokens")), self._seen[unit]
            for item, is_cut in zip(mentions, plain, strict=True):
                stated = item.get("text")
                if unit in _SHIFTS and stated is None and _may_have_ending(text, item["end"]):
                    continue
                other = units.to_characters(item["start"], item["end"])
                if other != (item["start"], item["end"]):
                    counts[0] += 1
                    counts[1] += is_cut
                    counts[2] += other is None or not _fits(text, other, stated)

    def _tellable(self, text: str) -> Iterator[Offsets]:
        for unit in NAMES:
            if not (unit is Offsets.BYTES and text.isascii()) and not (
                unit is Offsets.UTF16 and (text.isascii() or max(text) <= "\uffff")
            ):
                yield unit

    def verdict(self) -> Verdict | None:
        """Return the unit other than characters that the mentions speak for, None where they do not."""
        found = {}
        for unit, (total, cut, cut_too) in self._seen.items():
            shift = unit in _SHIFTS
            least, most = (_LEAST_SHIFTED, 0.9) if shift else (_LEAST, 0.5)
            if total >= least and cut >= most * total and 20 * cut_too <= total:
                found[Verdict(unit, total, cut)] = cut_too / total
        return min(found, key=lambda verdict: found[verdict], default=None)


def _may_have_ending(text: str, end: int) -> bool:
    """Whether what follows is Hangul, whose particles of one letter stand at the end of names."""
    return "\uac00" <= text[end : end + 1] <= "\ud7a3"


def _fits(text: str, span: tuple[int, int], stated: object) -> bool:
    """Whether a mention's text stands at its place; where none is stated, whether it begins and ends with words."""
    start, end = span
    if not 0 <= start < end <= len(text):
        return False
    mention = text[start:end]
    if isinstance(stated, str):
        return mention == stated
    return mention == mention.strip() and not any(
        inside_word(text, place) or inside_character(text, place) for place in span
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


def stated_unit(record: object) -> Offsets | None:
    """Take out of a record what it says that its offsets count, as `mere extract --offsets` writes it."""
    if not isinstance(record, dict):
        return None
    unit = record.get("offsets")
    if not isinstance(unit, str) or usual_unit(unit) not in ("codepoints", "utf16", "bytes"):
        return None
    del record["offsets"]
    return Offsets(usual_unit(unit))


class NoSuchPlace(ValueError):
    """A mention whose offsets are none in the unit that they are said to count."""


def to_characters(record: Any, unit: Offsets) -> int:
    """Make the offsets of a JSON object count characters, in place, and return how many mentions changed.

    Raises:
        NoSuchPlace: offsets fall inside a character, or outside the text.
    """
    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(text, str) or unit is Offsets.CODEPOINTS or (unit in _OF_FEW and text.isascii()):
        return 0
    units = Units(text, unit, record.get("tokens"))
    changed = 0
    for mention in mentions_of(record):
        before = mention["start"], mention["end"]
        after = units.to_characters(*before)
        if after is None:
            raise NoSuchPlace(
                f"no mention stands at {before[0]}:{before[1]}, where offsets count {NAMES[unit]}"
            )
        mention["start"], mention["end"] = after
        changed += after != before
    return changed
