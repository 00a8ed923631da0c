"""What overlapping windows say of one sentence, as its entities: byte-to-span's last step, without numpy or torch.

Each piece belongs to the window in which it stands farther from a border: the overlap of two windows is halved. A
window answers for the entities that begin in its own pieces, so none is named twice. One that its window's right
border cuts goes on in the next window as long as that one has an entity of the same type across the border, and
is dropped if it has none: the next window saw what comes after, and disagrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mere.decoding.crf import TypedSpan


@dataclass(frozen=True)
class Window:
    """What was written for pieces start … end-1 of a sentence, in order and without overlap."""

    start: int
    end: int
    entities: Sequence[TypedSpan]


def join_windows(windows: Sequence[Window]) -> list[TypedSpan]:
    """Return the entities of a sentence, in order and without overlap, each with its probability.

    An entity of several windows has the product of theirs. Of two that overlap the more probable one stays.

    Args:
        windows: in order, each overlapping the next; the last one ends where the sentence does.
    """
    borders = [(a.end + b.start) // 2 for a, b in pairwise(windows)]
    found: list[TypedSpan] = []
    for index, window in enumerate(windows):
        least = borders[index - 1] if index else window.start
        most = borders[index] if index < len(borders) else window.end
        own = (
            _gone_on(entity, windows, index)
            for entity in window.entities
            if least <= entity.start_piece < most
        )
        found += [entity for entity in own if entity is not None]
    kept: list[TypedSpan] = []
    for entity in sorted(found, key=lambda entity: (-entity.probability, entity)):
        if all(entity[1] <= other[0] or other[1] <= entity[0] for other in kept):
            kept.append(entity)
    return sorted(kept)


def _gone_on(entity: TypedSpan, windows: Sequence[Window], index: int) -> TypedSpan | None:
    """Return an entity with what the next windows add to it; None if one of them does not take it up."""
    start, end, type_id, probability = entity
    while end == windows[index].end and index + 1 < len(windows):
        across = [
            e
            for e in windows[index + 1].entities
            if e.type_id == type_id and e.start_piece < end <= e.end_piece
        ]
        if not across:
            return None
        end, probability, index = across[0].end_piece, probability * across[0].probability, index + 1
    return TypedSpan(start, end, type_id, probability)
