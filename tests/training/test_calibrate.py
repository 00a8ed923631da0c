"""Thresholds by hand: which score must a triple have to be believed?"""

from __future__ import annotations

import numpy as np
import pytest

from mere.schema import UNIVERSAL
from mere.training.calibrate import GRID, MIN_SENTENCES, _lowest_good, calibrate
from mere.types import Entity, Prediction, Sentence, Triple

TEXT = "Ada Bo Cem"
ADA, BO, CEM = Entity(0, 3, "Ada"), Entity(4, 6, "Bo"), Entity(7, 10, "Cem")


def triple(subject: Entity, object_: Entity, score: float | None = None, relation: str = "knows") -> Triple:
    return Triple(subject, relation, object_, score)


def gold(
    *triples: Triple, lang: str = "de", complete: bool = True, covered: set[str] | None = None
) -> Sentence:
    of = None if covered is None else frozenset(covered)
    return Sentence("1", lang, TEXT, (ADA, BO, CEM), triples, relations_covered=of, complete=complete)


def found(*triples: Triple) -> Prediction:
    return Prediction((), triples)


def test_the_grid_is_plain() -> None:
    assert (GRID[0], GRID[1], GRID[24], GRID[-1], len(GRID)) == (0.02, 0.04, 0.5, 0.8, 40)


def test_a_small_case_by_hand() -> None:
    """F1 is 1/2 up to a threshold of 0.30, 2/3 up to 0.50, 1 from 0.52 on.

    Smoothed over five steps it first reaches 1 two steps later, at 0.56.
    """
    sentences = [gold(triple(ADA, BO)), gold()]
    predictions = [found(triple(ADA, BO, 0.9), triple(BO, ADA, 0.5)), found(triple(ADA, CEM, 0.3))]
    thresholds, f1 = calibrate(sentences, predictions)
    assert thresholds == {UNIVERSAL: 0.56, "de": 0.56}
    assert f1 == {"de": 1.0}


def test_in_an_incomplete_sentence_only_the_best_triple_counts() -> None:
    right_first = found(triple(ADA, BO, 0.9), triple(BO, ADA, 0.5))
    assert calibrate([gold(triple(ADA, BO), complete=False)], [right_first]) == (
        {UNIVERSAL: 0.02, "de": 0.02},
        {"de": 1.0},
    )
    wrong_first = found(triple(ADA, BO, 0.5), triple(BO, ADA, 0.9))
    assert calibrate([gold(triple(ADA, BO), complete=False)], [wrong_first])[1] == {"de": 0.0}
    # Where nothing is stated, a threshold above 0.40 answers "none", which is right.
    nothing = gold(complete=False)
    thresholds, f1 = calibrate(
        [gold(triple(ADA, BO), complete=False), nothing], [right_first, found(triple(ADA, CEM, 0.4))]
    )
    assert thresholds[UNIVERSAL] == 0.46
    assert f1 == {"de": 1.0}


def test_relations_that_are_not_covered_count_for_nothing() -> None:
    predictions = [found(triple(ADA, BO, 0.9), triple(ADA, CEM, 0.8, "eats"))]
    assert calibrate([gold(triple(ADA, BO), covered={"knows"})], predictions)[1] == {"de": 1.0}
    assert calibrate([gold(triple(ADA, BO))], predictions)[1]["de"] == pytest.approx(2 / 3)


def test_a_triple_found_twice_is_one_triple() -> None:
    twice = found(triple(ADA, BO, 0.9), triple(ADA, BO, 0.1))
    assert calibrate([gold(triple(ADA, BO))], [twice])[1] == {"de": 1.0}


def test_a_language_with_few_sentences_takes_the_common_threshold() -> None:
    sure = (gold(triple(ADA, BO)), found(triple(ADA, BO, 0.9), triple(BO, ADA, 0.6)))  # wants more than 0.60
    unsure = (gold(triple(ADA, BO), lang="te"), found(triple(ADA, BO, 0.2)))  # wants at most 0.20
    for count, own in ((MIN_SENTENCES, True), (MIN_SENTENCES - 1, False)):
        rows = [sure] * MIN_SENTENCES + [unsure] * count
        sentences, predictions = zip(*rows, strict=True)
        thresholds, f1 = calibrate(sentences, predictions)
        assert thresholds["de"] == 0.66
        assert f1["de"] == 1.0
        assert thresholds["te"] == (0.02 if own else thresholds[UNIVERSAL])
        assert f1["te"] == 1.0
        assert thresholds[UNIVERSAL] == 0.02  # the mean of both is best where te answers at all


def test_languages_weigh_the_same_in_the_common_threshold() -> None:
    """A hundred German sentences against two Telugu ones: the mean is over languages, not sentences."""
    german = (gold(triple(ADA, BO)), found(triple(ADA, BO, 0.9), triple(BO, ADA, 0.6)))
    telugu = (gold(triple(ADA, BO), lang="te"), found(triple(ADA, BO, 0.2)))
    sentences, predictions = zip(*[german] * 100, *[telugu] * 2, strict=True)
    assert calibrate(sentences, predictions)[0][UNIVERSAL] == 0.02


@pytest.mark.parametrize(
    ("f1", "index"),
    [
        ([0.5] * 10, 0),
        ([0, 0, 0, 0, 1, 1, 1, 1, 1, 1], 6),
        ([1, 1, 1, 0, 0, 0, 0], 0),
        ([0, 0, 0, 1, 0, 0, 0], 1),  # a lone peak is spread over five steps
        ([0.991, 0.991, 0.991, 1, 1, 1, 1, 1], 0),  # within one per cent of the best
        ([0.98, 0.98, 0.98, 0.98, 0.98, 1, 1, 1, 1, 1, 1], 5),  # 0.992 smoothed
        ([0.0] * 5, 0),
    ],
)
def test_the_lowest_good_threshold(f1: list[float], index: int) -> None:
    assert _lowest_good(np.array(f1, dtype=float)) == index
