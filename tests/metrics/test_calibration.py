"""Calibration against scikit-learn's logistic regression and a loop over bins; the order of scores stays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from mere.metrics.calibration import Curve, expected_error, fit

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def drawn(num: int, temperature: float, offset: float) -> tuple[list[float], list[bool]]:
    chance = np.random.default_rng(5)
    scores = chance.uniform(0.02, 0.98, num)
    truth = 1 / (1 + np.exp(-(np.log(scores / (1 - scores)) / temperature + offset)))
    return scores.tolist(), (chance.uniform(size=num) < truth).tolist()


def test_the_curve_is_that_of_a_logistic_regression() -> None:
    scores, right = drawn(4000, 2.0, 1.0)
    curve = fit(scores, right)
    logits = np.log(np.array(scores) / (1 - np.array(scores)))[:, None]
    theirs = LogisticRegression(C=1e9, tol=1e-10).fit(logits, right)
    assert 1 / curve.temperature == pytest.approx(theirs.coef_[0, 0], abs=5e-3)
    assert curve.offset == pytest.approx(theirs.intercept_[0], abs=5e-3)
    after = expected_error([curve(score) for score in scores], right)
    assert after < 0.03 < 0.1 < expected_error(scores, right)


@given(ANSWERS)
def test_the_error_is_what_a_loop_over_bins_says(answers: list[tuple[float, bool]]) -> None:
    total = 0.0
    for low in range(10):
        own = [a for a in answers if int(a[0] * 10) == low or (low == 9 and a[0] == 1.0)]
        total += abs(sum(s for s, _ in own) - sum(r for _, r in own))
    assert expected_error(*zip(*answers, strict=True)) == pytest.approx(total / len(answers), abs=1e-9)


@given(ANSWERS)
def test_a_curve_never_turns_the_order_round(answers: list[tuple[float, bool]]) -> None:
    curve = fit(*zip(*answers, strict=True))
    through = [curve(score) for score in sorted(score for score, _ in answers)]
    assert through == sorted(through)
    assert all(0.0 <= score <= 1.0 and math.isfinite(score) for score in through)


def test_nothing_to_learn_from_leaves_scores_as_they_are() -> None:
    curve = fit([], [])
    assert (curve.temperature, curve.offset) == (1.0, 0.0)
    assert Curve()(0.3) == pytest.approx(0.3)
    assert expected_error([], []) == 0.0
