"""When two texts are the same for a leak check, and where a mention cuts a word or a character in two."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

from mere.types import Triple

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]")
_UNSPACED = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}"
    r"\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}ー々]"
)
_INVISIBLE = (
    r"(?:(?![\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef])\p{Default_Ignorable_Code_Point}"
    r"|[\p{Z}\p{Cc}\u2800\ufff9-\ufffb])"
)
_INVISIBLE_START = regex.compile(_INVISIBLE)
_INVISIBLE_END = regex.compile(rf"(?<!\p{{M}}(?=[\u200c\u200d])){_INVISIBLE}\Z")
_EXTENDS = regex.compile(r"[\p{M}\u200d\ufe0f\U0001F3FB-\U0001F3FF]")


def normalise(text: str) -> str:
    """Fold case, compose (NFC) and reduce every run of white space to one space."""
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFC", text).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())


def pair(triple: Triple) -> tuple[str, str]:
    """Return the two mentions of a triple, normalised, in an order that does not depend on their roles."""
    first, second = normalise(triple.subject.text), normalise(triple.object.text)
    return (first, second) if first <= second else (second, first)


@lru_cache(maxsize=65_536)
def _in_spaced_word(char: str) -> bool:
    """Whether the character is part of a word in a script that puts spaces between words."""
    return bool(_WORD.match(char)) and not _UNSPACED.match(char)


def inside_word(text: str, position: int) -> bool:
    """Whether a border at `position` has letters, marks or digits of one word on both sides.

    Scripts that write no spaces (Han, Kana, Thai, …) have no such borders.
    """
    if not 0 < position < len(text):
        return False
    return _in_spaced_word(text[position - 1]) and _in_spaced_word(text[position])


def inside_character(text: str, position: int) -> bool:
    """Whether what follows `position` belongs to the character before it (an accent, a vowel sign, a ZWJ)."""
    return 0 < position < len(text) and _EXTENDS.match(text[position]) is not None


def has_invisible_edge(mention: str) -> bool:
    """Whether a mention begins or ends with a character that shows nothing: a zero width space, a mark of direction.

    A joiner or a variation selector after a letter, a vowel sign or an emoji belongs to it.
    """
    return (
        not mention.isascii()
        and (_INVISIBLE_START.match(mention) or _INVISIBLE_END.search(mention)) is not None
    )
