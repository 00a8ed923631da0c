"""Byte-to-span's windows and their merging: worked by hand, then that no border loses or doubles an entity."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mere.data.windows import STOP, Symbols, overlapping_windows, random_windows, span_targets, within
from mere.decoding.crf import TypedSpan
from mere.decoding.span_windows import Window, join_windows
from tests.models.tiny_entities import LOC, ORG, PER, example


def test_windows_by_hand() -> None:
    """Windows of 10 bytes that share 4, over the 22 bytes of `Ann Lee saw Jo in Köl`.

    0         1         2
    0123456789012345678901
    Ann Lee saw Jo in Köl      ö is the bytes 19 and 20
    [--------]                  0 … 10   answers for starts before (10 + 6) / 2 = 8
          [--------]            6 … 16   before (16 + 12) / 2 = 14
                [--------]     12 … 22   the rest
    """
    text = "Ann Lee saw Jo in Köl"
    assert len(text.encode()) == 22
    assert overlapping_windows(22, 10, 4) == [0, 6, 12]
    entities = example(text, ["Ann Lee:PER", "Jo:PER", "Köl:LOC"]).entities
    assert entities == ((0, 7, PER), (12, 14, PER), (18, 22, LOC))
    assert within(entities, 0, 10) == [(0, 7, PER)]
    assert within(entities, 6, 10) == [(0, 1, PER), (6, 8, PER)]  # the last letter of Lee, then Jo
    assert within(entities, 12, 10) == [(0, 2, PER), (6, 10, LOC)]
    symbols = Symbols(10, 3)  # STOP, starts 1 … 10, lengths 11 … 20, types 21 … 23
    assert symbols.write([(0, 2, PER), (6, 10, LOC)]) == [1, 12, 23, 7, 14, 21, STOP]
    windows = [
        Window(0, 10, [TypedSpan(0, 7, PER, 0.9)]),
        Window(6, 16, [TypedSpan(6, 7, PER, 0.8), TypedSpan(12, 14, PER, 0.7)]),  # cut
        Window(12, 22, [TypedSpan(12, 14, PER, 0.6), TypedSpan(18, 22, LOC, 0.5)]),  # Jo is named already
    ]
    assert join_windows(windows) == [(0, 7, PER, 0.9), (12, 14, PER, 0.7), (18, 22, LOC, 0.5)]


def test_an_entity_cut_by_a_border_goes_on_in_the_next_window() -> None:
    """Windows 0 … 10, 6 … 16, 12 … 22; an entity from 3 to 20 is longer than any of them."""
    windows = [
        Window(0, 10, [TypedSpan(3, 10, ORG, 0.5)]),
        Window(6, 16, [TypedSpan(6, 16, ORG, 0.5)]),
        Window(12, 22, [TypedSpan(12, 20, ORG, 0.5)]),
    ]
    assert join_windows(windows) == [(3, 20, ORG, 0.125)]
    windows[1] = Window(6, 16, [TypedSpan(6, 10, ORG, 0.5)])  # the next one saw it end just there
    assert join_windows(windows) == [(3, 10, ORG, 0.25)]
    windows[1] = Window(6, 16, [TypedSpan(6, 16, PER, 0.5)])  # another type: it does not go on
    assert join_windows(windows) == []
    windows[1] = Window(6, 16, [])
    assert join_windows(windows) == []


def test_of_two_overlapping_entities_the_more_probable_one_stays() -> None:
    windows = [Window(0, 10, [TypedSpan(5, 9, ORG, 0.4)]), Window(6, 16, [TypedSpan(8, 12, PER, 0.6)])]
    assert join_windows(windows) == [(8, 12, PER, 0.6)]


def test_a_sentence_shorter_than_its_window_has_padding_before_it() -> None:
    made = example("Jo in Rom.", ["Jo:PER", "Rom:LOC"])
    targets = span_targets([made], np.random.default_rng(0), window=16)
    symbols = Symbols(16, 3)
    assert targets.first.tolist() == overlapping_windows(10, 16, 8) == [-6]
    assert targets.symbols.tolist() == [symbols.write([(6, 8, PER), (12, 15, LOC)])]
    assert targets.is_step.all()
    assert not targets.unsaid.any()


@given(st.integers(1, 200), st.integers(2, 60), st.data())
def test_windows_hold_every_piece_and_every_short_range(
    length: int, window: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(1, window - 1))
    firsts = overlapping_windows(length, window, overlap)
    for start in range(length):
        end = min(start + overlap, length)
        assert any(first <= start and end <= first + window for first in firsts)
    drawn = random_windows(length, window, np.random.default_rng(data.draw(st.integers(0, 99))))
    covered = {first + i for first in drawn for i in range(window)}
    assert covered >= set(range(length))
    assert max(covered) == length - 1
    assert len(drawn) <= length // window + 2


@given(st.lists(st.tuples(st.integers(1, 25), st.integers(0, 8), st.integers(0, 2)), max_size=8))
def test_gold_windows_merge_to_the_gold_entities(gaps: list[tuple[int, int, int]]) -> None:
    """Windows that each say the truth of their own pieces give the sentence's truth, whatever the borders cut."""
    entities, place = [], 0
    for size, gap, type_ in gaps:
        entities.append((place + gap, place + gap + size, type_))
        place += gap + size + 1
    windows = []
    for first in overlapping_windows(place + 3, 12, 6):
        inside = within(entities, first, 12)
        windows.append(
            Window(max(first, 0), first + 12, [TypedSpan(first + s, first + e, t, 1.0) for s, e, t in inside])
        )
    assert [span[:3] for span in join_windows(windows)] == entities
