"""What a calibration notes, against counting by hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mere.inference.fitting import LEAST_SURE, card_section, scores_for_precision
from mere.metrics.calibration import reliability

ANSWERS = st.lists(st.tuples(st.integers(0, 10).map(lambda n: n / 10), st.booleans()), max_size=60)


@given(ANSWERS)
def test_the_least_score_from_which_answers_are_so_precise(answers: list[tuple[float, bool]]) -> None:
    noted = scores_for_precision(answers)
    for percent in range(50, 101):
        reached = []
        for least, _ in answers:
            above = [right for score, right in answers if score >= least]
            if len(above) >= LEAST_SURE and sum(above) / len(above) >= percent / 100:
                reached.append(least)
        assert noted.get(f"{percent / 100:.2f}") == (min(reached) if reached else None)


@given(ANSWERS.filter(bool))
def test_every_answer_is_in_one_bin(answers: list[tuple[float, bool]]) -> None:
    bins = reliability(*zip(*answers, strict=True))
    assert sum(number for number, _ in bins) == len(answers)
    assert sum(right for _, right in bins) == sum(right for _, right in answers)
    assert all(right <= number for number, right in bins)


def test_a_card_shows_how_often_answers_are_right() -> None:
    row = {"answers": 4, "right": 3, "error_before": 0.25, "error_after": 0.125}
    row |= {"reliability": [(0, 0)] * 8 + [(4, 3), (0, 0)]}
    said = card_section({"triples": {"universal": row}})
    assert "| universal | 4 | 3 | 0.250 | 0.125 |" in said
    assert "| 0.8 to 0.9 | 4 | 75 % | ███████████████ |" in said
