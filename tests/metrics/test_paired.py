"""The paired test against scipy's bootstrap."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mere.errors import DataError
from mere.metrics.paired import Difference, paired_bootstrap
from tests.metrics.metrics_examples import random_counts, table_of

MANY = 8000
LANGS = ["hi"] * 5 + ["te"] * 5


def two_systems(seed: int, num_sentences: int, right: float, other: float) -> NDArray[np.int64]:
    """Counts (2, S, 3) of two systems on the same sentences: the same number of gold triples in each."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(1, 4, num_sentences)
    systems = []
    for share in (right, other):
        tp = rng.binomial(gold, share)
        systems.append(np.stack([tp, rng.binomial(2, 1 - share, num_sentences), gold - tp], axis=1))
    return np.stack(systems)


def f1_at(counts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    tp, fp, fn = np.moveaxis(counts[rows].sum(axis=-2), -1, 0)
    return 2 * tp / (2 * tp + fp + fn)


def test_paired_bootstrap_has_scipys_interval_and_share_of_resamples() -> None:
    counts = two_systems(3, 100, 0.62, 0.55)
    theirs = stats.bootstrap(
        (np.arange(100),),
        lambda rows, axis: f1_at(counts[0], rows.astype(int)) - f1_at(counts[1], rows.astype(int)),
        method="percentile",
        n_resamples=MANY,
        rng=np.random.default_rng(4),
    )
    a, b = (table_of(system[None], ["hi"] * 100) for system in counts)
    ours = paired_bootstrap(a, b, resamples=MANY)["hi"]
    interval = theirs.confidence_interval
    assert (ours.low, ours.high) == pytest.approx((interval.low, interval.high), abs=0.006)
    share = (theirs.bootstrap_distribution <= 0).mean()
    assert ours.p == pytest.approx(2 * min(share, 1 - share), abs=0.03)


def test_pairing_makes_the_interval_narrower_than_independent_systems_have() -> None:
    rng = np.random.default_rng(5)
    counts = random_counts(rng, 200, 0.6)
    better = counts.copy()
    missed = np.flatnonzero(counts[:, 2])[:6]
    better[missed] += np.array([1, 0, -1])
    a, b = (table_of(system[None], ["hi"] * 200) for system in (better, counts))
    paired = paired_bootstrap(a, b)["macro"]
    apart = paired_bootstrap(
        a,
        dataclasses.replace(
            b,
            metrics={
                "triple_f1/strict": dataclasses.replace(
                    b.metrics["triple_f1/strict"], counts=counts[None, rng.permutation(200)]
                )
            },
        ),
    )["macro"]
    assert paired.low > 0  # type: ignore[operator]
    assert paired.p < 0.05  # type: ignore[operator]
    assert paired.high - paired.low < (apart.high - apart.low) / 2  # type: ignore[operator]


def test_a_system_does_not_differ_from_itself() -> None:
    scores = table_of(random_counts(np.random.default_rng(6), 10, 0.5)[None], LANGS)
    differences = paired_bootstrap(scores, scores)
    assert list(differences) == ["hi", "te", "macro", "micro"]
    assert all(d.difference == 0 and d.p == 1 for d in differences.values())
    assert differences["macro"] == Difference(0.0, 0.0, 0.0, 1.0)


def test_the_other_way_round_the_difference_changes_its_sign_alone() -> None:
    a, b = (table_of(system[None], LANGS) for system in two_systems(7, 10, 0.7, 0.5))
    there, back = paired_bootstrap(a, b)["macro"], paired_bootstrap(b, a)["macro"]
    assert (there.difference, there.p) == (-back.difference, back.p)  # type: ignore[operator]
    assert (there.low, there.high) == (-back.high, -back.low)  # type: ignore[operator]


def test_p_is_never_zero() -> None:
    perfect, hopeless = np.tile([1, 0, 0], (60, 1)), np.tile([0, 1, 1], (60, 1))
    a, b = (table_of(system[None], ["hi"] * 60) for system in (perfect, hopeless))
    assert paired_bootstrap(a, b, resamples=999)["hi"] == Difference(1.0, 1.0, 1.0, 0.002)


def test_p_values_are_even_where_the_systems_are_equally_good() -> None:
    """Under the null hypothesis one comparison in five has p < 0.2: the test does not cry wolf."""
    p_values = []
    for seed in range(150):
        a, b = (table_of(system[None], ["hi"] * 60) for system in two_systems(seed, 60, 0.6, 0.6))
        p_values.append(paired_bootstrap(a, b, resamples=200, seed=seed)["hi"].p)
    # 30 expected of 150, standard deviation 4.9
    assert 12 <= sum(p < 0.2 for p in p_values) <= 48  # type: ignore[operator]


def test_unlike_runs_widen_the_interval() -> None:
    rng = np.random.default_rng(8)
    alike = np.stack([random_counts(rng, 60, 0.6)] * 4)
    unlike = np.stack([random_counts(rng, 60, share) for share in (0.4, 0.55, 0.7, 0.85)])
    other = table_of(alike[:2], ["hi"] * 60)  # systems may have unlike numbers of runs
    narrow, wide = (paired_bootstrap(table_of(runs, ["hi"] * 60), other)["hi"] for runs in (alike, unlike))
    assert wide.high - wide.low > narrow.high - narrow.low  # type: ignore[operator]


def test_runs_of_two_systems_are_drawn_independently_as_scipy_does() -> None:
    # Every sentence of a run is alike, so only the runs vary: a difference of two means of four.
    tp = np.array([[203, 397, 512, 731], [111, 298, 456, 689]])
    a, b = (
        table_of(np.stack([x, 1000 - x, 1000 - x], axis=1)[:, None].repeat(6, axis=1), ["hi"] * 6) for x in tp
    )
    theirs = stats.bootstrap(
        tuple(tp / 1000),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        method="percentile",
        n_resamples=MANY,
        rng=np.random.default_rng(9),
    ).confidence_interval
    ours = paired_bootstrap(a, b, resamples=MANY)["macro"]
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_a_group_of_languages_is_their_mean_and_two_groups_are_set_against_each_other() -> None:
    langs = ["en"] * 40 + ["ja"] * 30 + ["te"] * 20
    counts = two_systems(10, 90, 0.7, 0.5)
    a, b = (table_of(system[None], langs) for system in counts)
    found = paired_bootstrap(a, b, groups=["en+ja+te", "ja+te", "ja+te/en"])
    assert found["en+ja+te"] == found["macro"]
    single = {lang: found[lang].difference or 0 for lang in ("en", "ja", "te")}
    mean = (single["ja"] + single["te"]) / 2
    assert found["ja+te"].difference == pytest.approx(mean, abs=2e-6)
    contrast = found["ja+te/en"]
    assert contrast.difference == pytest.approx(mean - single["en"], abs=2e-6)
    # Sentences of unlike languages are drawn independently, so variances add up, but for the draws' own noise.
    width = [(found[scope].high or 0) - (found[scope].low or 0) for scope in ("ja+te", "en", "ja+te/en")]
    assert width[2] == pytest.approx(np.hypot(width[0], width[1]), rel=0.1)


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("hi+t", 'group "hi\\+t": no language "t" was scored. Did you mean "te"\\?'),
        ("hi", "write languages as in ja\\+te"),
        ("hi/te/hi", "or two groups as in ja\\+te/en\\+ru"),
    ],
)
def test_a_group_that_is_none_is_refused(group: str, said: str) -> None:
    scores = table_of(np.ones((1, 10, 3), int), LANGS)
    with pytest.raises(DataError, match=said):
        paired_bootstrap(scores, scores, groups=[group])


def test_an_unknown_difference_has_no_p_value() -> None:
    empty = table_of(np.zeros((1, 2, 3), int), ["hi", "te"])
    assert set(paired_bootstrap(empty, empty).values()) == {Difference(None)}


def test_systems_scored_on_other_sentences_are_refused() -> None:
    scores = table_of(np.ones((1, 10, 3), int), LANGS)
    fewer = table_of(np.ones((1, 9, 3), int), LANGS[:9])
    with pytest.raises(
        DataError, match=r"a was scored on 10 sentences and system b on 9.*Score both on the same"
    ):
        paired_bootstrap(scores, fewer)
    shuffled = dataclasses.replace(scores, ids=scores.ids[::-1])
    with pytest.raises(DataError, match=r"sentence 0 is 0 \(hi\) for system a and 9 \(te\) for system b"):
        paired_bootstrap(scores, shuffled)
