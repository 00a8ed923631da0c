"""What decoding can name at all: how long its spans must be, and the training facts that its limits leave out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from mere.data.examples import AlignmentReport, Annotated
from mere.decoding.limits import Limits
from mere.decoding.types import out_of_reach


def as_long_as_training(limits: Limits, examples: Sequence[Annotated]) -> Limits:
    """Return the limits with a longest span that is at least the longest mention of the examples."""
    longest = max((end - start for example in examples for start, end in example.mentions), default=0)
    return dataclasses.replace(limits, longest_span=max(limits.longest_span, longest))


def beyond(example: Annotated, limits: Limits) -> int:
    """Return how many triples of a sentence decoding would not name even if the heads were right about all.

    They are of more relations than are read on, or have more subjects or objects in one relation, or longer ones.
    """
    lost = 0
    relations = sorted({triple.relation_id for triple in example.triples})
    for place, relation in enumerate(relations):
        facts = [triple for triple in example.triples if triple.relation_id == relation]
        named = []
        for spans in ({fact.subject for fact in facts}, {fact.object for fact in facts}):
            short = sorted(span for span in spans if span.end_piece - span.start_piece <= limits.longest_span)
            named.append(set(short[: limits.spans_per_role]))
        subjects, objects = named
        if place >= limits.relations:
            lost += len(facts)
        else:
            lost += sum(fact.subject not in subjects or fact.object not in objects for fact in facts)
    return lost


def count_beyond(
    report: AlignmentReport,
    languages: Sequence[str],
    examples: Sequence[Annotated],
    limits: Limits,
    *,
    by_types: bool = False,
) -> None:
    """Add to a report what the limits leave out of the examples, each of which is in the language at its place.

    Args:
        by_types: entities are decoded as a type per piece, which merges some and cannot cut a word.
    """
    for lang, example in zip(languages, examples, strict=True):
        report.triples_beyond_limits[lang] += beyond(example, limits)
        if by_types:
            report.entities_beyond_types[lang] += out_of_reach(example.entities, example.begins_word)
