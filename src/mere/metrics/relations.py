"""Relation scores: `relation_f1`, which relations a sentence states, wherever their mentions are."""

from __future__ import annotations

from collections.abc import Sequence

from mere.metrics.counts import Counts
from mere.types import Triple


def relation_counts(gold: Sequence[Triple], predicted: Sequence[Triple]) -> Counts:
    """Count one sentence's set of relations: a relation stated by several triples counts once."""
    wanted = {triple.relation for triple in gold}
    given = {triple.relation for triple in predicted}
    return Counts.of_sizes(len(wanted & given), num_gold=len(wanted), num_predicted=len(given))
