"""Rows that are no words: pieces of words as subword tokenisers mark them, and signs that stand for a space.

    Pau      B-PER        ▁Pau  B-PER        Pau@@  B-PER        박     B-PS
    ##la     I-PER        la    I-PER        la     I-PER        <SP>   O

Pieces stand side by side in the text, and stay the tokens; a sign for a space becomes one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import Enum

from mere.data.formats.conll_rows import Block
from mere.data.formats.tally import Tally

_SIGNS_OF_SPACE = ("<SP>", "[SP]", "<sp>", "<SPACE>", "<space>", "[SPACE]", "␣", "▁", "_")
_LEAST = 2  # rows that show a convention


class Pieces(Enum):
    """How pieces of words are marked."""

    CONTINUES = "##"  # before every piece but a word's first
    BEGINS = "▁"  # before a word's first
    GOES_ON = "@@"  # after every piece but a word's last


class Prefix(str):
    """What stands before every token of a file, such as the `de:` of WikiANN."""


Convention = Pieces | Prefix | str | None
"""How rows are made that are no words: marked pieces, a prefix, the sign that stands for a space, or none of these."""
_PREFIX = re.compile(r"[a-z]{2,3}:(?=.)")


def convention_of(sentences: Sequence[Sequence[str]]) -> Convention:
    """Return what the rows of a file are, by its first sentences."""
    tokens = [token for sentence in sentences for token in sentence]
    total = len(tokens)
    prefixes = {match[0] if (match := _PREFIX.match(token)) else "" for token in tokens}
    if total >= _LEAST and len(prefixes) == 1 and "" not in prefixes:
        return Prefix(prefixes.pop())
    firsts = [sentence[0] for sentence in sentences if sentence]
    counts = Counter(token for token in tokens if token in _SIGNS_OF_SPACE)
    for sign, count in counts.most_common():
        others = [token for token in tokens if token != sign]
        letters = sum(len(token) == 1 or "\u0e00" <= token[0] <= "\u0eff" for token in others)  # or Thai, Lao
        if letters and count >= _LEAST - (sign != "_") and (letters >= 0.95 * len(others) or len(sign) > 2):
            return sign
    hashes = sum(token.startswith("##") and len(token) > 2 for token in tokens)
    if hashes >= _LEAST and 20 * hashes >= total and not any(first.startswith("##") for first in firsts):
        return Pieces.CONTINUES
    begun = sum(token.startswith("▁") for token in tokens)
    if begun >= _LEAST and 3 * begun >= total and all(first.startswith("▁") for first in firsts):
        return Pieces.BEGINS
    going = sum(token.endswith("@@") and len(token) > 2 for token in tokens)
    if going >= _LEAST and 20 * going >= total:
        return Pieces.GOES_ON
    return None


def apply(convention: Convention, block: Block, tally: Tally) -> None:
    """Take the marks and signs out of a sentence's rows, in place, and count them."""
    if isinstance(convention, Prefix):
        tally.repaired[f'"{convention}" taken off the tokens'] += len(block.tokens)
        block.tokens = [token.removeprefix(convention) for token in block.tokens]
    elif isinstance(convention, str):
        tally.repaired[f'rows "{convention}" read as a space'] += block.tokens.count(convention)
        block.tokens = [" " if token == convention else token for token in block.tokens]
    elif convention is not None and not block.broken:
        _join(convention, block, tally)


def _join(convention: Pieces, block: Block, tally: Tally) -> None:
    mark = convention.value
    rows = [row for row, token in enumerate(block.tokens) if token != mark]
    tokens = [block.tokens[row] for row in rows]
    if convention is Pieces.BEGINS:
        begins = [
            token.startswith(mark) or (row > 0 and block.tokens[row - 1] == mark)
            for row, token in zip(rows, tokens, strict=True)
        ]
    elif convention is Pieces.CONTINUES:
        begins = [not token.startswith(mark) for token in tokens]
    else:
        begins = [True, *(not token.endswith(mark) for token in tokens[:-1])]
    tally.repaired[f'pieces marked with "{mark}", joined into words'] += len(begins) - sum(begins)
    tags = [_tag(block, row, mark) for row in rows]
    block.lines = [block.lines[row] for row in rows]
    block.tokens = [
        token.removesuffix(mark) if convention is Pieces.GOES_ON else token.removeprefix(mark)
        for token in tokens
    ]
    block.tags = tags
    block.glued = [not begin for begin in begins[1:]] + [False]


def _tag(block: Block, row: int, mark: str) -> str:
    """Return the tag of a row; that of a mark that stands alone before it, where an entity begins with the mark."""
    tag, before = block.tags[row], block.tags[row - 1] if row and block.tokens[row - 1] == mark else "O"
    return before if before[:1] == "B" and tag[:1] == "I" and tag[1:] == before[1:] else tag
