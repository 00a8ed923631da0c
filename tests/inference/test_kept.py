"""Rows that are kept are those that would be computed, however few there is place for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mere.inference.kept import KeptRows


@given(st.lists(st.lists(st.integers(-3, 20), min_size=1, max_size=12), max_size=8), st.integers(0, 10))
def test_the_rows_are_those_of_their_keys(calls: list[list[int]], most: int) -> None:
    kept = KeptRows(most_bytes=most * 8)
    for numbers in calls:

        def compute(new: list[int], numbers: list[int] = numbers) -> NDArray[np.float32]:
            return np.array([[numbers[i], 2 * numbers[i]] for i in new], np.float32).reshape(-1, 2)

        keys = [None if number < 0 else number for number in numbers]
        assert kept(keys, compute).tolist() == [[number, 2 * number] for number in numbers]


def test_a_row_is_computed_once() -> None:
    asked: list[int] = []

    def compute(new: list[int]) -> NDArray[np.float32]:
        asked.extend(new)
        return np.ones((len(new), 4), np.float32)

    kept = KeptRows()
    for _ in range(3):
        kept(["a", "b", "a", None], compute)
    assert asked == [2, 1, 3, 3, 3]  # "a" by its last index, "b", and None each time
