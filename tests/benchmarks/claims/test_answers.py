"""Answers from results files written by hand: the verdict, the numbers, and what is said where a file lacks them."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from benchmarks.claims.declared import Claim
from benchmarks.claims.measurements import Measurement, Measurements
from benchmarks.claims.table import render_claims
from benchmarks.tables import update_markers

from benchmarks.claims import Answer, Answers, ClaimList, answer_all
from mere.errors import DataError
from mere.research.results import Comparison, Costs, TimeToQuality
from tests.research import results_examples

ROOT = Path(__file__).parents[3]
STRICT = "triple_f1/strict"


def comparison(a: str, b: str, scope: str, difference: float, half: float) -> Comparison:
    low, high = difference - half, difference + half
    return Comparison(
        a=a, b=b, metric=STRICT, scope=scope, difference=difference, low=low, high=high, p=0.01, p_holm=0.02
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two comparisons of three systems, and a file of measurements, made up."""
    for file, shifts in (("one", (0.0, 0.05, 0.1)), ("two", (0.0, 0.1, 0.05))):
        made = results_examples.results()
        costs = [Costs(steps=900, parameters_by_stage={"shared": 70, "own": own}) for own in (70, 7, 700)]
        systems = {
            name: results_examples.system(shift, costs=cost).model_copy(update={"seeds": [1, 2]})
            for name, shift, cost in zip(("base", "good", "best"), shifts, costs, strict=True)
        }
        systems["good"] = systems["good"].model_copy(update={"time_to_quality": time_to_quality([0.4, 0.6])})
        systems["best"] = systems["best"].model_copy(update={"time_to_quality": time_to_quality([0.4, None])})
        tests = [
            comparison("good", "base", "macro", 0.02, 0.01),
            comparison("good", "base", "de/te", 0.0, 0.03),
        ]
        update = {"systems": systems, "comparisons": tests, "experiment": file, "seeds": [1, 2]}
        made.model_copy(update=update).write(tmp_path / f"{file}.json")
    base = results_examples.results()
    Measurements(
        experiment="analysis",
        description="made up",
        command="mere analyze RUN",
        commit=None,
        date=date(2025, 1, 31),
        seeds=[1, 2],
        hardware=base.hardware,
        software=base.software,
        data=base.data,
        measurements={"overlap": Measurement.over("overlap of sets", "points", [30.0, 32.0])},
    ).write(tmp_path / "analysis.json")
    return tmp_path


def time_to_quality(shares: list[float | None]) -> TimeToQuality:
    return TimeToQuality(
        baseline="base",
        seeds=[1, 2],
        targets=[0.5, 0.5],
        seconds=shares,
        steps=[0.5, 0.5],
        whole_seconds=[0.9, 0.95],
        whole_steps=[1.0, 1.0],
    )


def ask(folder: Path, **question: Any) -> Answer:
    given = {"corpus": "made up", "file": "one.json", "holds": {"above": 0}, "seeds": 2, **question}
    claim = {"id": "A-1", "paper": "none", "claim": "It is so.", "questions": [given]}
    return answer_all(ClaimList.model_validate({"claims": [claim]}), folder).answers[0]


def difference(scope: str = "macro", a: str = "good", b: str = "base") -> dict[str, str]:
    return {"a": a, "b": b, "metric": STRICT, "scope": scope}


def test_a_difference_of_two_regimes(folder: Path) -> None:
    found = ask(folder, difference=difference(), note="A note.")
    assert (found.verdict, found.effect, found.low, found.high, found.unit) == (
        "holds",
        2.0,
        1.0,
        3.0,
        "points",
    )
    assert (found.seeds, found.p, found.p_holm, found.source) == ([1, 2], 0.01, 0.02, "one.json")
    assert found.command == results_examples.results().command
    assert found.sentence == (
        "Holds. good − base, triple_f1/strict, mean over languages: +2.0 [+1.0, +3.0] points "
        "(95 % interval, 2 seeds); all of the interval is above 0."
    )
    assert found.costs == (
        "good: 7 numbers trained last, 900 steps in all; base: 70 numbers trained last, 900 steps in all"
    )


def test_the_same_difference_the_other_way_round(folder: Path) -> None:
    found = ask(folder, difference=difference(a="base", b="good"))
    assert (found.verdict, found.effect, found.low, found.high) == ("fails", -2.0, -3.0, -1.0)
    assert found.sentence.endswith("all of the interval is below 0.")


def test_a_difference_that_may_be_either_and_seeds_that_are_too_few(folder: Path) -> None:
    found = ask(folder, difference=difference("de/te"), seeds=5)
    assert found.verdict == "undecided"
    assert (
        "mean of de above that of te: +0.0 [-3.0, +3.0] points (95 % interval, 2 seeds of 5 asked for)"
        in (found.sentence)
    )
    assert found.sentence.endswith("the interval is on both sides of 0.")


def test_when_a_baseline_is_reached(folder: Path) -> None:
    found = ask(folder, time_to_quality={"system": "good"}, holds={"below": 0.7})
    assert (found.verdict, found.effect, found.low, found.high) == ("holds", 0.5, 0.4, 0.6)
    never = ask(folder, time_to_quality={"system": "best"}, holds={"below": 0.7})
    assert (never.verdict, never.effect, never.low, never.high) == ("undecided", None, 0.4, None)
    assert "unknown [0.40, no end] times (range over the seeds, 2 seeds, never with 1 of 2 seeds)" in (
        never.sentence
    )
    assert ask(folder, time_to_quality={"system": "best"}, holds={"below": 0.3}).verdict == "fails"
    assert ask(folder, time_to_quality={"system": "base"}).verdict == "not measured"


def test_the_order_of_regimes_in_two_comparisons(folder: Path) -> None:
    found = ask(folder, order={"other": "two.json", "metric": STRICT}, holds={"above": 0.6})
    assert found.effect == pytest.approx(1 / 3, abs=1e-4)  # one of three pairs is turned
    assert found.verdict == "fails"  # the scores are five standard deviations apart: so the order is sure
    assert found.remark == "3 regimes in one and two"
    assert ask(folder, order={"other": "three.json", "metric": STRICT}).sentence == (
        "Not measured. There is no three.json yet."
    )


def test_a_measurement_of_an_analysis(folder: Path) -> None:
    found = ask(folder, file="analysis.json", measurement="overlap", holds={"above": 10})
    assert (found.verdict, found.effect, found.interval) == ("holds", 31.0, "95 % t interval over seeds")
    assert (found.low or 0) == pytest.approx(
        31 - 12.706, abs=1e-3
    )  # t of one degree of freedom, standard error 1


def test_what_is_not_measured_is_said(folder: Path) -> None:
    said = {
        "There is no gone.json yet.": ask(folder, file="gone.json", difference=difference()),
        "one.json has no best − base, triple_f1/strict, de.": ask(
            folder, difference=difference("de", "best")
        ),
        "analysis.json has no measurement lift.": ask(folder, file="analysis.json", measurement="lift"),
        "Too dear.": ask(folder, file="", holds=None, not_measured="Too dear."),
    }
    for reason, found in said.items():
        assert (found.verdict, found.sentence) == ("not measured", f"Not measured. {reason}")
        assert (found.effect, found.seeds) == (None, [])


MISTAKES = [
    ({"corpus": "c", "file": "f", "holds": {"above": 0}}, "give one of difference, order, time_to_quality"),
    ({"corpus": "c", "file": "f", "measurement": "m"}, "what it must come to: holds: {above: 0}"),
    (
        {"corpus": "c", "file": "f", "measurement": "m", "not_measured": "x"},
        "found measurement, not_measured",
    ),
    ({"corpus": "c", "fill": "f", "not_measured": "x"}, "claims.0.questions.0.fill: Extra inputs"),
]


@pytest.mark.parametrize(("question", "message"), MISTAKES)
def test_a_list_that_does_not_fit_is_refused(tmp_path: Path, question: dict[str, Any], message: str) -> None:
    path = tmp_path / "claims.yaml"
    claim = {"id": "A-1", "paper": "none", "claim": "It is so.", "questions": [question]}
    path.write_text(str({"claims": [claim]}), encoding="utf-8")  # YAML reads it
    with pytest.raises(DataError) as caught:
        ClaimList.read(path)
    assert message in str(caught.value)


def test_a_claim_is_declared_once(folder: Path) -> None:
    question = {"corpus": "c", "not_measured": "x"}
    claim = Claim.model_validate({"id": "B-2", "paper": "p", "claim": "c", "questions": [question]})
    with pytest.raises(ValueError, match="declared twice: B-2"):
        ClaimList(claims=[claim, claim])


def test_the_tables(folder: Path, tmp_path: Path) -> None:
    found = [
        ask(folder, difference=difference()),
        ask(folder, difference=difference("de/te"), seeds=3),
        ask(folder, file="gone.json", difference=difference()),
    ]
    answers = Answers(command="python -m benchmarks.claims", answers=found)
    assert "| A-1 | It is so. | none | holds 1, undecided 1, not measured 1 |" in render_claims(
        answers, "claims"
    )
    lines = render_claims(answers, "answers").splitlines()
    assert "| **holds** | +2.0 [+1.0, +3.0] points | above 0 | 2 | 0.020 | `one.json` |" in lines[2]
    assert "| **undecided** | +0.0 [-3.0, +3.0] points | above 0 | 2 of 3 | 0.020 |" in lines[3]
    assert "| Not measured. There is no gone.json yet. |" in lines[4]
    costs = [
        "good: 7 numbers trained last, 900 steps in all",
        "base: 70 numbers trained last, 900 steps in all",
    ]
    assert render_claims(answers, "trained").splitlines()[2:] == [f"| made up | {' | '.join(costs)} |"]
    with pytest.raises(DataError, match=r'unknown claim "A-2"\. Did you mean "A-1"'):
        render_claims(answers, "claims", ["A-2"])
    answers.write(folder / "claims.json")
    page = tmp_path / "claims.md"
    page.write_text(
        "<!-- results: claims.json table=answers systems=A-1 -->\n<!-- /results -->\n", encoding="utf-8"
    )
    assert update_markers(page, folder)
    assert lines[2] in page.read_text(encoding="utf-8")
    assert not update_markers(page, folder, check=True)


def test_the_committed_answers_are_those_of_the_committed_results() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.claims", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(path or "." for path in sys.path)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    claims = ClaimList.read(ROOT / "benchmarks" / "claims.yaml").claims
    wanted = [f"A-{n}" for n in range(1, 9)] + [f"B-{n}" for n in range(1, 9)] + ["C-1"]
    assert [claim.id for claim in claims] == wanted
