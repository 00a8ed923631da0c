"""Trackers: the numbers of a record, one that is not installed, one that fails in the middle of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mere.config import Recipe
from mere.errors import ConfigError
from mere.training.run import train
from mere.training.tracking import JsonLines, TrackedRun, Tracker, Trackers, scalars
from mere.training.tracking.base import identity
from tests import tiny
from tests.command import mere, refused


def test_the_numbers_of_a_record_by_hand() -> None:
    step = {"event": "step", "stage": "s", "step": 3, "num_steps": 9, "losses": {"tag": 0.5}, "lr": 1e-3}
    assert scalars(step) == {"s/step/losses/tag": 0.5, "s/step/lr": 1e-3}
    found = {"event": "evaluation", "stage": "s.de", "step": 3, "triple_f1/strict": {"de": 50}, "best": True}
    assert scalars(found) == {"s.de/evaluation/triple_f1/strict/de": 50.0}
    groups = {"all": {"steps": [[0, 1]], "mean_cosine": None, "share_conflicting": 0.25}}
    conflict = {"event": "conflict", "stage": "s", "step": 3, "languages": ["de", "te"], "groups": groups}
    assert scalars(conflict) == {"s/conflict/groups/all/share_conflicting": 0.25}
    assert scalars({"event": "alignment", "languages": {"de": {"triples": 2}}}) == {
        "alignment/languages/de/triples": 2.0
    }
    assert scalars({"costs": {"steps": {"s": 9}}}) == {"result/costs/steps/s": 9.0}


def test_a_run_is_known_by_one_name(tmp_path: Path) -> None:
    runs = [tmp_path / "one", tmp_path / "two"]
    for run in runs:
        run.mkdir()
    first, second = (identity(run) for run in runs)
    assert first != second
    assert (identity(runs[0]), identity(runs[1])) == (first, second)


class Fails(Tracker):
    """Works until the second record, as a server does that goes down."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def start(self, run: TrackedRun) -> None:
        self.calls.append("start")

    def log(self, record: Mapping[str, Any], step: int) -> None:
        self.calls.append("log")
        if len(self.calls) == 3:
            raise ConnectionError("no route\nto host")

    def file(self, path: Path) -> None:
        self.calls.append("file")

    def finish(self, result: Mapping[str, Any] | None) -> None:
        self.calls.append("finish")


def test_a_tracker_that_fails_is_told_once_and_left_out(tmp_path: Path) -> None:
    log, said, fails = tmp_path / "log.jsonl", list[str](), Fails()
    log.write_text("")
    trackers = Trackers(JsonLines(log, 0), {"mlflow": fails}, said.append)
    trackers.start(TrackedRun("run", tmp_path, {}, 0))
    for step in range(4):
        trackers.log({"event": "step", "step": step}, step)
    trackers.file(log)
    trackers.finish(None)
    assert fails.calls == ["start", "log", "log"]
    assert said == [
        "tracking: mlflow failed (ConnectionError: no route to host) and is off from here on. "
        "The run goes on, and its log.jsonl is whole."
    ]
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [0, 1, 2, 3]


def test_a_log_that_can_not_be_written_ends_the_run(tmp_path: Path) -> None:
    trackers = Trackers(JsonLines(tmp_path / "nowhere" / "log.jsonl", 0), {}, print)
    with pytest.raises(FileNotFoundError):
        trackers.start(TrackedRun("run", tmp_path, {}, 0))


@pytest.mark.parametrize(
    ("name", "package", "install"),
    [
        ("tensorboard", "tensorboard", 'pip install "mere[tensorboard]"'),
        ("mlflow", "mlflow", "pip install mlflow"),
        ("wandb", "wandb", "pip install wandb"),
    ],
)
def test_a_package_that_is_missing(
    name: str, package: str, install: str, tmp_path: Path, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read or written; the same where the package is installed, which is hidden here."""
    monkeypatch.setitem(sys.modules, package, None)
    for module in ("torch.utils.tensorboard", f"mere.training.tracking.{name}"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(tiny.recipe(data={"path": str(tiny_corpus)}).to_yaml(), encoding="utf-8")
    done = mere("train", recipe, "--out", tmp_path / "run", "--set", f"tracking={name}", "--quiet")
    message = refused(done, f"tracking: {name} cannot be loaded (", f"Install it: {install}.")
    assert "--set tracking=[]" in message
    assert not (tmp_path / "run").exists()


def test_trackers_that_do_not_exist() -> None:
    assert tiny.recipe(tracking="tensorboard").tracking == ("tensorboard",)
    with pytest.raises(ConfigError, match=r"tracking.*'tensorboard', 'mlflow' or 'wandb'"):
        Recipe.from_tree({"stages": [{"name": "s"}], "tracking": ["tensorbord"]})


def test_a_run_goes_on_with_other_trackers(tmp_path: Path, tiny_corpus: Path) -> None:
    short = tiny.recipe(data={"path": str(tiny_corpus)}, stages=[{"name": "s", "epochs": 1}])
    model = train(short, tmp_path / "run", progress=False)
    assert (
        train(short.model_copy(update={"tracking": ("tensorboard",)}), tmp_path / "run", resume=True) == model
    )
    other = short.model_copy(update={"tracking": ("tensorboard",), "seed": 9})
    with pytest.raises(ConfigError, match=r"other settings \(seed: 2 -> 9\)"):
        train(other, tmp_path / "run", resume=True, progress=False)
