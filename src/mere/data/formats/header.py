"""The names of columns: whether the first row of a file is its header, and which column a name means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from mere.data.formats.spellings import OUTSIDE_SIGNS, share_standard

TOKEN_NAMES = frozenset({"token", "tokens", "word", "words", "form", "wordform", "surface", "text", "term"})
TAG_NAMES = frozenset(
    {"tag", "tags", "label", "labels", "bio", "biotag", "iob", "iobtag", "entity", "entities"}
)  # and what begins with "ne"
SPACE_NAMES = frozenset({"spaceafter", "whitespace", "trailingspace", "hasspace", "space", "ws"})
NO_SPACE_NAMES = frozenset({"nospaceafter", "nospace", "glued", "isglued"})
SENTENCE_NAMES = frozenset(
    {"sentence", "sentenceid", "sentid", "sentenceno", "sentencenumber", "sentno", "sentnum", "sent", "sid"}
)
_MOST = 0.9  # the share of rows that make a rule


def plain(name: str) -> str:
    """Return a name in small letters, without spaces, hyphens and the like."""
    return re.sub(r"[\W_]", "", name).casefold()


def place_of(header: Sequence[str], names: frozenset[str]) -> int | None:
    """Return the first column whose name is one of the names."""
    return next((place for place, name in enumerate(header) if plain(name) in names), None)


def is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the first row of a file holds the names of the columns of the others."""
    names = [plain(name) for name in first]
    tokens = [place for place, name in enumerate(names) if name in TOKEN_NAMES]
    tags = [
        place
        for place, name in enumerate(names)
        if (name in TAG_NAMES or name.startswith("ne")) and place not in tokens
    ]
    if len(first) < 2 or not others:
        return False
    named = bool(tokens and tags) and all(
        row[place] != first[place] for place in tags for row in others if place < len(row)
    )
    return named or any(
        share_standard({first[place].strip(): 1}, OUTSIDE_SIGNS) == 0
        and (tokens or tags or _is_name(first[place].strip(), place, others))
        and share_standard(Counter(row[place].strip() for row in others if place < len(row)), OUTSIDE_SIGNS)
        >= _MOST
        for place in range(1, len(first))
    )


def _is_name(word: str, place: int, others: Sequence[Sequence[str]]) -> bool:
    """Whether what stands over a column of tags is its name: a word that no tag of the column holds."""
    values = {row[place].strip() for row in others if place < len(row)}
    return len(word) > 2 and word.isalpha() and not any(word in value for value in values)
