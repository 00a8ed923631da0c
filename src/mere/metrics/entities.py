"""Entity scores: `entity_f1/strict`, spans exact, roles not asked for.

In a triple corpus the entities are the mentions that take part in triples, whatever their role; in a corpus
of entities only (`relations_covered` is empty) they are the annotated entities, and all of them are scored. A
mention is right if a gold mention has the same span and, where both have a type, the same type.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mere.metrics.counts import Counts
from mere.types import Entity, Span, Triple


def mentions_of(triples: Iterable[Triple]) -> list[Entity]:
    """Return the subjects and objects of the triples."""
    return [mention for triple in triples for mention in (triple.subject, triple.object)]


def entity_counts(gold: Iterable[Entity], predicted: Iterable[Entity]) -> Counts:
    """Count exact mentions of one sentence; a mention given twice counts once on either side.

    One span may carry several types. A mention without a type stands for whatever type the other side gives,
    and one without a type beside a typed one at the same span is the same mention.
    """
    gold_types, predicted_types = _types_by_span(gold), _types_by_span(predicted)
    tp = 0
    for span in gold_types.keys() & predicted_types.keys():
        wanted, given = gold_types[span], predicted_types[span]
        tp += len(wanted & given) if wanted and given else 1
    return Counts.of_sizes(tp, num_gold=_size(gold_types), num_predicted=_size(predicted_types))


def triple_entity_counts(gold: Sequence[Triple], predicted: Sequence[Triple]) -> Counts:
    """Count the exact mentions of one sentence that take part in its triples."""
    return entity_counts(mentions_of(gold), mentions_of(predicted))


def _types_by_span(entities: Iterable[Entity]) -> dict[Span, set[str]]:
    """Map each span to its types; an empty set means that no type is given."""
    types: dict[Span, set[str]] = {}
    for entity in entities:
        known = types.setdefault(entity.span, set())
        if entity.type is not None:
            known.add(entity.type)
    return types


def _size(types: dict[Span, set[str]]) -> int:
    return sum(max(1, len(of_span)) for of_span in types.values())
