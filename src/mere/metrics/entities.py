"""Entity scores: `entity_f1/strict`, spans exact, roles not asked for.

Where entities are annotated for their own sake (`mere.metrics.annotated`) all of them are scored; elsewhere the
entities are the mentions that take part in triples, whatever their role. A mention is right if a gold mention has
the same span and, where both have a type, the same type: conlleval's and seqeval's strict figure, from characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mere.metrics.counts import Counts
from mere.types import Entity, Span, Triple


@dataclass(frozen=True, slots=True)
class Matched:
    """The mentions of one sentence, told apart; each mention once, in order of position.

    Args:
        right: pairs of a gold and a predicted mention that agree.
        wrong: predicted mentions that no gold one agrees with.
        missed: gold mentions that no predicted one agrees with.
    """

    right: tuple[tuple[Entity, Entity], ...]
    wrong: tuple[Entity, ...]
    missed: tuple[Entity, ...]

    @property
    def counts(self) -> Counts:
        return Counts(len(self.right), len(self.wrong), len(self.missed))


def match(gold: Iterable[Entity], predicted: Iterable[Entity]) -> Matched:
    """Pair the exact mentions of one sentence; a mention given twice counts once on either side.

    One span may carry several types. A mention without a type stands for whatever type the other side gives,
    and one without a type beside a typed one at the same span is the same mention.
    """
    gold_at, predicted_at = _by_span(gold), _by_span(predicted)
    right: list[tuple[Entity, Entity]] = []
    wrong: list[Entity] = []
    missed: list[Entity] = []
    for span in sorted(gold_at.keys() | predicted_at.keys()):
        wanted, given = gold_at.get(span, {}), predicted_at.get(span, {})
        if None in wanted or None in given:  # one mention on that side, of whatever type
            agreeing = list(zip(sorted(wanted, key=str), sorted(given, key=str), strict=False))
        else:
            agreeing = [(type, type) for type in sorted(wanted.keys() & given.keys(), key=str)]
        right += [(wanted[gold_type], given[type]) for gold_type, type in agreeing]
        for of_side, side, rest in ((wanted, 0, missed), (given, 1, wrong)):
            paired = {pair[side] for pair in agreeing}
            rest += [of_side[type] for type in sorted(of_side.keys() - paired, key=str)]
    return Matched(tuple(right), tuple(wrong), tuple(missed))


def triple_entity_counts(gold: Sequence[Triple], predicted: Sequence[Triple]) -> Counts:
    """Count the exact mentions of one sentence that take part in its triples, as `match` pairs them."""
    sides = (
        (mention for triple in side for mention in (triple.subject, triple.object))
        for side in (gold, predicted)
    )
    return match(*sides).counts


def _by_span(entities: Iterable[Entity]) -> dict[Span, dict[str | None, Entity]]:
    """Map each span to its mentions by type; None is a key only where no mention of the span has a type."""
    found: dict[Span, dict[str | None, Entity]] = {}
    for entity in entities:
        of_span = found.setdefault(entity.span, {})
        if entity.type is not None:
            of_span.pop(None, None)
        elif of_span:
            continue
        of_span.setdefault(entity.type, entity)
    return found
