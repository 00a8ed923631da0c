"""Bootstrap intervals against scipy's, and where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats

from mere.errors import DataError
from mere.metrics.intervals import Measured, Resampled, draw_weights, strata_of
from mere.metrics.scores import SystemScores
from tests.metrics.metrics_examples import random_counts, table_of

MANY = 8000


def bootstrap(
    scores: SystemScores, metric: str, *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, Measured]:
    """Measure a metric's F1 per language, "macro" and "micro", as a report does."""
    cells = scores.by_language(metric)
    resampled = Resampled(cells, strata_of(scores), resamples=resamples, seed=seed, level=level)
    measured = {lang: resampled.measured(resampled.micro([lang])) for lang in cells}
    measured["macro"] = resampled.measured(resampled.macro(list(cells)))
    measured["micro"] = resampled.measured(resampled.micro(list(cells)))
    return measured


def f1_at(counts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """F1 of drawn sentences, for scipy: rows (..., n) -> (...)."""
    tp, fp, fn = np.moveaxis(counts[rows].sum(axis=-2), -1, 0)
    return 2 * tp / (2 * tp + fp + fn)


def test_one_language_has_scipys_percentile_interval() -> None:
    counts = random_counts(np.random.default_rng(1), 80, 0.6)
    theirs = stats.bootstrap(
        (np.arange(80),),
        lambda rows, axis: f1_at(counts, rows.astype(int)),
        method="percentile",
        n_resamples=MANY,
        rng=np.random.default_rng(2),
    ).confidence_interval
    ours = bootstrap(table_of(counts[None], ["te"] * 80), "triple_f1/strict", resamples=MANY)["te"]
    assert ours.value == pytest.approx(f1_at(counts, np.arange(80)), abs=1e-6)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


def test_macro_over_languages_has_scipys_interval_of_independent_samples() -> None:
    rng = np.random.default_rng(3)
    big, small = random_counts(rng, 90, 0.8), random_counts(rng, 30, 0.4)
    theirs = stats.bootstrap(
        (np.arange(90), np.arange(30)),
        lambda a, b, axis: (f1_at(big, a.astype(int)) + f1_at(small, b.astype(int))) / 2,
        method="percentile",
        n_resamples=MANY,
        rng=np.random.default_rng(4),
    ).confidence_interval
    scores = table_of(np.concatenate([big, small])[None], ["en"] * 90 + ["te"] * 30)
    ours = bootstrap(scores, "triple_f1/strict", resamples=MANY, seed=5)
    assert (ours["macro"].low, ours["macro"].high) == pytest.approx((theirs.low, theirs.high), abs=0.006)
    assert ours["micro"].value == pytest.approx(f1_at(np.concatenate([big, small]), np.arange(120)), abs=1e-6)


def test_runs_are_resampled_as_scipy_resamples_their_scores() -> None:
    # Every sentence of a run is alike, so only the run varies: the mean of five numbers, uneven ones, so that
    # their means lie close together and a percentile does not jump.
    tp = np.array([103, 297, 512, 631, 919])
    counts = np.stack([tp, 1000 - tp, 1000 - tp], axis=1)[:, None].repeat(12, axis=1)  # (5, 12, 3)
    f1s = tp / 1000
    theirs = stats.bootstrap(
        (f1s,), np.mean, method="percentile", n_resamples=MANY, rng=np.random.default_rng(6)
    ).confidence_interval
    ours = bootstrap(table_of(counts, ["hi"] * 12), "triple_f1/strict", resamples=MANY)["macro"]
    assert ours.value == pytest.approx(f1s.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.015)


def test_equal_runs_say_no_more_than_one() -> None:
    counts = random_counts(np.random.default_rng(7), 50, 0.5)
    one = bootstrap(table_of(counts[None], ["hi"] * 50), "triple_f1/strict")
    three = bootstrap(table_of(np.stack([counts] * 3), ["hi"] * 50), "triple_f1/strict")
    assert one == three


def test_weights_keep_the_size_of_every_stratum_and_draw_evenly() -> None:
    strata = np.array([0, 1, 0, 2, 1, 0, 0])
    weights = draw_weights(strata, 4000, np.random.default_rng(8))
    for stratum, size in ((0, 4), (1, 2), (2, 1)):
        assert (weights[strata == stratum].sum(axis=0) == size).all()
    np.testing.assert_allclose(weights.mean(axis=1), 1, atol=0.06)
    # A count of draws is binomial: variance (n - 1) / n.
    np.testing.assert_allclose(weights[strata == 0].var(axis=1), 0.75, atol=0.06)


def test_the_same_seed_gives_the_same_interval_and_another_a_different_one() -> None:
    scores = table_of(random_counts(np.random.default_rng(9), 40, 0.5)[None], ["hi", "te"] * 20)
    first, again, other = (bootstrap(scores, "triple_f1/strict", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_language_without_gold_and_predictions_is_unknown_and_left_out_of_the_mean() -> None:
    counts = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0]])
    ours = bootstrap(table_of(counts[None], ["hi", "hi", "te"]), "triple_f1/strict")
    assert ours["te"] == Measured(value=None)
    assert ours["macro"].value == ours["hi"].value == pytest.approx(0.8)


def test_without_resamples_there_are_values_and_no_intervals() -> None:
    scores = table_of(np.array([[[1, 0, 1]]]), ["hi"])
    ours = bootstrap(scores, "triple_f1/strict", resamples=0)
    assert ours["hi"] == Measured(value=round(2 / 3, 6))


def test_a_wider_level_gives_a_wider_interval() -> None:
    scores = table_of(random_counts(np.random.default_rng(10), 60, 0.5)[None], ["hi"] * 60)
    narrow, wide = (bootstrap(scores, "triple_f1/strict", level=level)["hi"] for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.value < narrow.high < wide.high  # type: ignore[operator]


def test_an_unknown_metric_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        DataError, match=r'unknown metric "triple_f1/strikt". Did you mean "triple_f1/strict"\?'
    ):
        bootstrap(table_of(np.zeros((1, 1, 3), int), ["hi"]), "triple_f1/strikt")


def test_a_level_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="level must lie in"):
        Resampled({}, np.array([], dtype=np.int64), level=95)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"value": 0.5, "low": 0.6, "high": 0.4}, "low 0.6 is above high 0.4"),
        ({"value": 0.5, "low": 0.4}, "low and high come together"),
        ({"value": float("nan")}, "finite"),
    ],
)
def test_what_is_no_interval_is_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Measured(**fields)
