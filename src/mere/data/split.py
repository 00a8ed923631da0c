"""A text into its sentences, each with what is annotated in it; what goes over a border is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from mere.data.formats.holds import TOKENS
from mere.data.formats.tally import Tally
from mere.types import Entity, Sentence, Span, Triple

Cutter = Callable[[str, str | None], list[Span]]
"""Cuts a text, whose language is given, into the spans of its sentences."""


def split_sentence(sentence: Sentence, cut: Cutter, tally: Tally) -> list[Sentence]:
    """Return the sentences of a text; the text itself where it is one.

    A mention keeps the sentences together over whose border it goes. Each part has the id of its text and its
    number, and in `extra` the `document` and the `document_start` that its offsets count from.

    Args:
        sentence: a text of any length.
        cut: what cuts it.
        tally: where sentences kept together, and triples over several sentences, are counted.
    """
    spans = cut(sentence.text, sentence.lang)
    parts = _joined(spans, sentence.entities)
    tally.repaired["sentences kept together by a mention over their border"] += len(spans) - len(parts)
    if len(parts) < 2:
        return [sentence]
    made = [_part(sentence, part, number) for number, part in enumerate(parts, 1)]
    tally.lost["triples over several sentences"] += len(sentence.triples) - sum(
        len(part.triples) for part in made
    )
    return made


def _joined(spans: Iterable[Span], entities: Iterable[Entity]) -> list[Span]:
    """Return the spans, those made one between which a mention stands, so that each mention is in one of them."""
    mentions = sorted(entity.span for entity in entities)
    parts: list[Span] = []
    at = reach = 0  # the mentions that begin before a span, and where the last of them ends
    for span in spans:
        while at < len(mentions) and mentions[at].start < span.start:
            reach = max(reach, mentions[at].end)
            at += 1
        if parts and reach > parts[-1].end:
            parts[-1] = Span(parts[-1].start, span.end)
        else:
            parts.append(span)
    if parts and mentions:  # in the white space around the text
        parts[0] = Span(min(parts[0].start, mentions[0].start), parts[0].end)
        parts[-1] = Span(parts[-1].start, max(parts[-1].end, *(mention.end for mention in mentions)))
    return parts


def _within(entity: Entity, part: Span) -> bool:
    return part.start <= entity.start and entity.end <= part.end


def _part(sentence: Sentence, part: Span, number: int) -> Sentence:
    def moved(entity: Entity) -> Entity:
        return replace(entity, start=entity.start - part.start, end=entity.end - part.start)

    extra: dict[str, Any] = dict(sentence.extra)
    if isinstance(extra.get(TOKENS), list):
        inside = [pair for pair in extra[TOKENS] if part.start <= pair[0] and pair[1] <= part.end]
        extra[TOKENS] = [[start - part.start, end - part.start] for start, end in inside]
    extra.setdefault("document", sentence.id)
    extra["document_start"] = part.start
    return replace(
        sentence,
        id=f"{sentence.id}#{number}",
        text=sentence.text[part.start : part.end],
        entities=tuple(moved(entity) for entity in sentence.entities if _within(entity, part)),
        triples=tuple(
            Triple(moved(t.subject), t.relation, moved(t.object), t.score)
            for t in sentence.triples
            if _within(t.subject, part) and _within(t.object, part)
        ),
        extra=extra,
    )
