"""What went wrong with a sentence's entities: every wrong or missed mention in exactly one class.

    class      a wrong mention (fp)                          a missed mention (fn)
    type       stands where a gold one of another type does  a predicted one of another type stands there
    boundary   overlaps a gold one of its type               a predicted one of its type overlaps it
    both       overlaps gold ones, of other types only       predicted ones overlap it, of other types only
    spurious   overlaps no gold one                          -
    missed     -                                             no predicted one overlaps it

The first line that fits decides. The other mention may itself be right, or be the other of several: a name
cut in two is two wrong mentions and one missed, all three of the class boundary. So over the classes the wrong
mentions add up to the fp of `entity_f1/strict` and the missed ones to its fn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from mere.metrics.entities import Matched
from mere.metrics.entity_parts import type_of
from mere.metrics.triples import overlap
from mere.types import Entity


class ErrorClass(Enum):
    """The classes of wrong and missed mentions."""

    BOUNDARY = "boundary"
    TYPE = "type"
    BOTH = "both"
    MISSED = "missed"
    SPURIOUS = "spurious"


class Mistake(NamedTuple):
    """A mention that is wrong (a predicted one) or missed (a gold one), and the one its class is owed to, if any."""

    error: ErrorClass
    is_wrong: bool
    mention: Entity
    other: Entity | None

    @property
    def gold(self) -> Entity | None:
        return self.other if self.is_wrong else self.mention

    @property
    def predicted(self) -> Entity | None:
        return self.mention if self.is_wrong else self.other


def mistakes(matched: Matched) -> Iterator[Mistake]:
    """Yield the wrong mentions of a sentence and then the missed ones, each in order of position.

    The mention that a class is owed to is the one that overlaps most (intersection over union), the first in
    the text if several do. A mention without a type stands for every type.
    """
    gold = [*(gold for gold, _ in matched.right), *matched.missed]
    predicted = [*(predicted for _, predicted in matched.right), *matched.wrong]
    for mention in matched.wrong:
        error, other = _class(mention, gold)
        yield Mistake(error or ErrorClass.SPURIOUS, True, mention, other)
    for mention in matched.missed:
        error, other = _class(mention, predicted)
        yield Mistake(error or ErrorClass.MISSED, False, mention, other)


def _class(mention: Entity, others: Iterable[Entity]) -> tuple[ErrorClass | None, Entity | None]:
    """Return the class and the other side's mention; None twice if nothing overlaps."""
    near = [other for other in others if overlap(mention.span, other.span) > 0]
    near.sort(key=lambda other: (-overlap(mention.span, other.span), other.span, type_of(other)))
    for other in near:
        if other.span == mention.span:
            return ErrorClass.TYPE, other
    for other in near:
        if other.type == mention.type or other.type is None or mention.type is None:
            return ErrorClass.BOUNDARY, other
    return (ErrorClass.BOTH, near[0]) if near else (None, None)
