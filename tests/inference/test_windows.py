"""Windows hold every unit, none more than a model reads, and merging undoes what their edges cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.inference.windows import cut_windows, merge
from mere.types import Entity, Prediction, Span, Triple


def mention(text: str, start: int, end: int, score: float = 0.5, by: int = 0) -> Entity:
    return Entity(start - by, end - by, text[start:end], "NAME", score)


@given(st.integers(0, 400), st.integers(1, 50), st.integers(1, 3))
def test_windows_hold_every_unit_in_order(num_units: int, max_pieces: int, width: int) -> None:
    units = [Span(i * (width + 1), i * (width + 1) + width) for i in range(num_units)]
    windows = cut_windows(units, max_pieces)
    held = [[unit for unit in units if start <= unit.start and unit.end <= end] for start, end in windows]
    assert {unit for some in held for unit in some} == set(units)
    assert all(len(some) <= max_pieces for some in held)
    assert windows == sorted(set(windows))
    if num_units > max_pieces:
        assert all(len(some) == max_pieces for some in held)
        borders = pairwise(held)
        assert all(set(one) & set(other) for one, other in borders) or max_pieces < 4


def test_a_mention_cut_by_an_edge_is_replaced_by_the_whole_one() -> None:
    text = "aa Marie Curie bb"
    left, right = Span(0, 8), Span(3, 17)  # "aa Marie" and "Marie Curie bb"
    whole = merge(
        text,
        [
            (left, Prediction((mention(text, 3, 8, 0.9),), ())),
            (right, Prediction((mention(text, 3, 14, 0.4, by=3),), ())),
        ],
        Span(0, len(text)),
    )
    assert [(e.start, e.end, e.text, e.score) for e in whole.entities] == [(3, 14, "Marie Curie", 0.4)]


def test_a_cut_mention_that_no_neighbour_saw_stays() -> None:
    text = "aa Marie Curie bb"
    parts = [(Span(0, 8), Prediction((mention(text, 3, 8),), ())), (Span(3, 17), Prediction((), ()))]
    assert [e.text for e in merge(text, parts, Span(0, 17)).entities] == ["Marie"]


def test_what_the_neighbour_saw_just_so_is_not_cut() -> None:
    text = "aa Marie Curie bb"
    inner, outer = mention(text, 3, 8, by=3), mention(text, 3, 14, by=3)
    parts = [
        (Span(0, 8), Prediction((mention(text, 3, 8),), ())),
        (Span(3, 17), Prediction((inner, outer), ())),
    ]
    assert [e.text for e in merge(text, parts, Span(0, 17)).entities] == ["Marie", "Marie Curie"]


def test_duplicates_keep_the_best_score_and_triples_share_their_entities() -> None:
    text = "Ada saw Bo"

    def part(score: float, relation_score: float) -> tuple[Span, Prediction]:
        ada, bo = mention(text, 0, 3, score), mention(text, 8, 10, score)
        return Span(0, 10), Prediction((ada, bo), (Triple(ada, "saw", bo, relation_score),))

    merged = merge(text, [part(0.2, 0.7), part(0.6, 0.3)], Span(0, 10))
    assert [e.score for e in merged.entities] == [0.6, 0.6]
    assert [t.score for t in merged.triples] == [0.7]
    assert merged.triples[0].subject is merged.entities[0]


def test_subjects_and_objects_are_entities_even_if_the_model_did_not_list_them() -> None:
    text = "Ada saw Bo"
    triple = Triple(mention(text, 0, 3), "saw", mention(text, 8, 10), 0.5)
    merged = merge(text, [(Span(0, 10), Prediction((), (triple,)))], Span(0, 10))
    assert [e.text for e in merged.entities] == ["Ada", "Bo"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_triples_come_best_first(order: tuple[int, int]) -> None:
    text = "Ada saw Bo"
    both = [
        Triple(mention(text, 0, 3), "saw", mention(text, 8, 10), 0.3),
        Triple(mention(text, 8, 10), "saw", mention(text, 0, 3), 0.8),
    ]
    merged = merge(text, [(Span(0, 10), Prediction((), tuple(both[i] for i in order)))], Span(0, 10))
    assert [t.score for t in merged.triples] == [0.8, 0.3]
