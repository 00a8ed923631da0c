"""Recall on triples whose surface the training data states, and on those it does not: memory flatters.

A surface is (subject text, relation, object text) without regard to case, spacing and Unicode composition,
and without regard to language: a fact learnt in one language counts as seen in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from mere.data.surface import normalise
from mere.types import Sentence, Triple

Surface = tuple[str, str, str]


def surface(triple: Triple) -> Surface:
    """Return the triple's surface, the same for every way to write or space it."""
    return normalise(triple.subject.text), triple.relation, normalise(triple.object.text)


def surface_index(train: Iterable[Sentence]) -> set[Surface]:
    """Collect the surfaces of every triple of the training sentences, over all languages."""
    return {surface(triple) for sentence in train for triple in sentence.triples}
