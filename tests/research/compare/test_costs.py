"""Costs and curves of cells whose logs were written by hand: what is shared is charged to all that start from it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from mere.errors import ConfigError, DataError
from mere.research.compare import folder
from mere.research.compare.costs import costs_of, flags, sentences_drawn, spent, training_sizes
from mere.research.compare.curves import curves_of
from mere.research.compare.plan import Cell, Plan, make_plan
from tests.research.compare.compare_examples import evaluation, finish, step, write_recipe

SIZES = {"de": 300, "te": 100}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Regimes finetuned (shared, then own) and lora, which starts from its shared stage."""
    made = make_plan(write_recipe(tmp_path), tmp_path / "out", regimes=["finetuned", "lora"], seeds=[1])
    finetuned, lora = made.cells
    shared = [step("shared", 50, 3.0, 4.0), evaluation("shared", 60, 40.0), step("shared", 100, 6.0, 2.0)]
    own = [
        evaluation("own.de", 0, 40.0),
        evaluation("own.te", 0, 20.0),
        step("own.de", 30, 2.0),
        evaluation("own.de", 30, 60.0),
        step("own.te", 10, 2.0),
        evaluation("own.te", 10, 40.0),
    ]
    costs = {
        "seconds": {"shared": 60.0, "own.de": 20.0, "own.te": 10.0},
        "steps": {"shared": 100, "own.de": 30, "own.te": 10},
        "trained": {"shared": 900, "own.de": 900, "own.te": 900},
        "bytes_per_language": {"de": 3600, "te": 3600},
    }
    finish(finetuned, costs, [{"event": "alignment"}, *shared, *own])
    costs = {
        "seconds": {"lora.de": 6.0, "lora.te": 3.0},
        "steps": {"lora.de": 30, "lora.te": 5},
        "trained": {"lora.de": 50, "lora.te": 50},
        "peak_memory_mb": 200,
    }
    finish(lora, costs, [step("lora.de", 30, 2.0), step("lora.te", 5, 1.0)])
    return made


def test_what_a_start_took_is_charged_and_no_more(plan: Plan) -> None:
    finetuned, lora = (spent(cell, SIZES) for cell in plan.cells)
    assert (finetuned.seconds, finetuned.steps) == (90.0, 140)
    assert (lora.seconds, lora.steps) == (69.0, 135)
    assert finetuned.epochs == {"de": 8.0, "te": 8.0}
    assert lora.epochs == {"de": 8.0, "te": 7.0}  # te stopped after one epoch
    assert (finetuned.passes, lora.passes) == (8.0, (8 * 300 + 7 * 100) / 400)
    assert lora.trained == {"shared": 900, "lora": 100}


def test_the_costs_of_a_regime(plan: Plan) -> None:
    costs = costs_of(plan.of("lora"), SIZES)
    assert (costs.train_seconds, costs.steps, costs.threads) == (69.0, 135, 1)
    assert costs.parameters_by_stage == {"shared": 900, "lora": 100}
    assert costs.parameters_trained == 900
    assert costs.bytes_stored == 400
    assert costs.peak_memory_mb == 300  # of the cell that it starts from
    assert costs_of(plan.of("finetuned"), SIZES).bytes_per_language == {"de": 3600, "te": 3600}


def test_a_stage_that_was_stopped_early_had_fewer_epochs(plan: Plan) -> None:
    lora = plan.cells[1]
    record = folder.metrics(lora)
    record["costs"]["steps"]["lora.de"] = 45  # the log's last line is of step 30, at epoch 2
    (lora.folder / "model" / "metrics.json").write_text(json.dumps(record))
    assert spent(lora, SIZES).epochs["de"] == 6 + 3


def test_temperature_draws_small_languages_more_often(plan: Plan) -> None:
    recipe = plan.cells[0].recipe
    stage = recipe.stages[0]
    hot = stage.model_copy(update={"sampling": stage.sampling.model_copy(update={"temperature": 2.0})})
    sizes = {"de": 900, "te": 100}  # their roots are 30 and 10: three quarters and one of 1,000
    assert sentences_drawn(recipe, hot, sizes) == {"de": 750.0, "te": 250.0}
    assert sentences_drawn(recipe, stage, sizes) == sizes
    alone = hot.model_copy(update={"per_language": True})
    assert sentences_drawn(recipe, alone, sizes) == sizes


def test_regimes_that_read_more_than_others_are_flagged() -> None:
    passes = {"monolingual": 10.0, "naive": 10.1, "steps": 2.5, "long": 10.3}
    assert set(flags(passes, "monolingual")) == {"steps", "long"}
    assert "2.50 epochs of all sentences, monolingual had 10.00" in flags(passes, "monolingual")["steps"]


def test_a_limit_is_what_is_trained_on(plan: Plan) -> None:
    recipe = plan.cells[0].recipe
    sizes = {"train": {"de": 300, "te": 100, "zz": 0}, "dev": {"de": 9}}
    assert training_sizes(recipe, sizes) == SIZES
    limited = recipe.model_copy(update={"data": recipe.data.model_copy(update={"limit": 150})})
    assert training_sizes(limited, sizes) == {"de": 150, "te": 100}


def test_curves_go_on_where_the_shared_stage_ended(plan: Plan) -> None:
    curves = curves_of(plan.cells[0], SIZES, "triple_f1/strict")
    assert curves.stages == [("shared", 100), ("own", 140)]
    assert curves.loss == [(50, 5.0), (100, 3.0), (130, 2.0), (140, 2.0)]
    assert curves.dev == [(60, 0.4), (100, pytest.approx(0.3)), (140, pytest.approx(0.5))]
    lora = curves_of(plan.cells[1], SIZES, "triple_f1/strict")
    assert lora.loss == [(50, 5.0), (100, 3.0), (130, 2.0), (135, 2.0)]


def test_a_log_that_is_being_written_is_read_up_to_its_last_whole_line(plan: Plan) -> None:
    cell = plan.cells[1]
    with (cell.folder / "log.jsonl").open("a") as log:
        log.write('{"event": "step", "losses": {"a": 1}')
    assert len(list(folder.log(cell))) == 2


def test_a_cell_of_this_very_run_is_taken_whatever_its_threads_and_folder(plan: Plan) -> None:
    lora = plan.cells[1]
    moved = lora.recipe.model_copy(
        update={
            "threads": 2,
            "name": "other",
            "start": "/elsewhere/cells/finetuned/seed-1/shared.safetensors",
        }
    )
    (lora.folder / "recipe.yaml").write_text(moved.to_yaml(), encoding="utf-8")
    folder.check_same_run(lora, "f")


def test_a_cell_of_another_run_is_refused(plan: Plan) -> None:
    lora: Cell = plan.cells[1]
    with pytest.raises(DataError, match="the corpus has changed since this cell began"):
        folder.check_same_run(lora, "another")
    other = lora.recipe.model_copy(update={"precision": "bf16"})
    (lora.folder / "recipe.yaml").write_text(other.to_yaml(), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"started with other settings \(precision: bf16 -> fp32\)"):
        folder.check_same_run(lora, "f")


def test_a_cell_of_an_earlier_version_is_the_same_run(plan: Plan) -> None:
    """Its settings have their former names, and its precision was chosen when it began."""
    lora = plan.cells[1]
    stored = lora.recipe.model_dump(mode="json")
    stored["dev_units_per_batch"] = stored.pop("dev_pieces_per_batch")
    (lora.folder / "recipe.yaml").write_text(yaml.safe_dump(stored), encoding="utf-8")
    folder.check_same_run(lora, "f")
    folder.check_same_run(replace(lora, recipe=lora.recipe.model_copy(update={"precision": "auto"})), "f")
