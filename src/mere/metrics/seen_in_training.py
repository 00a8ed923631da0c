"""Recall on what the training data states, and on what it does not: memory flatters.

A triple's surface is (subject text, relation, object text), a mention's is (text, type), without regard to case,
spacing and Unicode composition, and without regard to language: what was learnt in one language counts as seen in
all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from mere.data.surface import normalise
from mere.types import Entity, Sentence, Triple

Surface = tuple[str, str, str]
MentionSurface = tuple[str, str | None]


def surface(triple: Triple) -> Surface:
    """Return the triple's surface, the same for every way to write or space it."""
    return normalise(triple.subject.text), triple.relation, normalise(triple.object.text)


def surface_index(train: Iterable[Sentence]) -> set[Surface]:
    """Collect the surfaces of every triple of the training sentences, over all languages."""
    return {surface(triple) for sentence in train for triple in sentence.triples}


def mention_surface(entity: Entity) -> MentionSurface:
    """Return the mention's surface: the same text as another type is another surface."""
    return normalise(entity.text), entity.type


def mention_index(train: Iterable[Sentence]) -> set[MentionSurface]:
    """Collect the surfaces of every annotated entity of the training sentences, over all languages."""
    return {mention_surface(entity) for sentence in train for entity in sentence.entities}
