"""Limits of steps and seconds: shares by hand, and runs that keep to them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.config import Recipe, SamplingSettings, StageSettings
from mere.data.examples import ExampleMaker
from mere.data.features import Features
from mere.data.pieces import HashedUnits
from mere.data.units import Units
from mere.errors import ConfigError
from mere.schema import Labels
from mere.training.duration import Duration, share_of_stage
from mere.training.run import train
from mere.training.source import BatchSource, TrainingData
from tests import tiny

RECIPE = tiny.recipe()
DATA = TrainingData(
    tiny.SENTENCES, ExampleMaker(HashedUnits(Units(), Features(2048)), Labels.from_sentences(tiny.SENTENCES))
)
SIZES = {"de": 60, "te": 30, "ja": 10}


def stage(**settings: Any) -> StageSettings:
    return StageSettings(name="one", **settings)


def test_a_stages_steps_are_shared_in_proportion_to_sentences() -> None:
    shares = {lang: share_of_stage(stage(steps=50), SIZES, lang) for lang in SIZES}
    assert shares == {"de": (30, 0.0), "te": (15, 0.0), "ja": (5, 0.0)}
    assert share_of_stage(stage(steps=50), SIZES, None) == (50, 0.0)
    assert share_of_stage(stage(seconds=20.0), SIZES, "te") == (0, 6.0)
    assert share_of_stage(stage(), SIZES, "te") == (0, 0.0)


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(1, 50), min_size=1), st.integers(1, 5000))
def test_shares_add_up(sizes: dict[str, int], steps: int) -> None:
    shares = [share_of_stage(stage(steps=steps), sizes, lang)[0] for lang in sizes]
    assert min(shares) >= 1
    assert sum(shares) == steps or (sum(shares) > steps and 1 in shares)


def test_steps_and_seconds_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="stage one has a number of steps and of seconds"):
        Recipe.from_tree({"stages": [{"name": "one", "steps": 3, "seconds": 4}]})


def test_seconds_project_the_steps_of_the_whole() -> None:
    duration = Duration(steps=100, seconds=10.0)
    assert duration.total(0, 0.0) == 100  # a guess
    assert duration.total(20, 4.0) == 50
    assert duration.total(49, 9.99) == 50
    assert duration.total(51, 10.1) == 51
    assert [duration.is_over(51, spent) for spent in (9.99, 10.0)] == [False, True]
    assert not duration.is_over(100, 5.0)


def test_evaluations_are_spread_over_steps_or_seconds() -> None:
    steps = Duration(steps=10)
    assert [s for s in range(1, 11) if steps.evaluates(s, 0.0, 1.0, 4)] == [2, 5, 8, 10]
    seconds = Duration(steps=10, seconds=8.0)
    assert [s for s in range(1, 11) if seconds.evaluates(s, 0.9 * s, 0.9, 4)] == [3, 5, 7, 9]
    assert not any(limit.evaluates(10, 8.0, 1.0, 0) for limit in (steps, seconds))


def source(**limits: Any) -> BatchSource:
    sampling = SamplingSettings(pieces_per_batch=80)
    return BatchSource(DATA, recipe=RECIPE, sampling=sampling, seed=[1, 0], **{"epochs": 2.0, **limits})


def same(ours: BatchSource, theirs: BatchSource, step: int) -> bool:
    return np.array_equal(ours[step][0].pieces, theirs[step][0].pieces)


def test_a_number_of_steps_takes_the_same_batches_over_as_many_epochs() -> None:
    by_epochs = source(epochs=3.0)
    per_epoch = round(len(by_epochs) / 3)
    by_steps = source(steps=len(by_epochs) - 1)
    assert len(by_steps) == len(by_epochs) - 1
    assert all(same(by_steps, by_epochs, step) for step in range(len(by_steps)))
    assert by_steps.epoch_at(len(by_steps)) == pytest.approx(3 - 1 / per_epoch, abs=0.02)
    few = source(steps=2)
    assert len(few) == 2
    assert few.epoch_at(2) == pytest.approx(by_epochs.epoch_at(2))


def test_an_endless_source_goes_on_after_its_epochs() -> None:
    longer, endless = source(epochs=4.0), source(epochs=1.5, is_endless=True)
    assert all(same(endless, longer, step) for step in range(len(longer)))
    assert endless.epoch_at(len(longer)) == pytest.approx(4)
    assert len(endless) < len(longer)
    assert math.isinf(endless.epochs)


def run(folder: Path, corpus: Path, *stages: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    sampling = {"pieces_per_batch": 80}
    whole = [{"train": ["encoder", "heads"], "evaluations": 2, "sampling": sampling, **one} for one in stages]
    recipe = tiny.recipe(
        stages=whole, data={"path": str(corpus), "languages": ["de", "te"]}, aggregator={"layers": 0}
    )
    model = train(recipe, folder, progress=False)
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return json.loads((model / "metrics.json").read_text(encoding="utf-8"))["costs"], log


def test_a_run_makes_as_many_steps_as_it_is_given(tmp_path: Path, tiny_corpus: Path) -> None:
    stages = [{"name": "shared", "steps": 7}, {"name": "own", "steps": 6, "per_language": True}]
    costs, log = run(tmp_path / "run", tiny_corpus, *stages)
    assert costs["steps"] == {"shared": 7, "own.de": 4, "own.te": 2}  # 4 and 2 sentences
    last = [record for record in log if record["event"] == "step" and record["stage"] == "shared"][-1]
    assert (last["step"], last["num_steps"]) == (7, 7)
    assert last["lr"] < 0.5 * 2e-3  # the schedule ends with the steps


def test_a_run_takes_as_many_seconds_as_it_is_given(tmp_path: Path, tiny_corpus: Path) -> None:
    costs, log = run(tmp_path / "run", tiny_corpus, {"name": "own", "seconds": 1.5, "per_language": True})
    longest_step = 1.0  # on a busy machine
    assert 1.0 <= costs["seconds"]["own.de"] <= 1.0 + longest_step
    assert 0.5 <= costs["seconds"]["own.te"] <= 0.5 + longest_step
    steps = [record for record in log if record["event"] == "step" and record["stage"] == "own.de"]
    assert steps[-1]["step"] == costs["steps"]["own.de"]
    assert steps[-1]["epoch"] > 1  # it went on after the recipe's one epoch
    assert steps[-1]["lr"] < 0.5 * 2e-3  # the schedule ends with the seconds
    evaluated = [
        record["step"] for record in log if record["event"] == "evaluation" and record["stage"] == "own.de"
    ]
    assert 1 <= len(evaluated) <= 2
