"""One sentence's entity counts by part: by type, by length of the mention, and by whether training states it.

A mention that was found counts as right in the part of the gold mention (of the predicted one, where the gold has
no type); a missed one as missed in its own part; a wrong one as wrong in the part that the prediction names. So the
recall of a part is over the gold mentions of it, the precision over the predicted ones, and the parts add up to the
whole. Whether training states a mention is asked of gold mentions alone, so there is recall and no precision.
"""

from __future__ import annotations

from collections.abc import Callable, Set

from mere.metrics.counts import Counts
from mere.metrics.entities import Matched
from mere.metrics.lengths import length_of
from mere.metrics.seen_in_training import MentionSurface, mention_surface
from mere.types import Entity

NO_TYPE = "?"


def type_of(entity: Entity) -> str:
    """Return the mention's type, "?" where it has none."""
    return entity.type if entity.type is not None else NO_TYPE


def by_type(matched: Matched) -> dict[str, Counts]:
    """Count by entity type."""
    return _by(matched, lambda gold, found: type_of(gold if gold.type is not None else found))


def by_length(matched: Matched) -> dict[str, Counts]:
    """Count by the bucket of the mention's length (`mere.metrics.lengths`)."""
    return _by(matched, lambda gold, _: length_of(gold.text))


def by_seen(matched: Matched, seen: Set[MentionSurface]) -> tuple[Counts, Counts]:
    """Count found and missed gold mentions: first those that training states, then the others; fp is 0."""
    parts = [Counts(), Counts()]
    for gold, counts in (
        *((gold, Counts(tp=1)) for gold, _ in matched.right),
        *((gold, Counts(fn=1)) for gold in matched.missed),
    ):
        parts[mention_surface(gold) not in seen] += counts
    return parts[0], parts[1]


def _by(matched: Matched, part: Callable[[Entity, Entity], str]) -> dict[str, Counts]:
    found: dict[str, Counts] = {}

    def add(name: str, counts: Counts) -> None:
        found[name] = found.get(name, Counts()) + counts

    for gold, predicted in matched.right:
        add(part(gold, predicted), Counts(tp=1))
    for entity in matched.wrong:
        add(part(entity, entity), Counts(fp=1))
    for entity in matched.missed:
        add(part(entity, entity), Counts(fn=1))
    return found
