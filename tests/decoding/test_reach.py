"""What decoding's limits leave out of the training facts: counted by hand, and against decoding itself."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mere.data.examples import AlignmentReport, PieceSpan
from mere.decoding.crf import RoleSpan
from mere.decoding.facts import crossed
from mere.decoding.limits import Limits
from mere.decoding.reach import as_long_as_training, beyond, count_beyond
from tests.data.examples_by_hand import make

LIMITS = Limits(relations=2, spans_per_role=2, longest_span=3)


@pytest.mark.parametrize(
    ("triples", "lost"),
    [
        ((), 0),
        ((((0, 1), 0, (2, 3)), ((0, 1), 0, (3, 4))), 0),
        ((((0, 1), 0, (2, 3)), ((0, 1), 0, (3, 4)), ((0, 1), 0, (5, 6))), 1),  # three objects
        ((((0, 1), 0, (2, 6)),), 1),  # too long
        ((((0, 1), 0, (2, 3)), ((0, 1), 1, (2, 3)), ((0, 1), 2, (2, 3))), 1),  # three relations
    ],
)
def test_by_hand(triples: tuple[tuple[tuple[int, int], int, tuple[int, int]], ...], lost: int) -> None:
    assert beyond(make(8, triples), LIMITS) == lost


def test_what_is_within_the_limits_is_what_perfect_heads_would_give() -> None:
    """Of one relation: the pairs that decoding joins when every gold span has probability 1."""
    rng = np.random.default_rng(0)
    pool = [PieceSpan(start, start + size) for start, size in product(range(6), (1, 2, 4))]
    for _ in range(50):
        drawn = rng.integers(len(pool), size=(int(rng.integers(1, 5)), 2)).tolist()
        facts = {(pool[s], pool[o]) for s, o in drawn if pool[s] != pool[o]}
        roles = []
        for spans in ({s for s, _ in facts}, {o for _, o in facts}):
            fit = sorted(span for span in spans if span[1] - span[0] <= LIMITS.longest_span)
            roles.append([RoleSpan(span, 1.0) for span in fit[: LIMITS.spans_per_role]])
        named = {(s.span, o.span) for s, o in crossed([roles]).roles}
        example = make(12, tuple((s, 0, o) for s, o in facts))
        assert beyond(example, LIMITS) == len(facts - named)


def test_the_longest_training_mention_raises_the_longest_span() -> None:
    examples = [make(9, (((0, 5), 0, (6, 7)),)), make(3)]
    assert as_long_as_training(LIMITS, examples).longest_span == 5
    assert as_long_as_training(Limits(), examples) == Limits()


def test_the_report() -> None:
    report = AlignmentReport()
    touching = make(4, (((0, 1), 0, (2, 4)),), entities=((0, 1, 0), (1, 2, 0)), known=(True,))
    count_beyond(report, ["de", "te"], [make(9, (((0, 5), 0, (6, 7)),)), touching], LIMITS, by_types=True)
    assert report.to_json()["de"]["triples_beyond_limits"] == 1
    assert report.to_json()["te"]["entities_beyond_types"] == 2
