"""Holm's correction against a worked example and against the step-down procedure as he states it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.research.compare.score import holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_a_worked_example() -> None:
    # 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1 is below the one before it
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]


def test_one_test_needs_no_correction_and_no_p_is_above_1() -> None:
    assert holm({"a": 0.04}) == {"a": 0.04}
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def rejected_step_by_step(p_values: list[float], alpha: float) -> set[int]:
    """Reject the smallest p while it is at most alpha / (hypotheses that are left)."""
    left = sorted(range(len(p_values)), key=lambda i: p_values[i])
    rejected: set[int] = set()
    while left and p_values[left[0]] <= alpha / len(left):
        rejected.add(left.pop(0))
    return rejected


@given(P_VALUES, st.floats(0.001, 0.5))
def test_rejects_what_the_step_down_procedure_rejects(p_values: list[float], alpha: float) -> None:
    adjusted = holm(dict(enumerate(p_values)))
    edge = any(abs(p * k - alpha) < 1e-9 for p in p_values for k in range(1, len(p_values) + 1))
    if not edge:  # p * k <= alpha and p <= alpha / k may round apart
        assert {i for i, p in adjusted.items() if p <= alpha} == rejected_step_by_step(p_values, alpha)
