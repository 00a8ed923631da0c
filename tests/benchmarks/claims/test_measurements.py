"""Intervals over seeds against scipy's t, figures out of a record written by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from benchmarks.claims.analyses import FIGURES, measurements_of
from benchmarks.claims.measurements import over_seeds
from benchmarks.claims.order import kendall
from scipy import stats

from mere.metrics.intervals import Measured


@pytest.mark.parametrize("number", range(2, 11))
def test_the_interval_over_seeds_is_students(number: int) -> None:
    values = np.random.default_rng(number).normal(3.0, 2.0, number)
    found = over_seeds(values.tolist())
    low, high = stats.t.interval(0.95, number - 1, loc=values.mean(), scale=stats.sem(values))
    assert found.value == pytest.approx(values.mean(), abs=1e-6)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_one_seed_has_no_interval() -> None:
    assert over_seeds([0.25]) == Measured(value=0.25)


def sharp(*values: float, width: float = 0.0) -> list[Measured]:
    return [Measured(value=v, low=v - width, high=v + width) for v in values]


def test_an_order_is_as_sure_as_its_scores() -> None:
    one, other = (0.3, 0.4, 0.5, 0.6), (0.2, 0.3, 0.5, 0.4)  # one of six pairs is turned
    assert kendall(sharp(*one), sharp(*other)) == Measured(value=0.666667, low=0.666667, high=0.666667)
    wide = kendall(sharp(*one, width=0.2), sharp(*other, width=0.2))
    assert wide.value == 0.666667
    assert (wide.low or 0) < 0 < (wide.high or 0)
    assert kendall(sharp(*one), sharp(*reversed(one))).value == -1
    with pytest.raises(ValueError, match="without a score"):
        kendall(sharp(*one), [*sharp(*other[1:]), Measured(value=None)])


def at(jaccard: float, chance: float = 0.05) -> dict[str, float]:
    return {"jaccard": jaccard, "chance_jaccard": chance}


def record() -> dict[str, Any]:
    """Three languages; own models of de and en are of one run, that of te is of another."""
    langs = ["de", "en", "te"]
    kept = {"de": 40.0, "en": 20.0, "te": 10.0}
    whole = {"de": 80.0, "en": 80.0, "te": 40.0}
    single = [f"{lang} monolingual" for lang in langs]
    return {
        "stage": "unified",
        "languages": langs,
        "independent": {"de": 1, "en": 1, "te": 2},
        "overlap": {
            "percents": [1.0, 10.0],
            "mean": {"languages, this model": {"all": [at(0.9), at(0.42, 0.06)]}},
            "pairs": {
                f"{a} / {b}": [at(0.9), at(0.2 if "te monolingual" in (a, b) else 0.8)]
                for a in single
                for b in single
                if a != b
            },
        },
        "pruning": {
            "percents": [20.0, 100.0],
            "whole": whole,
            "scores": {owner: [kept, whole] for owner in langs}
            | {"random": [dict.fromkeys(langs, 8.0), whole]},
        },
        "pruning_independent": {
            "percents": [20.0, 100.0],
            "whole": dict.fromkeys(langs, 50.0),
            "scores": {owner: [dict.fromkeys(langs, 50.0 if owner == "te" else 5.0)] for owner in langs},
        },
        "weight_change": [
            {"lang": "de", "changed": 0.9, "kinds": kinds(2.0, 1.0, 0.2)},
            {"lang": "en", "changed": 0.9, "kinds": kinds(4.0, 2.0, 0.4)},
            {"lang": "te", "changed": 0.0, "kinds": kinds(0.0, 0.0, 0.0)},
        ],
        "representation": {
            "spaces": {
                "unified/encoder": space(0.5, 0.30, 0.9),
                "unified/aggregator": space(0.2, 0.25, 0.95),
                "other/aggregator": space(0.0, 0.0, 0.0),
            }
        },
    }


def kinds(shared: float, own: float, most: float) -> dict[str, dict[str, float]]:
    return {"shared": {"lift": shared, "most_changed": most}, "specific": {"lift": own, "most_changed": 0.0}}


def space(distance: float, between: float, accuracy: float) -> dict[str, Any]:
    return {
        "mean_centroid_distance": distance,
        "variance_between_languages": between,
        "language_probe": {"accuracy": accuracy},
    }


BY_HAND = {
    "overlap-above-chance": 36.0,
    "overlap-above-independent": 22.0,  # 0.42 less 0.2: pairs of unlike runs are those with te
    # A language keeps 50, 25 and 25 per cent of its whole F1, whoever's parameters they are.
    "kept-by-others": 100 / 3,
    "kept-above-random": 100 / 3 - (10 + 10 + 20) / 3,
    # Of unlike runs: te's parameters in de's and en's models (all of F1 kept), theirs in te's (a tenth).
    "kept-above-independent": 100 / 3 - (100 + 100 + 10 + 10) / 4,
    "weight-change-lift-shared": 3.0,  # te did not change
    "weight-change-shared-above-specific": 1.5,
    "weight-change-share-shared": 30.0,
    "aggregator-distance": -0.3,
    "aggregator-probe": 5.0,
    "aggregator-variance": -5.0,
}


def test_every_figure_by_hand() -> None:
    found = measurements_of([record(), record()])
    assert {name: m.mean.value for name, m in found.items()} == pytest.approx(BY_HAND)
    assert found.keys() == FIGURES.keys()
    assert found["weight-change-lift-shared"].values == [3.0, 3.0]


def test_what_a_record_lacks_is_left_out() -> None:
    bare = record()
    for part in ("weight_change", "pruning_independent", "representation"):
        del bare[part]
    bare["independent"] = dict.fromkeys(bare["languages"], 1)  # all of one run: not independent
    found = measurements_of([record(), bare])
    assert set(found) == {"overlap-above-chance", "kept-by-others", "kept-above-random"}
