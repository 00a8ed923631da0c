"""What a batch teaches: one small case with every array by hand, then what must hold for any sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.data.examples import Annotated
from mere.data.tagging import to_spans
from mere.data.targets import TripleTargets, entity_targets, targets_of, triple_targets
from mere.data.units import without_overlap
from tests import tiny
from tests.data.examples_by_hand import make


class InOrder(np.random.Generator):
    """Draws whatever comes first, so that a hand can write down what is drawn."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def permutation(self, x: Any, axis: int = 0) -> Any:
        return np.arange(x)

    def integers(self, *args: Any, **kwargs: Any) -> Any:
        return 0


A = make(4, (((0, 1), 0, (2, 3)), ((0, 1), 0, (3, 4))), covered=(True, True, False))
B = make(2, (((0, 1), 2, (1, 2)),), complete=False, lang_id=0)


def test_every_array_by_hand() -> None:
    wanted = triple_targets([A, B], InOrder(), negatives=2, incomplete_negative=0.25)
    assert wanted.relation.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert wanted.relation_weight.tolist() == [[1, 1, 0], [0.25, 0.25, 1]]
    # A's relation 0, then the one relation that A covers and does not state; B's relation 2 and no negative.
    assert wanted.tag_row.tolist() == [0, 0, 1]
    assert wanted.tag_relation.tolist() == [0, 1, 2]
    assert wanted.tags.tolist() == [
        [[1, 0, 0, 0], [0, 0, 1, 1]],
        [[0, 0, 0, 0], [0, 0, 0, 0]],
        [[1, 0, 0, 0], [0, 1, 0, 0]],
    ]
    # Stated pairs first; then as many wrong ones, the first in order: A's object one piece too long to the left.
    assert wanted.pair_row.tolist() == [0, 0, 0, 0, 1, 1]
    assert wanted.pair_relation.tolist() == [0, 0, 0, 0, 2, 2]
    assert wanted.pair_spans.tolist() == [
        [0, 1, 2, 3],
        [0, 1, 3, 4],
        [0, 1, 1, 3],
        [0, 1, 2, 4],
        [0, 1, 1, 2],
        [0, 1, 0, 2],
    ]
    assert wanted.pair_stated.tolist() == [1, 1, 0, 0, 1, 0]


def test_a_tagger_that_is_not_told_the_relation_has_an_item_per_sentence() -> None:
    two = make(4, (((0, 1), 0, (1, 2)), ((2, 3), 1, (3, 4))), covered=(True, True, False))
    nothing, lost, unknown = make(4), make(4, stated=(1,)), make(4, complete=False)
    wanted = triple_targets(
        [two, nothing, lost, unknown, B], InOrder(), negatives=2, incomplete_negative=1.0, tell_relation=False
    )
    assert wanted.tag_row.tolist() == [0, 1, 4]
    assert wanted.tag_relation.tolist() == [0, 0, 0]
    assert wanted.tags.tolist() == [
        [[1, 0, 1, 0], [0, 1, 0, 1]],  # the subjects and objects of both relations
        [[0, 0, 0, 0], [0, 0, 0, 0]],
        [[1, 0, 0, 0], [0, 1, 0, 0]],
    ]
    # Whatever decoding can join is taught for each relation: the other's pair, and subjects with the other's object.
    for relation, stated in ((0, (0, 1, 1, 2)), (1, (2, 3, 3, 4))):
        rows = (wanted.pair_row == 0) & (wanted.pair_relation == relation)
        taught = {
            tuple(s): p
            for s, p in zip(wanted.pair_spans[rows].tolist(), wanted.pair_stated[rows], strict=True)
        }
        for pair in ((0, 1, 1, 2), (0, 1, 3, 4), (2, 3, 1, 2), (2, 3, 3, 4)):
            assert taught[pair] == (pair == stated)


def test_sentences_that_state_nothing() -> None:
    wanted = triple_targets(
        [make(3), make(2, complete=False)], InOrder(), negatives=0, incomplete_negative=0.5
    )
    assert wanted.relation_weight.tolist() == [[1, 1, 1], [0.5, 0.5, 0.5]]
    assert wanted.tags.shape == (0, 2, 3)
    assert wanted.pair_spans.shape == (0, 4)
    assert wanted.pair_stated.shape == wanted.tag_row.shape == (0,)


def test_overlapping_subjects_leave_the_longest_to_the_tags_and_all_to_the_pairs() -> None:
    example = make(5, (((0, 3), 0, (4, 5)), ((1, 2), 0, (4, 5))))
    wanted = triple_targets([example], InOrder(), negatives=0, incomplete_negative=1.0)
    assert wanted.tags[0].tolist() == [[1, 2, 2, 0, 0], [0, 0, 0, 0, 1]]
    stated = wanted.pair_spans[wanted.pair_stated == 1].tolist()
    assert stated == [[0, 3, 4, 5], [1, 2, 4, 5]]


@pytest.mark.parametrize("seed", range(10))
def test_every_crossed_pair_is_a_negative(seed: int) -> None:
    example = make(6, (((0, 1), 0, (2, 3)), ((1, 2), 0, (3, 4))), complete=False)
    wanted = triple_targets([example], np.random.default_rng(seed), negatives=1, incomplete_negative=1.0)
    pairs = dict(zip(map(tuple, wanted.pair_spans.tolist()), wanted.pair_stated.tolist(), strict=True))
    assert pairs[0, 1, 2, 3] == pairs[1, 2, 3, 4] == 1
    assert pairs[0, 1, 3, 4] == pairs[1, 2, 2, 3] == 0
    assert len(pairs) == len(wanted.pair_row) == 6, "and as many others as are stated"


def test_a_relation_whose_triple_was_lost_is_stated_and_never_tagged() -> None:
    example = make(3, stated=(1,), covered=(False, True, False))
    for seed in range(10):
        wanted = triple_targets([example], np.random.default_rng(seed), negatives=3, incomplete_negative=1.0)
        assert wanted.relation.tolist() == [[0, 1, 0]]
        assert len(wanted.tag_row) == len(wanted.pair_row) == 0


def test_each_sentence_of_a_group_keeps_its_own_covered_relations() -> None:
    """The first trap of METHOD section 7: not what all of them cover."""
    group = [make(2, covered=tuple(i == relation for i in range(3))) for relation in range(3)]
    wanted = triple_targets(group, np.random.default_rng(0), negatives=3, incomplete_negative=1.0)
    assert wanted.relation_weight.tolist() == np.eye(3).tolist()
    assert list(zip(wanted.tag_row, wanted.tag_relation, strict=True)) == [(0, 0), (1, 1), (2, 2)]
    assert not wanted.tags.any()


@st.composite
def examples(draw: st.DrawFn) -> Annotated:
    length = draw(st.integers(1, 8))
    span = st.integers(0, length - 1).flatmap(
        lambda start: st.tuples(st.just(start), st.integers(start + 1, length))
    )
    triples = draw(st.lists(st.tuples(span, st.integers(0, 2), span), max_size=4, unique=True))
    return make(
        length,
        tuple(triples),
        covered=draw(st.tuples(*[st.booleans()] * 3)),
        complete=draw(st.booleans()),
    )


def pairs_of(wanted: TripleTargets, row: int, relation: int, stated: int) -> set[tuple[int, ...]]:
    chosen = (wanted.pair_row == row) & (wanted.pair_relation == relation) & (wanted.pair_stated == stated)
    return set(map(tuple, wanted.pair_spans[chosen].tolist()))


@settings(deadline=None)
@given(st.lists(examples(), min_size=1, max_size=4), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_targets_of_any_sentences(batch: list[Annotated], negatives: int, seed: int) -> None:
    wanted = triple_targets(batch, np.random.default_rng(seed), negatives=negatives, incomplete_negative=0.5)
    for row, example in enumerate(batch):
        for relation in range(3):
            facts = [t for t in example.triples if t[1] == relation]
            assert wanted.relation[row, relation] == bool(facts)
            unknown = 0.0 if not example.is_covered[relation] else 1.0 if example.complete else 0.5
            assert wanted.relation_weight[row, relation] == (1.0 if facts else unknown)
            items = np.flatnonzero((wanted.tag_row == row) & (wanted.tag_relation == relation))
            assert len(items) == 1 if facts else len(items) <= 1
            for item, role in ((item, role) for item in items for role in (0, 1)):
                expected = without_overlap((t[0], t[2])[role] for t in facts)
                assert to_spans(wanted.tags[item, role].tolist()) == expected
            if len(items) and not facts:
                assert example.complete
                assert example.is_covered[relation]
            stated = {(*s, *o) for s, _, o in facts}
            right, wrong = (pairs_of(wanted, row, relation, is_stated) for is_stated in (1, 0))
            assert right == stated
            assert not wrong & stated
            crossed = {(*s, *o) for s, _, _ in facts for _, _, o in facts if s != o}
            assert crossed - stated <= wrong
            assert len(wrong - crossed) <= len(stated)
            assert all(0 <= a < b <= len(example.pieces) for s in wrong for a, b in (s[:2], s[2:]))
        drawn = sum(not wanted.tags[i].any() for i in np.flatnonzero(wanted.tag_row == row))
        free = sum(example.is_covered[r] and not wanted.relation[row, r] for r in range(3))
        assert drawn == (min(negatives, free) if example.complete else 0)
    again = triple_targets(batch, np.random.default_rng(seed), negatives=negatives, incomplete_negative=0.5)
    assert all((getattr(again, name) == getattr(wanted, name)).all() for name in vars(wanted))


def test_entity_targets_by_hand() -> None:
    """The second sentence annotates no type and teaches nothing; the third knows one type of two."""
    batch = [
        make(4, entities=((0, 2, 1), (3, 4, 0)), known=(True, True)),
        make(3, known=(False, False)),
        make(2, entities=((1, 2, 0),), known=(True, False)),
    ]
    wanted = entity_targets(batch)
    assert wanted.row.tolist() == [0, 2]
    assert wanted.tags.tolist() == [[3, 4, 0, 1], [0, 1, 0, 0]]
    assert wanted.is_known.tolist() == [[True, True], [True, False]]


def test_entity_targets_where_nothing_is_annotated() -> None:
    wanted = entity_targets([make(3, known=(False, False)), make(1, known=(False, False))])
    assert (wanted.row.shape, wanted.tags.shape, wanted.is_known.shape) == ((0,), (0, 3), (0, 2))


def test_the_targets_of_a_recipe_are_those_of_its_tasks() -> None:
    """The settings go where they belong, and one generator draws for both tasks, triples first."""
    batch = [make(4, entities=((0, 2, 1),), known=(True, True)), make(3, known=(False, False))]
    only = targets_of(tiny.recipe(task="triples"), batch, np.random.default_rng(0))
    assert only.triples is not None
    assert only.entities is None
    settings = {"task": ["triples", "entities"], "triples": {"negatives": 1, "incomplete_negative": 0.25}}
    both = targets_of(tiny.recipe(**settings), batch, np.random.default_rng(0))
    wanted = triple_targets(batch, np.random.default_rng(0), negatives=1, incomplete_negative=0.25)
    assert all((getattr(both.triples, name) == getattr(wanted, name)).all() for name in vars(wanted))
    assert both.entities is not None
    assert (vars(both.entities)["tags"] == entity_targets(batch).tags).all()
