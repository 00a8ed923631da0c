"""Tags of tokens to entities and back, in the schemes that CoNLL files are written in.

    token   Ada    Byron  met  Bo     Ulm    (Bo and Ulm are two entities side by side)
    iob2    B-PER  I-PER  O    B-PER  B-PER  every entity begins with B-
    iob1    I-PER  I-PER  O    I-PER  B-PER  B- only where an entity follows another of its type
    bioes   B-PER  E-PER  O    S-PER  S-PER  the last token is E-, a sole one S-
    bilou   B-PER  L-PER  O    U-PER  U-PER  the same with other letters
    bmes    B-PER  E-PER  O    S-PER  S-PER  the same, M- for the tokens between
    io      PER    PER    O    PER    PER    a run of one type is one entity: those two cannot be told apart

A tag that cannot stand where it does is read as the scorer conlleval reads it, and the mend is noted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

OUTSIDE = "O"
NO_PREFIX = ""
_JOINED = re.compile(r"[|,;+]")


class Scheme(Enum):
    """How entities are written as tags; the value is what `--scheme` takes."""

    IOB2 = "iob2"
    IOB1 = "iob1"
    BIOES = "bioes"
    BILOU = "bilou"
    BMES = "bmes"
    IO = "io"

    @property
    def prefixes(self) -> str:
        """The letters that a tag may begin with."""
        letters = {"iob2": "BI", "iob1": "BI", "bioes": "BIES", "bilou": "BILU", "bmes": "BMES", "io": "I"}
        return letters[self.value]


class TokenSpan(NamedTuple):
    """An entity as a half-open range of tokens and its type."""

    start_token: int
    end_token: int
    type: str


class Mend(NamedTuple):
    """A tag that was read otherwise than it is written: its token, and what was done, in words."""

    token: int
    what: str


class WrongTag(ValueError):
    """A tag that the scheme does not have at all; `token` is its position."""

    def __init__(self, token: int, tag: str, scheme: Scheme):
        self.token = token
        letters = ", ".join(f"{letter}-" for letter in scheme.prefixes)
        super().__init__(f'"{tag}" is no tag of {scheme.name} ({letters} and a type, or O)')


@lru_cache(maxsize=4096)
def split_tag(tag: str) -> tuple[str, str]:
    """Return a tag's letter and its type, ("", "") for O; ("?", tag) for what is no tag of any scheme."""
    if tag == OUTSIDE:
        return NO_PREFIX, ""
    if len(tag) > 2 and tag[1] == "-" and tag[0] in "BIESLUM":
        return tag[0], tag[2:]
    return "?", tag


class SeveralOfAType(ValueError):
    """A tag that joins two of one type, so that nothing tells which goes on; `sign` stands between them."""

    def __init__(self, token: int, sign: str):
        self.token, self.sign = token, sign
        super().__init__(f"token {token + 1}: two tags of a type")


def parts_of(tag: str) -> list[str]:
    """Return the tags that one joins, as files of nested entities do (`I-ORG|B-LOC`); itself where it joins none."""
    parts = _JOINED.split(tag)
    return parts if len(parts) > 1 and all(split_tag(part)[0] != "?" for part in parts) else [tag]


def levels_of(tags: Sequence[str]) -> list[list[str]]:
    """Return the tags of a sentence as sequences of one tag a token: by place where each joins as many, else by type.

    Raises:
        SeveralOfAType: a tag joins two of one type, and others join fewer.
    """
    joined = [parts_of(tag) for tag in tags]
    most = max(map(len, joined), default=1)
    if all(len(parts) == most for parts in joined):
        return [[parts[level] for parts in joined] for level in range(most)]
    by_type: dict[str, list[str]] = {}
    for token, parts in enumerate(joined):
        types = [split_tag(part)[1] for part in parts if part != OUTSIDE]
        if len(set(types)) < len(types):
            raise SeveralOfAType(token, _JOINED.findall(tags[token])[0])
        for part in parts:
            by_type.setdefault(split_tag(part)[1], [OUTSIDE] * len(tags))[token] = part
    return list(by_type.values())


def to_spans(tags: Sequence[str], scheme: Scheme) -> tuple[list[TokenSpan], list[Mend]]:
    """Return the entities of a sentence's tags in order, and what had to be mended to read them.

    Args:
        tags: one a token, such as "B-PER".
        scheme: the scheme they are written in.

    Raises:
        WrongTag: a tag that the scheme does not have.
    """
    spans: list[TokenSpan] = []
    mends: list[Mend] = []
    ending = scheme in (Scheme.BIOES, Scheme.BILOU, Scheme.BMES)
    start, type_ = -1, ""  # the entity that is open, if start is not -1

    def close(end: int, *, ended: bool) -> None:
        nonlocal start
        if start >= 0:
            spans.append(TokenSpan(start, end, type_))
            if ending and not ended:
                mends.append(Mend(end - 1, "an entity without its last tag, ended before the next"))
        start = -1

    for token, tag in enumerate(tags):
        letter, new = split_tag(tag)
        if not letter:
            close(token, ended=False)
            continue
        if letter not in scheme.prefixes:
            raise WrongTag(token, tag, scheme)
        if new == OUTSIDE:  # Universal NER's tool leaves some
            mends.append(Mend(token, f"{tag} read as O"))
            close(token, ended=False)
            continue
        goes_on = start >= 0 and new == type_
        if letter in "SU":
            close(token, ended=False)
            spans.append(TokenSpan(token, token + 1, new))
        elif letter == "B":
            if scheme is Scheme.IOB1 and not goes_on:
                mends.append(Mend(token, "B- where IOB1 writes I-"))
            close(token, ended=False)
            start, type_ = token, new
        elif not goes_on:
            close(token, ended=False)
            if scheme not in (Scheme.IOB1, Scheme.IO):
                mends.append(Mend(token, f"{letter}- that begins an entity read as B-"))
            start, type_ = token, new
        if letter in "EL":
            close(token + 1, ended=True)
    close(len(tags), ended=False)
    return spans, mends


def to_tags(spans: Iterable[TokenSpan], length: int, scheme: Scheme = Scheme.IOB2) -> list[str]:
    """Return one tag a token for entities that do not overlap; the inverse of `to_spans`, save in IO for neighbours.

    Args:
        spans: the entities, in any order.
        length: the number of tokens.
        scheme: the scheme to write.
    """
    tags = [OUTSIDE] * length
    before: TokenSpan | None = None
    for span in sorted(spans):
        start, end, type_ = span
        beside = before is not None and before.end_token == start and before.type == type_
        letters = ["B", *scheme.prefixes[1:2] * (end - start - 1)]
        if scheme is Scheme.IO:
            letters = ["I"] * (end - start)
        elif scheme is Scheme.IOB1 and not beside:
            letters[0] = "I"
        elif scheme in (Scheme.BIOES, Scheme.BILOU, Scheme.BMES):
            letters[-1] = scheme.prefixes[2 if end - start > 1 else 3]
        tags[start:end] = [f"{letter}-{type_}" for letter in letters]
        before = span
    return tags


def fits(sentences: Iterable[Sequence[str]]) -> dict[Scheme, int]:
    """Return how many tags each scheme would have to mend, for the schemes that have all of the tags.

    Args:
        sentences: the tags of every sentence of a file.
    """
    everything = list(sentences)
    letters = {split_tag(tag)[0] for tags in everything for tag in tags} - {NO_PREFIX}
    return {
        scheme: sum(len(to_spans(tags, scheme)[1]) for tags in everything)
        for scheme in Scheme
        if letters <= set(scheme.prefixes)
    }
