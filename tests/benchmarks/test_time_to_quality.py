"""How soon a regime is as good as the baseline's end, worked by hand from logs written by hand (claim C-1)."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.time_to_quality import best_on_dev, finished_cell, time_to_quality, when_reached

from mere.research.compare.plan import Plan, make_plan
from mere.research.results import TimeToQuality
from tests.research.compare.compare_examples import evaluation, finish, step, write_recipe

METRIC = "triple_f1/strict"
SIZES = {"de": 300, "te": 100}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Monolingual models take 150 s and 120 steps; finetuned takes 60 s and 100 steps, then 30 s and 40 steps."""
    made = make_plan(
        write_recipe(tmp_path), tmp_path / "out", regimes=["monolingual", "finetuned"], seeds=[1, 2]
    )
    for cell, (de, te) in zip(
        made.of("monolingual"), [((50.0, 48.0), 30.0), ((70.0, 80.0), 50.0)], strict=True
    ):
        log = [
            step("alone.de", 100, 8.0),
            evaluation("alone.de", 50, de[0]),
            evaluation("alone.de", 100, de[1]),
            step("alone.te", 20, 8.0),
            evaluation("alone.te", 20, te),
        ]
        costs = {
            "seconds": {"alone.de": 100.0, "alone.te": 50.0},
            "steps": {"alone.de": 100, "alone.te": 20},
        }
        finish(cell, costs, log)
    for cell in made.of("finetuned"):
        log = [
            evaluation("shared", 60, 40.0),
            evaluation("shared", 100, 45.0),
            step("shared", 100, 6.0),
            evaluation("own.de", 0, 60.0),
            evaluation("own.te", 0, 30.0),
            evaluation("own.de", 15, 62.0),
            evaluation("own.te", 10, 48.0),
            step("own.de", 30, 2.0),
            step("own.te", 10, 2.0),
        ]
        costs = {
            "seconds": {"shared": 60.0, "own.de": 20.0, "own.te": 10.0},
            "steps": {"shared": 100, "own.de": 30, "own.te": 10},
        }
        finish(cell, costs, log)
    return made


def test_the_baseline_ends_with_the_best_weights_of_each_language(plan: Plan) -> None:
    first, second = plan.of("monolingual")
    assert best_on_dev(first, SIZES, METRIC) == pytest.approx((0.50 + 0.30) / 2)
    assert best_on_dev(second, SIZES, METRIC) == pytest.approx((0.80 + 0.50) / 2)


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (0.40, (36.0, 60.0)),  # at step 60 of the shared stage's 100 steps, 60 s
        (0.45, (60.0, 100.0)),  # the stages' evaluations begin with what the stage before left
        (0.55, (60.0 + 10.0 + 10.0, 100.0 + 15.0 + 10.0)),  # half of de's own 20 s, all of te's
        (0.56, None),
    ],
)
def test_seconds_and_steps_until_a_target_is_reached(
    plan: Plan, target: float, wanted: tuple[float, float] | None
) -> None:
    assert when_reached(plan.of("finetuned")[0], target, SIZES, METRIC) == wanted


def test_each_seed_is_held_against_the_baseline_of_that_seed(plan: Plan) -> None:
    found = time_to_quality(plan.of("finetuned"), plan.of("monolingual"), SIZES, METRIC)
    assert found == TimeToQuality(
        baseline="monolingual",
        seeds=[1, 2],
        targets=[0.4, 0.65],
        seconds=[0.24, None],  # 36 of 150 s
        steps=[0.5, None],  # 60 of 120
        whole_seconds=[0.6, 0.6],  # 90 of 150
        whole_steps=[1.1667, 1.1667],  # 140 of 120
    )
    assert time_to_quality(plan.of("finetuned")[1:], plan.of("monolingual")[:1], SIZES, METRIC) is None
    assert time_to_quality(plan.of("finetuned"), [], SIZES, METRIC) is None


def test_finished_cells_are_found_in_their_folder(plan: Plan, tmp_path: Path) -> None:
    lora = make_plan(write_recipe(tmp_path), tmp_path / "out", regimes=["lora"], seeds=[1]).of("lora")[0]
    finish(lora, {"seconds": {}, "steps": {}}, [])
    found = finished_cell(tmp_path / "out", "lora", 1)
    assert found.folder == lora.folder
    assert [(cell.regime, stage.name) for cell, stage in found.path()] == [
        ("finetuned", "shared"),
        ("lora", "lora"),
    ]
    monolingual = [finished_cell(tmp_path / "out", "monolingual", seed) for seed in (1, 2)]
    wanted = time_to_quality(plan.of("finetuned"), plan.of("monolingual"), SIZES, METRIC)
    assert time_to_quality(plan.of("finetuned"), monolingual, SIZES, METRIC) == wanted
