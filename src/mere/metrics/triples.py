"""Triple scores: `triple_f1/strict`, `triple_f1/boundary` and `relation_f1`.

- **strict**: both spans exact, and the relation and its direction right. Entity types are not asked for,
  since triple models predict none. (Papers on typed entities call this the "boundaries" setting, and keep
  "strict" for exact spans with exact types; our `boundary` is not that "boundaries".)
- **boundary**: relation and direction right, both spans roughly right: each predicted mention shares at least
  half of the code points that it and the gold mention cover together (intersection over union >= 0.5). It
  forgives a title or an article more or less, and not a mention of which half is missing. Pairing is
  one to one and as large as possible, so it never counts less than strict does.
- **relation**: which relations a sentence states, wherever their mentions are.
"""

from __future__ import annotations

from collections.abc import Sequence

from mere.metrics.counts import Counts
from mere.types import Span, Triple

MIN_OVERLAP = 0.5  # intersection over union, in code points


def strict_counts(gold: Sequence[Triple], predicted: Sequence[Triple]) -> Counts:
    """Count exact matches between one sentence's triples; equal triples count once on either side."""
    gold_keys = {triple.key for triple in gold}
    predicted_keys = {triple.key for triple in predicted}
    tp = len(gold_keys & predicted_keys)
    return Counts.of_sizes(tp, num_gold=len(gold_keys), num_predicted=len(predicted_keys))


def boundary_counts(gold: Sequence[Triple], predicted: Sequence[Triple]) -> Counts:
    """Count matches between one sentence's triples whose mentions overlap by half or more, one to one."""
    gold_keys = list(dict.fromkeys(triple.key for triple in gold))
    predicted_keys = list(dict.fromkeys(triple.key for triple in predicted))
    fits = [[i for i, key in enumerate(gold_keys) if _roughly_equal(key, other)] for other in predicted_keys]
    tp = _largest_pairing(fits)
    return Counts.of_sizes(tp, num_gold=len(gold_keys), num_predicted=len(predicted_keys))


def relation_counts(gold: Sequence[Triple], predicted: Sequence[Triple]) -> Counts:
    """Count one sentence's set of relations: a relation stated by several triples counts once."""
    wanted, given = ({triple.relation for triple in side} for side in (gold, predicted))
    return Counts.of_sizes(len(wanted & given), num_gold=len(wanted), num_predicted=len(given))


def overlap(a: Span, b: Span) -> float:
    """Share of the code points covered by either span that both cover: 1 if equal, 0 if disjoint."""
    if a == b:
        return 1.0
    shared = min(a.end, b.end) - max(a.start, b.start)
    return shared / (a.end - a.start + b.end - b.start - shared) if shared > 0 else 0.0


def _roughly_equal(a: tuple[Span, str, Span], b: tuple[Span, str, Span]) -> bool:
    return a[1] == b[1] and overlap(a[0], b[0]) >= MIN_OVERLAP and overlap(a[2], b[2]) >= MIN_OVERLAP


def _largest_pairing(fits: Sequence[Sequence[int]]) -> int:
    """Return how many rows can each have a column of their own among `fits[row]` (augmenting paths)."""
    owner: dict[int, int] = {}

    def seat(row: int, tried: set[int]) -> bool:
        for column in fits[row]:
            if column in tried:
                continue
            tried.add(column)
            if column not in owner or seat(owner[column], tried):
                owner[column] = row
                return True
        return False

    return sum(seat(row, set()) for row in range(len(fits)))
