"""Argument types: which types of entities a relation's subjects and objects have, as training showed.

A triple whose subject or object is known to be of another type is not named: a prize is nobody's author. What has no
type, and relations that training hardly showed with types, are let through.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from mere.schema import Arguments
from mere.types import Sentence

LEAST_EXAMPLES = 10
"""Triples with types on a side that a relation needs for that side to be told."""
LEAST_SHARE = 0.01
"""Of a side's triples that a type needs: what is rarer is noise."""


def learned(sentences: Iterable[Sentence], types: Iterable[str]) -> tuple[Arguments, ...]:
    """Return the argument types of the relations of annotated sentences, by name; an empty side takes any type.

    Args:
        types: that the model tells; mentions of others tell nothing.
    """
    known = frozenset(types)
    counts: defaultdict[str, tuple[Counter[str], Counter[str]]] = defaultdict(lambda: (Counter(), Counter()))
    for sentence in sentences:
        for triple in sentence.triples:
            for side, mention in zip(counts[triple.relation], (triple.subject, triple.object), strict=True):
                if mention.type in known:
                    side[str(mention.type)] += 1
    found = (Arguments(relation, *map(_usual, counts[relation])) for relation in sorted(counts))
    return tuple(one for one in found if one.subjects or one.objects)


def _usual(side: Counter[str]) -> tuple[str, ...]:
    total = side.total()
    if total < LEAST_EXAMPLES:
        return ()
    return tuple(sorted(type for type, count in side.items() if count >= LEAST_SHARE * total))


def fits(arguments: Mapping[str, Arguments], relation: str, subject: str | None, object: str | None) -> bool:
    """Whether a relation takes a subject and an object of these types; None: a type that is not known."""
    own = arguments.get(relation)
    return own is None or (
        (subject is None or not own.subjects or subject in own.subjects)
        and (object is None or not own.objects or object in own.objects)
    )
