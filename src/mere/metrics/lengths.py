"""How long a mention is, in a measure that fits its script.

Mentions are measured in words, which white space parts: "1 word", "2 words", "3 words", "4+ words". A mention
with a letter of a script written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese, Tibetan) has no
words to count and is measured in characters as readers see them (grapheme clusters, white space left out):
"1-2 characters", "3-4 characters", "5-8 characters", "9+ characters". The two are told apart because a figure
that mixed them would compare scripts and not lengths.
"""

from __future__ import annotations

from functools import lru_cache

import regex

from mere.data.units import UNSPACED_SCRIPTS

WORDS = ("1 word", "2 words", "3 words", "4+ words")
CHARACTERS = ("1-2 characters", "3-4 characters", "5-8 characters", "9+ characters")
LENGTHS = (*WORDS, *CHARACTERS)

_UNSPACED = regex.compile("[" + "".join(rf"\p{{Script={name}}}" for name in UNSPACED_SCRIPTS) + "ー]")
_CHARACTER = regex.compile(r"\X")
_MOST_CHARACTERS = (2, 4, 8)  # of each bucket but the last


@lru_cache(maxsize=65_536)
def length_of(text: str) -> str:
    """Return the bucket, one of `LENGTHS`, that a mention's text falls into; "1 word" for white space alone."""
    if not _UNSPACED.search(text):
        return WORDS[min(max(len(text.split()), 1), len(WORDS)) - 1]
    size = sum(not character.isspace() for character in _CHARACTER.findall(text))
    return CHARACTERS[sum(size > most for most in _MOST_CHARACTERS)]
