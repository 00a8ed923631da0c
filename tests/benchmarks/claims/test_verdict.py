"""Verdicts by hand: which side of the number the whole interval is on."""

from __future__ import annotations

import pytest
from benchmarks.claims.verdict import Rule, Verdict
from pydantic import ValidationError

CASES: list[tuple[Rule, float | None, float | None, Verdict]] = [
    (Rule(above=0), 0.1, 2.0, "holds"),
    (Rule(above=0), -2.0, -0.1, "fails"),
    (Rule(above=0), -0.1, 2.0, "undecided"),
    (Rule(above=0), 0.0, 2.0, "undecided"),  # an interval that touches 0 does not exclude it
    (Rule(above=0), -2.0, 0.0, "undecided"),
    (Rule(above=0), None, None, "undecided"),
    (Rule(below=0), -2.0, -0.1, "holds"),
    (Rule(below=0), 0.1, 2.0, "fails"),
    (Rule(below=0), -0.1, 2.0, "undecided"),
    (Rule(above=-1), -0.9, 0.2, "holds"),  # no worse than by a point
    (Rule(above=-1), -1.4, -0.3, "undecided"),
    (Rule(above=-1), -2.0, -1.1, "fails"),
    (Rule(below=0.7), 0.2, 0.6, "holds"),
    (Rule(below=0.7), 0.9, None, "fails"),  # with some seed it was never reached
    (Rule(below=0.7), 0.4, None, "undecided"),
]


@pytest.mark.parametrize(("rule", "low", "high", "wanted"), CASES)
def test_the_verdict_on_an_interval(
    rule: Rule, low: float | None, high: float | None, wanted: Verdict
) -> None:
    assert rule.verdict(low, high) == wanted
    swapped: dict[Verdict, Verdict] = {"holds": "fails", "fails": "holds"}
    assert rule.opposite.verdict(low, high) == swapped.get(wanted, wanted)


@pytest.mark.parametrize("given", [{}, {"above": 0, "below": 0}, {"over": 1}])
def test_a_rule_has_one_side(given: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Rule(**given)


def test_a_rule_in_words() -> None:
    assert [str(rule) for rule in (Rule(above=-1), Rule(below=0.7), Rule(above=0).opposite)] == [
        "above -1",
        "below 0.7",
        "below 0",
    ]
