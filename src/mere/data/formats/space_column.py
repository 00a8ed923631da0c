"""The column that says where no space follows a token: by its marks, its name, or what its yes and no go with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

NO_SPACE = re.compile(r"(?:^|\|)(?:NoSpaceAfter|SpaceAfter=No)(?:\||$)", re.IGNORECASE)
SENTENCE_END = re.compile(r"(?:^|\|)EndOfSentence(?:\||$)")
YES = frozenset({"1", "true", "yes", "y", "t"})
NO = frozenset({"0", "false", "no", "n", "f"})
_CLOSING = frozenset(".,;:!?)]}»”…%")
_MOST = 0.9  # the share of closing signs before which the column says the same
_FEW = 0.1  # the share of words before other words of which it may say so too


def has_marks(values: Iterable[str]) -> bool:
    """Whether a column has the marks of a space that does not follow, or of a sentence's end."""
    return any(NO_SPACE.search(value) or SENTENCE_END.search(value) for value in values)


def is_yes_or_no(values: Iterable[str], *, numbers: bool = True) -> bool:
    """Whether a column says yes or no of every row; 1 and 0 are that only where `numbers`."""
    known = YES | NO if numbers else {value for value in YES | NO if value.isalpha() and len(value) > 1}
    found = {value.casefold() for value in values}
    return bool(found) and found <= known


def says_no_space(tokens: Sequence[Sequence[str]], values: Sequence[Sequence[str]]) -> frozenset[str]:
    """Return what a column of yes and no says where no space follows; nothing where it speaks of something else.

    Texts have no space before a full stop or a comma, and one between two words: the value that goes with the
    first and hardly ever with the second.
    """
    closing, words = Counter[str](), Counter[str]()
    for row, says in zip(tokens, values, strict=True):
        for (token, following), value in zip(pairwise(row), says, strict=False):
            if following in _CLOSING:
                closing[value.casefold()] += 1
            elif token[-1:].isalpha() and following[:1].isalpha():
                words[value.casefold()] += 1
    return frozenset(
        value
        for value, count in closing.items()
        if count >= _MOST * closing.total() and words and words[value] <= _FEW * words.total()
    )
