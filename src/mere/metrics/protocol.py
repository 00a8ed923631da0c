"""Which of a sentence's predicted triples count: the corpus may not have annotated everything.

Every triple metric, and the entity and relation metrics of a triple corpus, look only at what
`apply_protocol` lets through (METHOD §5).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from mere.errors import DataError
from mere.types import Prediction, Sentence, Span, Triple


def apply_protocol(sentence: Sentence, prediction: Prediction) -> tuple[Triple, ...]:
    """Return the predicted triples that are scored against the sentence's gold triples.

    1. A triple whose relation the source did not annotate (`relations_covered`) is no false positive.
    2. Triples with the same spans and relation are one triple; the best-scored of them stays.
    3. Where the annotation is incomplete (`complete` is False) only the single best-scored triple, or none,
       is scored. All gold triples of the row still count, so a row with two has at least one miss. A triple
       without a score ranks below every scored one; ties go to the triple named first.

    Raises:
        DataError: a score is not a number.
    """
    kept = unique_triples(triple for triple in prediction.triples if sentence.covers(triple.relation))
    if sentence.complete or not kept:
        return kept
    return (max(kept, key=_confidence),)


def unique_triples(triples: Iterable[Triple]) -> tuple[Triple, ...]:
    """Collapse triples with the same spans and relation into the best-scored one, in order of appearance."""
    best: dict[tuple[Span, str, Span], Triple] = {}
    for triple in triples:
        known = best.get(triple.key)
        if known is None or _confidence(triple) > _confidence(known):
            best[triple.key] = triple
    return tuple(best.values())


def _confidence(triple: Triple) -> float:
    if triple.score is None:
        return -math.inf
    if math.isnan(triple.score):
        raise DataError(
            f"the score of ({triple.subject.text}, {triple.relation}, {triple.object.text}) is not a number, "
            "so the best triple cannot be chosen. Give a score in [0, 1], or None where there is none."
        )
    return triple.score
