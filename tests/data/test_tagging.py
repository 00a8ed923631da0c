"""Tags and spans: one is the other, against a regular expression that knows nothing of ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.data.tagging import to_spans, to_tags, to_typed_tags
from mere.data.units import without_overlap

Spans = list[tuple[int, int]]


@st.composite
def apart(draw: st.DrawFn) -> tuple[Spans, int]:
    """Spans that do not overlap, neighbours included, and the length they stand in."""
    spans: Spans = []
    place = 0
    for gap, size in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=6)):
        spans.append((place + gap, place + gap + size))
        place += gap + size
    return spans, place + draw(st.integers(0, 3))


@settings(deadline=None)
@given(apart())
def test_spans_to_tags_and_back(case: tuple[Spans, int]) -> None:
    spans, length = case
    tags = to_tags(spans, length)
    assert tags.shape == (length,)
    assert to_spans(tags.tolist()) == spans


@settings(deadline=None)
@given(st.lists(st.integers(0, 2), max_size=20))
def test_spans_are_a_b_and_the_is_after_it(tags: list[int]) -> None:
    """Checked by a regular expression over the tags as text."""
    found = [match.span() for match in re.finditer("12*", "".join(map(str, tags)))]
    assert to_spans(tags) == found


def test_hand_cases() -> None:
    assert to_tags([(1, 3), (3, 4), (6, 9)], 9).tolist() == [0, 1, 2, 1, 0, 0, 1, 2, 2]
    assert to_tags([], 2).tolist() == [0, 0]
    assert to_spans([2, 2, 0, 2, 1, 2]) == [(4, 6)], "an I that follows no span is no span"
    assert to_spans([1, 1, 2]) == [(0, 1), (1, 3)]
    assert to_spans([]) == []


pairs = st.tuples(st.integers(0, 12), st.integers(1, 6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@settings(deadline=None)
@given(st.lists(pairs, max_size=8))
def test_without_overlap_keeps_all_that_fits_longest_first(spans: Spans) -> None:
    kept = without_overlap(spans)
    assert kept == sorted(kept)
    assert set(kept) <= set(spans)
    assert to_spans(to_tags(kept, 20).tolist()) == kept, "one BIO sequence holds them"
    for start, end in set(spans) - set(kept):
        rivals = [(a, b) for a, b in kept if a < end and start < b]
        assert any(b - a >= end - start for a, b in rivals), "only a span as long pushes another out"
    assert without_overlap(reversed(spans)) == kept
    assert without_overlap(kept) == kept


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([(0, 3), (1, 2), (3, 4)], [(0, 3), (3, 4)]),
        ([(0, 2), (1, 3)], [(0, 2)]),
        ([(2, 4), (0, 3), (3, 6)], [(0, 3), (3, 6)]),
        ([(0, 1), (0, 1)], [(0, 1)]),
        ([], []),
    ],
)
def test_without_overlap_by_hand(spans: Spans, kept: Spans) -> None:
    assert without_overlap(spans) == kept


@settings(deadline=None)
@given(apart(), st.data())
def test_typed_tags_say_what_plain_ones_do_and_of_which_type(
    case: tuple[Spans, int], data: st.DataObject
) -> None:
    """Checked tag by tag: B is odd, I is the even number after it, and the type is what both share."""
    spans, length = case
    types = data.draw(st.lists(st.integers(0, 3), min_size=len(spans), max_size=len(spans)))
    tags = to_typed_tags([(*span, type_) for span, type_ in zip(spans, types, strict=True)], length)
    assert tags.shape == (length,)
    assert [0 if not tag else 1 if tag % 2 else 2 for tag in tags.tolist()] == to_tags(spans, length).tolist()
    for (start, end), type_ in zip(spans, types, strict=True):
        assert ((tags[start:end] - 1) // 2 == type_).all()


def test_typed_tags_by_hand() -> None:
    assert to_typed_tags([(1, 3, 0), (3, 4, 2), (4, 6, 1)], 7).tolist() == [0, 1, 2, 5, 3, 4, 0]
