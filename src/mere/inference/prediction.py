"""What a model says of one sentence: the mentions and triples it found, each with its confidence."""

from __future__ import annotations

from dataclasses import dataclass

from mere.types import Entity, Triple


@dataclass(frozen=True, slots=True)
class Prediction:
    """The entities and triples predicted for one sentence, with offsets into that sentence's text.

    Args:
        entities: mentions found, whether or not they take part in a triple.
        triples: facts found; `score` is what the one-triple protocol ranks by (see `mere.metrics.protocol`).
    """

    entities: tuple[Entity, ...] = ()
    triples: tuple[Triple, ...] = ()
