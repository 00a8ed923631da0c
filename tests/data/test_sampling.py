"""Plans of epochs: quotas by the formula, nothing lost or drawn twice too often, budgets and groups kept."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.data.sampling import (
    PlannedBatch,
    arrange_groups,
    cut_by_budget,
    draw_epoch,
    drawn,
    evenly_spaced,
    plan_epoch,
)
from mere.types import Sentence

Ints = np.ndarray
sizes_of_languages = st.lists(st.integers(1, 40), min_size=1, max_size=6)
temperatures = st.floats(0.5, 50)
seeds = st.integers(0, 2**32 - 1)


def languages(sizes: list[int]) -> Ints:
    return np.repeat(np.arange(1, len(sizes) + 1), sizes)


@settings(deadline=None)
@given(sizes_of_languages, seeds)
def test_at_temperature_1_every_sentence_is_drawn_once(sizes: list[int], seed: int) -> None:
    drawn = draw_epoch(languages(sizes), 1.0, np.random.default_rng(seed))
    assert sorted(drawn.tolist()) == list(range(sum(sizes)))


def test_the_order_is_shuffled() -> None:
    drawn = draw_epoch(languages([50, 50]), 1.0, np.random.default_rng(0)).tolist()
    assert drawn != sorted(drawn)
    assert drawn != draw_epoch(languages([50, 50]), 1.0, np.random.default_rng(1)).tolist()


@settings(deadline=None)
@given(sizes_of_languages, temperatures, seeds)
def test_languages_get_their_share_and_sentences_their_turn(
    sizes: list[int], temperature: float, seed: int
) -> None:
    lang_ids = languages(sizes)
    drawn = draw_epoch(lang_ids, temperature, np.random.default_rng(seed))
    total = sum(sizes)
    assert len(drawn) == total
    shares = [n ** (1 / temperature) for n in sizes]
    quotas = [total * share / sum(shares) for share in shares]
    counts = Counter(lang_ids[drawn].tolist())
    assert all(abs(counts[lang] - quota) < 1 + 1e-6 for lang, quota in enumerate(quotas, start=1))
    for lang, quota in enumerate(quotas, start=1):
        times = Counter(dict.fromkeys(np.flatnonzero(lang_ids == lang).tolist(), 0))
        times.update(index for index in drawn.tolist() if lang_ids[index] == lang)
        assert max(times.values()) - min(times.values()) <= 1, "again only after all were used"
        assert max(times.values()) <= quota // sizes[lang - 1] + 2


def test_quotas_by_hand() -> None:
    counts = Counter(
        languages([81, 16, 1])[draw_epoch(languages([81, 16, 1]), 2.0, np.random.default_rng(3))]
    )
    assert counts == {1: 63, 2: 28, 3: 7}  # 9 : 4 : 1 of 98
    counts = Counter(languages([90, 10])[draw_epoch(languages([90, 10]), 1e9, np.random.default_rng(3))])
    assert counts == {1: 50, 2: 50}


lengths_of_sentences = st.lists(st.integers(1, 60), min_size=1, max_size=60)


@settings(deadline=None)
@given(lengths_of_sentences, st.integers(1, 120))
def test_cut_by_budget_keeps_order_and_budget(lengths: list[int], budget: int) -> None:
    by_length = np.argsort(lengths, kind="stable")
    batches = cut_by_budget(by_length, np.array(lengths), budget)
    assert np.concatenate(batches).tolist() == by_length.tolist()
    for batch, following in zip(batches, [*batches[1:], None], strict=True):
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
        if following is not None:  # one more would not have fitted
            assert (len(batch) + 1) * lengths[following[0]] > budget


def test_cut_by_budget_by_hand() -> None:
    lengths = np.array([1, 2, 2, 5, 9])
    batches = cut_by_budget(np.arange(5), lengths, 6)
    assert [batch.tolist() for batch in batches] == [[0, 1, 2], [3], [4]]
    assert cut_by_budget(np.arange(0), lengths, 6) == []


@settings(deadline=None)
@given(sizes_of_languages, st.integers(2, 4))
def test_groups_hold_different_languages_and_are_as_many_as_can_be(sizes: list[int], m: int) -> None:
    lang_ids = languages(sizes)
    indices = np.random.default_rng(0).permutation(len(lang_ids))
    grouped, alone = arrange_groups(indices, lang_ids, m)
    assert sorted([*grouped.tolist(), *alone.tolist()]) == list(range(len(lang_ids)))
    groups = lang_ids[grouped].reshape(-1, m).tolist()
    assert all(len(set(group)) == m for group in groups)
    num_groups = len(groups)
    # k groups of m need m * k sentences of which no language gives more than k.
    assert num_groups == max(k for k in range(sum(sizes) + 1) if sum(min(n, k) for n in sizes) >= m * k)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 4)), min_size=1, max_size=80),
    temperatures,
    st.integers(16, 200),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.5, 1.0]),
    seeds,
)
def test_a_plan_covers_the_draw_within_its_budget(
    rows: list[tuple[int, int]], temperature: float, budget: int, m: int, share: float, seed: int
) -> None:
    lengths, lang_ids = np.array(rows, dtype=np.int64).T

    def plan() -> list[PlannedBatch]:
        return plan_epoch(
            lengths,
            lang_ids,
            np.random.default_rng(seed),
            temperature=temperature,
            pieces_per_batch=budget,
            group_size=m,
            group_share=share,
        )

    planned = plan()
    drawn = draw_epoch(lang_ids, temperature, np.random.default_rng(seed))
    assert Counter(i for batch in planned for i in batch.indices.tolist()) == Counter(drawn.tolist())
    for batch in planned:
        assert len(batch.indices) == 1 or len(batch.indices) * lengths[batch.indices].max() <= budget
        assert batch.group_size in (1, m)
        if batch.group_size > 1:
            assert share > 0
            groups = lang_ids[batch.indices].reshape(-1, m)
            assert all(len(set(group)) == m for group in groups.tolist())
    again = plan()
    assert [(b.indices.tolist(), b.group_size) for b in again] == [
        (b.indices.tolist(), b.group_size) for b in planned
    ]


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.5, 20, 80), (1.0, 80, 94)])
def test_the_share_of_batches_that_are_concatenated(share: float, least: int, most: int) -> None:
    lang_ids = languages([400] * 4)
    planned = plan_epoch(
        np.full(1600, 10),
        lang_ids,
        np.random.default_rng(0),
        temperature=1.0,
        pieces_per_batch=160,
        group_size=3,
        group_share=share,
    )
    sentences = sum(len(batch.indices) for batch in planned if batch.group_size == 3)  # 15 of 16 at most
    assert least <= 100 * sentences / 1600 <= most


def test_batches_hold_sentences_of_like_length() -> None:
    lengths = np.random.default_rng(0).integers(5, 80, 2000)
    planned = plan_epoch(
        lengths, np.ones(2000, dtype=int), np.random.default_rng(0), temperature=1.0, pieces_per_batch=800
    )
    padded = sum(len(batch.indices) * lengths[batch.indices].max() for batch in planned)
    assert padded < 1.1 * lengths.sum()


def test_who_finds_no_group_does_not_end_in_batches_of_one() -> None:
    """One language has most of the sentences: hardly any groups, and still no more batches than without them."""
    rng = np.random.default_rng(0)
    lengths, lang_ids = rng.integers(5, 40, 3000), languages([2700, 150, 150])

    def sizes(group_size: int) -> list[int]:
        planned = plan_epoch(
            lengths,
            lang_ids,
            np.random.default_rng(1),
            temperature=1.0,
            pieces_per_batch=800,
            group_size=group_size,
            group_share=0.5,
        )
        return [len(batch.indices) for batch in planned if batch.group_size == 1]

    assert sum(size < 10 for size in sizes(3)) <= 3 + sum(size < 10 for size in sizes(1))


def in_languages(sizes: dict[str, int]) -> list[Sentence]:
    return [
        Sentence(f"{lang}{i}", lang, f"{lang} {i}.") for i in range(50) for lang in sizes if i < sizes[lang]
    ]


@given(st.integers(1, 40), st.integers(1, 40), seeds)
def test_a_larger_draw_of_sentences_holds_the_smaller(some: int, more: int, seed: int) -> None:
    sizes = {"de": 3, "te": 30}
    sentences = in_languages(sizes)
    small, large = (drawn(sentences, limit, seed) for limit in sorted((some, more)))
    assert Counter(s.lang for s in small) == {lang: min(n, some, more) for lang, n in sizes.items()}
    taken = {s.id for s in large}
    assert {s.id for s in small} <= taken
    assert [s for s in sentences if s.id in taken] == large, "in the order of the corpus"
    assert drawn(sentences, 0, seed) == sentences


def test_sentences_at_even_distances_by_hand() -> None:
    sentences = in_languages({"de": 7, "te": 2})
    assert [s.id for s in evenly_spaced(sentences, 3)] == ["de0", "de2", "de4", "te0", "te1"]
    assert sorted(s.id or "" for s in evenly_spaced(sentences, 0)) == sorted(s.id or "" for s in sentences)
