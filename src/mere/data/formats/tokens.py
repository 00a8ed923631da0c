"""Tokens to a text and their offsets in it: joined as the file shows that they are, or found in a given text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from itertools import pairwise

import regex

from mere.data.units import UNSPACED_SCRIPTS
from mere.types import Span

# The blocks hold what no script owns: ideographic punctuation, ー and ・, the full-width and enclosed forms.
_UNSPACED = regex.compile(
    "["
    + "".join(rf"\p{{Script={name}}}" for name in UNSPACED_SCRIPTS)
    + r"\u3000-\u303f\u30a0-\u30ff\u3200-\u33ff\uff00-\uff9f\uffe0-\uffe6]"
)
_HANGUL = regex.compile(r"\p{Script=Hangul}")

# What a character at a token's border is; Hangul puts spaces even beside the Chinese characters that it mixes in.
_OPEN, _SPACED, _HANGUL_LETTER, _NEUTRAL = range(4)


class Spacing(Enum):
    """What stands between the tokens of a file."""

    BY_SCRIPT = "as their script is written"
    NOTHING = "nothing: spaces are tokens of their own, or there are none"
    UNKNOWN = "not to be known: tokens are single letters of a script with spaces, and no space is shown"


NUM_SAMPLED = 500  # sentences that show it, or as many as have 5,000 tokens
_MOST_TOKENS = 5_000
_LEAST_LETTERS = 5  # fewer may be words: "I", "a", initials
_LETTERS = 0.95  # a file whose tokens are single characters to this share is one of characters


def spacing_of(sentences: Iterable[Sequence[str]]) -> Spacing:
    """Return what stands between the tokens of a file, by its first sentences.

    A reader and a writer that ask about the same sentences get the same answer.
    """
    total = single = blanks = letters = unspaced = pairs = touching = 0
    for number, tokens in enumerate(sentences):
        if number == NUM_SAMPLED or total >= _MOST_TOKENS:
            break
        for token in tokens:
            total += 1
            single += len(token) == 1 or not token.strip()
            blanks += not token.strip()
            kind = _kind(token[0]) if token else _NEUTRAL
            letters += kind != _NEUTRAL
            unspaced += kind == _OPEN
        for before, token in pairwise(tokens):
            if before[-1:].isalnum() and token[:1].isalnum():
                pairs += 1
                touching += 1
            elif not token.strip() or not before.strip():
                pairs += 1
    if total and single >= _LETTERS * total and (blanks or 5 * unspaced > letters):
        return Spacing.NOTHING
    if 5 * blanks >= total > 0 and touching <= 0.05 * pairs:
        return Spacing.NOTHING
    if single >= _LETTERS * total and letters - unspaced >= _LEAST_LETTERS:
        return Spacing.UNKNOWN
    return Spacing.BY_SCRIPT


def letters_joined(tokens: Sequence[str], spacing: Spacing) -> str:
    """Return what is told of letters that may be pieces of words, joined as words are; "" where there are none."""
    if any(not token.strip() for token in tokens):
        return ""
    letters = [len(token) == 1 and _kind(token) in (_SPACED, _HANGUL_LETTER) for token in tokens]
    if spacing is Spacing.NOTHING:
        pairs = any(before and letter for before, letter in pairwise(letters))
        return "sentences with letters of a script with spaces, joined without any" if pairs else ""
    is_all = sum(letters) > 1 and sum(letters) >= sum(any(map(str.isalpha, token)) for token in tokens)
    return "sentences of single letters, joined by spaces" if is_all else ""


def text_of(tokens: Sequence[str], spacing: Spacing) -> tuple[str, list[Span]]:
    """Return the text that the tokens of a file make, and where each stands in it."""
    if spacing is not Spacing.NOTHING:
        return joined(tokens)
    return glued(tokens, [len(a) > 1 and len(b) > 1 and _are_words(a, b) for a, b in pairwise(tokens)])


def glued(tokens: Sequence[str], is_apart: Sequence[bool]) -> tuple[str, list[Span]]:
    """Return the text of tokens with a space after those that say so, and where each stands in it.

    Args:
        is_apart: for every token but the last, whether a space comes after it.
    """
    spans, at = [], 0
    for token, apart in zip(tokens, [*is_apart, False], strict=True):
        spans.append(Span(at, at + len(token)))
        at += len(token) + apart
    parts = [token + " " * apart for token, apart in zip(tokens, [*is_apart, False], strict=True)]
    return "".join(parts), spans


def _are_words(before: str, token: str) -> bool:
    """Whether two tokens beside one another would run into one word of a script that writes spaces."""
    return before[-1].isalnum() and token[0].isalnum() and _OPEN not in (_kind(before[-1]), _kind(token[0]))


class NotInText(ValueError):
    """A token that does not come next in its text; `token` is its position, `place` the offset reached."""

    def __init__(self, token: int, place: int, message: str):
        self.token, self.place = token, place
        super().__init__(message)


def joined(tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """Return the text that the tokens make, and where each stands in it.

    Tokens are joined by a space, save at a border where either side belongs to a script without spaces
    (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan). Digits and punctuation have no script: beside
    one another or beside a word of another script they follow the sentence, whichever kind it has more of.
    """
    text = " ".join(tokens)
    if text.isascii() or not _UNSPACED.search(text):
        spans, at = [], 0
        for token in tokens:
            spans.append(Span(at, at + len(token)))
            at += len(token) + 1
        return text, spans
    without = len(_UNSPACED.findall(text))
    mostly = without > sum(_kind(char) in (_SPACED, _HANGUL_LETTER) for char in text)
    parts, spans, at = [tokens[0]], [Span(0, len(tokens[0]))], len(tokens[0])
    for before, token in pairwise(tokens):
        if _has_space(_kind(before[-1]), _kind(token[0]), mostly):
            parts.append(" ")
            at += 1
        parts.append(token)
        spans.append(Span(at, at + len(token)))
        at += len(token)
    return "".join(parts), spans


def aligned(tokens: Sequence[str], text: str) -> list[Span]:
    """Return where each token stands in `text`; between them there may be white space only.

    Raises:
        NotInText: a token does not come next, or something is left over.
    """
    spans: list[Span] = []
    at = 0
    for position, token in enumerate(tokens):
        start = text.find(token, at)
        if start < 0 or not (start == at or text[at:start].isspace()):
            found = text[at:].lstrip()[: len(token) + 8]
            message = f'token {position + 1} is "{token}" but the text goes on with "{found}"'
            raise NotInText(position, at, message)
        at = start + len(token)
        spans.append(Span(start, at))
    rest = text[at:].strip()
    if rest:
        raise NotInText(len(tokens) - 1, at, f'the text goes on after the last token, with "{rest[:20]}"')
    return spans


@lru_cache(maxsize=65_536)
def _kind(char: str) -> int:
    if _UNSPACED.match(char):
        return _OPEN
    if char.isalpha():
        return _HANGUL_LETTER if _HANGUL.match(char) else _SPACED
    return _NEUTRAL


def _has_space(left: int, right: int, mostly_unspaced: bool) -> bool:
    """Whether a space stands between a token that ends in `left` and one that begins with `right`."""
    if _HANGUL_LETTER in (left, right):
        return True
    if _OPEN in (left, right):
        return False
    return not (mostly_unspaced and _NEUTRAL in (left, right))
