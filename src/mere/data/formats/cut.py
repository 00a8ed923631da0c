"""The tokens of a sentence as offsets: those it brings or words, cut where an entity begins or ends inside one."""

from __future__ import annotations

from collections.abc import Iterable

from mere.data.formats.holds import TOKENS
from mere.data.units import Units, without_overlap
from mere.types import Entity, Sentence, Span

_words = Units()


def stated_tokens(sentence: Sentence) -> list[Span] | None:
    """Return the token offsets that the sentence brings, None where it brings none that cover its text."""
    stated = sentence.extra.get(TOKENS)
    if not isinstance(stated, list | tuple):
        return None
    spans: list[Span] = []
    at = 0
    for pair in stated:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(type(n) is int for n in pair):
            return None
        start, end = pair
        if not at <= start < end <= len(sentence.text) or sentence.text[at:start].strip():
            return None
        spans.append(Span(start, end))
        at = end
    return None if sentence.text[at:].strip() else spans


def cut_at(tokens: Iterable[Span], borders: set[int]) -> list[Span]:
    """Return the tokens cut at the borders inside them."""
    if not borders:
        return list(tokens)
    cut: list[Span] = []
    for start, end in tokens:
        inside = sorted(border for border in borders if start < border < end)
        cut += [Span(a, b) for a, b in zip([start, *inside], [*inside, end], strict=True)]
    return cut


def fitting_tokens(sentence: Sentence, spans: Iterable[Span]) -> list[Span]:
    """Return tokens of which each span is a run: white space is a token where a span begins or ends in it.

    Args:
        sentence: its tokens are those of `extra["tokens"]`, else words.
        spans: entities of the sentence.
    """
    stated = stated_tokens(sentence)
    tokens = _words(sentence.text) if stated is None else stated
    starts, ends = {span.start for span in spans}, {span.end for span in spans}
    whole: list[Span] = []
    at = 0
    for token in [*tokens, Span(len(sentence.text), len(sentence.text))]:
        gap = range(at, token.start)
        if any(place in starts or place + 1 in ends for place in gap):
            whole.append(Span(at, token.start))
        if token.start < token.end:
            whole.append(token)
        at = token.end
    return cut_at(whole, starts | ends)


def without_overlaps(entities: Iterable[Entity]) -> list[Entity]:
    """Return the entities that one row of tags can hold, the longest first where they overlap, in order."""
    first: dict[Span, Entity] = {}
    for entity in entities:
        first.setdefault(entity.span, entity)
    return [first[span] for span in without_overlap(first)]
