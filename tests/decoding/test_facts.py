"""From relations, spans and pairs to facts: limits hold, conflicts are resolved, scores are products."""

from __future__ import annotations

import numpy as np
import pytest

from mere.data.examples import PieceSpan
from mere.decoding.crf import RoleSpan
from mere.decoding.facts import (
    PieceFact,
    crossed,
    joined,
    likely_relations,
    triple_score,
    without_conflict,
)
from mere.decoding.limits import Limits


def test_the_likely_relations_of_each_sentence_best_first() -> None:
    probability = np.array([[0.1, 0.9, 0.02, 0.4], [0.0, 0.01, 0.0, 0.0], [0.3, 0.2, 0.6, 0.5]], np.float32)
    likely = likely_relations(probability, Limits(relations=3, min_relation=0.05))
    assert likely.row.tolist() == [0, 0, 0, 2, 2, 2]
    assert likely.relation.tolist() == [1, 3, 0, 2, 3, 0]
    assert likely.probability.tolist() == probability[likely.row, likely.relation].tolist()


def test_every_subject_goes_with_every_object_but_itself() -> None:
    a, b, c = (RoleSpan(PieceSpan(i, i + 1), 0.5) for i in range(3))
    pairs = crossed([[[a, b], [b, c]], [[], [a]]])
    assert pairs.item.tolist() == [0, 0, 0]
    assert pairs.spans.tolist() == [[0, 1, 1, 2], [0, 1, 2, 3], [1, 2, 2, 3]]
    assert crossed([]).spans.shape == (0, 4)


def test_facts_by_hand() -> None:
    likely = likely_relations(np.array([[0.5, 0.0], [0.0, 1.0]], np.float32), Limits())
    a, b = RoleSpan(PieceSpan(0, 2), 0.5), RoleSpan(PieceSpan(3, 4), 0.25)
    pairs = crossed([[[a], [b]], [[b], [a]]])
    found = joined(likely, pairs, np.array([1.0, 0.5], np.float32), 2)
    assert found == [[(0, (0, 2), (3, 4), 0.0625)], [(1, (3, 4), (0, 2), 0.0625)]]


def fact(relation: int, subject: tuple[int, int], object_: tuple[int, int], score: float) -> PieceFact:
    return PieceFact(relation, PieceSpan(*subject), PieceSpan(*object_), score)


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ([], []),
        ([fact(0, (0, 2), (3, 4), 0.5), fact(0, (0, 2), (5, 6), 0.9)], [1, 0]),  # best first
        ([fact(0, (0, 2), (3, 6), 0.9), fact(0, (0, 2), (4, 6), 0.5)], [0]),  # the object begins elsewhere
        ([fact(0, (0, 2), (3, 6), 0.5), fact(0, (0, 2), (4, 6), 0.9)], [1]),
        ([fact(0, (0, 2), (3, 6), 0.9), fact(1, (0, 2), (4, 6), 0.5)], [0, 1]),  # another relation
        ([fact(0, (0, 2), (3, 6), 0.9), fact(0, (4, 6), (0, 2), 0.5)], [0, 1]),  # another role
        ([fact(0, (0, 2), (3, 4), 0.9), fact(0, (2, 3), (4, 5), 0.5)], [0, 1]),  # neighbours
        # The second loses to the first, so it does not stand in the third's way.
        (
            [fact(0, (0, 2), (5, 6), 0.9), fact(0, (1, 3), (5, 6), 0.8), fact(0, (2, 4), (5, 6), 0.7)],
            [0, 2],
        ),
        ([fact(0, (0, 2), (3, 4), 0.5), fact(0, (0, 1), (3, 4), 0.5)], [1]),  # ties: the first in order
    ],
)
def test_without_conflict_by_hand(facts: list[PieceFact], kept: list[int]) -> None:
    assert without_conflict(facts) == [facts[i] for i in kept]


def test_the_score_of_a_triple_is_the_product_of_its_four() -> None:
    assert triple_score(0.5, 0.8, 0.25, 0.1) == pytest.approx(0.01)
