"""Recommendations: rank correlation against scipy, and planted donors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mere.research.analysis.recommend import ranks, recommend, spearman

LANGUAGES = ("ar", "de", "en", "ja", "ru")
PAIRS = [(d, t) for d in LANGUAGES for t in LANGUAGES if d != t]
RNG = np.random.default_rng(2)


@pytest.mark.parametrize("levels", [3, 10, 10_000])
def test_spearman_is_scipys_with_and_without_ties(levels: int) -> None:
    for _ in range(20):
        x, y = RNG.integers(0, levels, 12).astype(float), RNG.integers(0, levels, 12).astype(float)
        assert ranks(x).tolist() == stats.rankdata(x).tolist()
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_without_spread_or_with_two_points_there_is_none() -> None:
    assert np.isnan(spearman(np.ones(5), np.arange(5.0)))
    assert np.isnan(spearman(np.arange(2.0), np.arange(2.0)))


def test_a_planted_order_is_found_and_is_no_chance() -> None:
    gains = {pair: float(RNG.normal()) for pair in PAIRS}
    good = {pair: 3 * gain + 10 for pair, gain in gains.items()}
    noise = {pair: float(RNG.normal()) for pair in PAIRS}
    found = recommend(LANGUAGES, {"good": good, "noise": noise}, gains)
    assert found.checks["good"].rho == pytest.approx(1.0)
    assert found.checks["good"].p < 0.01
    assert set(found.checks["good"].by_target) == set(LANGUAGES)
    assert abs(found.checks["noise"].rho) < 0.7
    only = recommend(LANGUAGES, {"good": good}, gains)
    for target, donors in only.donors.items():
        wanted = sorted((d for d in LANGUAGES if d != target), key=lambda d: -gains[d, target])
        assert [donor for donor, _ in donors] == wanted


def test_targets_that_are_easy_to_help_do_not_pass_for_skill() -> None:
    """A predictor that knows the target's level but nothing of its donors is worth nothing."""
    donors = {t: [d for d in LANGUAGES if d != t] for t in LANGUAGES}
    gains = {(d, t): 10.0 * LANGUAGES.index(t) + donors[t].index(d) for d, t in PAIRS}
    level = {(d, t): 10.0 * LANGUAGES.index(t) + (1, 3, 0, 2)[donors[t].index(d)] for d, t in PAIRS}
    x, y = ([scores[pair] for pair in PAIRS] for scores in (level, gains))
    assert stats.spearmanr(x, y).statistic > 0.9
    found = recommend(LANGUAGES, {"level": level}, gains).checks["level"]
    assert found.rho == pytest.approx(0.0)  # of (1, 3, 0, 2) with (0, 1, 2, 3)
    assert found.p > 0.3


def test_the_p_value_is_uniform_where_nothing_is_planted() -> None:
    values = [
        recommend(
            LANGUAGES,
            {"noise": {pair: float(RNG.normal()) for pair in PAIRS}},
            {pair: float(RNG.normal()) for pair in PAIRS},
            seed=seed,
        )
        .checks["noise"]
        .p
        for seed in range(25)
    ]
    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_a_gain_that_was_not_measured_is_left_out() -> None:
    gains = {pair: float(RNG.normal()) for pair in PAIRS} | {("de", "ar"): float("nan")}
    predictor = {pair: (0.0 if pair == ("de", "ar") else gains[pair]) for pair in PAIRS}
    assert recommend(LANGUAGES, {"p": predictor}, gains).checks["p"].by_target["ar"] == pytest.approx(1.0)
