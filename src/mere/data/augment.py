"""Augmentation: the same sentence about somebody else, or in another style of writing.

A mention is replaced by another that plays the same roles (subject of has-author, object of birth-place …) in
the same script somewhere in the training data, in any language, and every offset moves along. Where entities are
learnt, those of a sentence that is annotated with entities alone are replaced by others of their type. A model that is
trained from scratch on a few thousand sentences otherwise learns their names by heart: on sentences whose main
entity never occurs in training, recall was a tenth of what it was on the others (METHOD §3).
"""

from __future__ import annotations

import dataclasses
import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import numpy as np

from mere.data.examples import Annotated
from mere.data.pieces.base import Pieces
from mere.data.units import script_of
from mere.types import Entity, Sentence, Span

Role = tuple[str, int]
"""A relation and a place in it: 0 for its subject, 1 for its object; or an entity type and 2."""


class MentionSwap:
    """Pools of mentions by role and script, and the swap itself.

    Args:
        sentences: the training sentences that mentions are taken from.
        types: entity types whose mentions are swapped where a corpus annotates no triples.
    """

    def __init__(self, sentences: Iterable[Sentence], types: Iterable[str] = ()):
        self._types = frozenset(types)
        pools: dict[tuple[frozenset[Role], str], set[str]] = defaultdict(set)
        for sentence in sentences:
            for span, roles in self._roles(sentence).items():
                mention = sentence.text[span.start : span.end]
                for key in (roles, *(frozenset({role}) for role in roles)):
                    pools[key, script_of(mention)].add(mention)
        self._pools = {key: sorted(pool) for key, pool in pools.items()}

    def __call__(self, sentence: Sentence, rng: np.random.Generator, share: float = 0.7) -> Sentence:
        """Return the sentence with each of its mentions swapped with probability `share`.

        Mentions that overlap another, or play no role in a triple, stay as they are; so does the sentence's id.
        """
        roles = self._roles(sentence)
        spans = sorted(entity.span for entity in sentence.entities)
        free = []
        reached = 0  # the furthest end of a mention so far
        for index, span in enumerate(spans):
            follows = index + 1 == len(spans) or span.end <= spans[index + 1].start
            if span.start >= reached and follows:
                free.append(span)
            reached = max(reached, span.end)
        pieces: list[str] = []
        moved: dict[Span, Span] = {}
        done = length = 0
        for span in free:
            old = sentence.text[span.start : span.end]
            new = self._draw(roles[span], old, rng) if span in roles and rng.random() < share else old
            pieces += [sentence.text[done : span.start], new]
            length += span.start - done
            moved[span] = Span(length, length + len(new))
            length += len(new)
            done = span.end
        pieces.append(sentence.text[done:])
        text = "".join(pieces)

        def move(entity: Entity) -> Entity:
            span = moved.get(entity.span) or _shift(entity.span, moved)
            return Entity(span.start, span.end, text[span.start : span.end], entity.type)

        return sentence.with_mentions(text, move)

    def _roles(self, sentence: Sentence) -> dict[Span, frozenset[Role]]:
        roles: dict[Span, set[Role]] = defaultdict(set)
        for triple in sentence.triples:
            roles[triple.subject.span].add((triple.relation, 0))
            roles[triple.object.span].add((triple.relation, 1))
        entities_only = sentence.relations_covered == frozenset()
        for entity in sentence.entities if entities_only else ():
            if entity.type in self._types:
                roles[entity.span].add((entity.type, 2))
        return {span: frozenset(found) for span, found in roles.items()}

    def _draw(self, roles: frozenset[Role], mention: str, rng: np.random.Generator) -> str:
        """Draw a mention that plays all the roles; where there are hardly any, one that plays one of them."""
        script = script_of(mention)
        pool = self._pools.get((roles, script), [])
        if len(pool) < 5:
            role = sorted(roles)[int(rng.integers(len(roles)))]
            pool = self._pools.get((frozenset({role}), script), pool)
        return pool[int(rng.integers(len(pool)))] if pool else mention


def hide_mentions(example: Annotated, pieces: Pieces, rng: np.random.Generator, share: float) -> Annotated:
    """Return the example with each mention, whole, stripped of what identifies it, with probability `share`.

    What is left of it (of a hashed unit its shape and short affixes) looks like a name that training never saw.
    """
    hidden = [mention for mention in example.mentions if rng.random() < share]
    if not hidden:
        return example
    described = example.pieces.copy()
    for start, end in hidden:
        pieces.hide(described, start, end)
    return dataclasses.replace(example, pieces=described)


_CLOSING = frozenset(".,;:!?)]}»”…%،؛؟।")
_OPENING = frozenset("([{«„¿¡")
_WITHOUT_STROKE = MappingProxyType({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i"})


def _plain(char: str, before: str, after: str = " ") -> str:
    """Return a Latin letter without its diacritics; other scripts' marks tell words apart and stay."""
    if unicodedata.category(char) == "Mn":
        return "" if _plain(before, " ").isascii() else char
    letter = unicodedata.normalize("NFD", char)[0]
    return letter if letter.isascii() else _WITHOUT_STROKE.get(char, char)


def _capitalised(char: str, before: str, after: str) -> str:
    return char if before.isalpha() or unicodedata.category(before) == "Mn" else char.title()


def _spaced_as_in_print(char: str, before: str, after: str) -> str:
    return "" if char == " " and (after in _CLOSING or before in _OPENING) else char


DETOKENISED = "detokenised"
STYLES: Mapping[str, Callable[[str, str, str], str]] = MappingProxyType(
    {
        "upper case": lambda char, before, after: char.upper(),
        "lower case": lambda char, before, after: char.lower(),
        "headline": _capitalised,
        "without diacritics": _plain,
        DETOKENISED: _spaced_as_in_print,
    }
)
"""How each character is written, given the one before and the one after it (a space beyond the ends)."""


def restyle(sentence: Sentence, style: str) -> Sentence:
    """Return the sentence in one of STYLES; its mentions move along where a character becomes two (ß, SS)."""
    write = STYLES[style]
    padded = f" {sentence.text} "
    written = [write(*around) for around in zip(sentence.text, padded, padded[2:], strict=False)]
    place = [0, *itertools.accumulate(map(len, written))]
    text = "".join(written)

    def move(entity: Entity) -> Entity:
        start, end = place[entity.start], place[entity.end]
        return dataclasses.replace(entity, start=start, end=end, text=text[start:end])

    return sentence.with_mentions(text, move)


def _shift(span: Span, moved: dict[Span, Span]) -> Span:
    """Where a span that was not swapped itself has gone: by as much as the last swap before it moved the text."""
    before = [old for old in moved if old.end <= span.start]
    shift = moved[max(before)].end - max(before).end if before else 0
    return Span(span.start + shift, span.end + shift)
