"""Donors against planted orders: what a predictor that knows the gains, or only the targets, is worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mere.research.analysis.donors import compare_donors

LANGUAGES = ("ar", "de", "en", "ja", "ru")
PAIRS = [(d, t) for d in LANGUAGES for t in LANGUAGES if d != t]
RNG = np.random.default_rng(2)


def test_a_planted_order_is_found() -> None:
    gains = {pair: float(RNG.normal()) for pair in PAIRS}
    good = {pair: 3 * gain + 10 for pair, gain in gains.items()}
    noise = {pair: float(RNG.normal()) for pair in PAIRS}
    found = compare_donors(LANGUAGES, {"good": good, "noise": noise}, gains)
    assert found.mean_correlation("good") == pytest.approx(1.0)
    assert set(found.correlations["good"]) == set(LANGUAGES)
    assert abs(found.mean_correlation("noise")) < 0.7
    for target in LANGUAGES:
        wanted = sorted((d for d in LANGUAGES if d != target), key=lambda d: -gains[d, target])
        assert [donor for donor, _ in found.ranked("good", target)] == wanted


def test_targets_that_are_easy_to_help_do_not_pass_for_skill() -> None:
    """A predictor that knows the target's level but nothing of its donors is worth nothing."""
    donors = {t: [d for d in LANGUAGES if d != t] for t in LANGUAGES}
    gains = {(d, t): 10.0 * LANGUAGES.index(t) + donors[t].index(d) for d, t in PAIRS}
    level = {(d, t): 10.0 * LANGUAGES.index(t) + (1, 3, 0, 2)[donors[t].index(d)] for d, t in PAIRS}
    x, y = ([scores[pair] for pair in PAIRS] for scores in (level, gains))
    assert stats.spearmanr(x, y).statistic > 0.9
    found = compare_donors(LANGUAGES, {"level": level}, gains)
    assert found.mean_correlation("level") == pytest.approx(0.0)  # of (1, 3, 0, 2) with (0, 1, 2, 3)


def test_a_gain_that_was_not_measured_is_left_out() -> None:
    gains = {pair: float(RNG.normal()) for pair in PAIRS} | {("de", "ar"): float("nan")}
    predictor = {pair: (0.0 if pair == ("de", "ar") else gains[pair]) for pair in PAIRS}
    found = compare_donors(LANGUAGES, {"p": predictor}, gains)
    assert found.correlations["p"]["ar"] == pytest.approx(1.0)


def test_too_few_or_equal_donors_have_no_correlation() -> None:
    pairs = {(d, t): 1.0 for d in "abc" for t in "abc" if d != t}
    found = compare_donors("abc", {"p": pairs}, pairs)
    assert np.isnan(found.mean_correlation("p"))
    equal = compare_donors(LANGUAGES, {"p": dict.fromkeys(PAIRS, 0.5)}, {p: RNG.normal() for p in PAIRS})
    assert np.isnan(equal.mean_correlation("p"))


def test_without_gains_there_is_only_the_ranking() -> None:
    found = compare_donors(LANGUAGES, {"p": {pair: float(RNG.normal()) for pair in PAIRS}})
    assert found.correlations == {}
    assert found.to_json()["gains"] == {}
    assert len(found.ranked("p", "de")) == 4
