"""TensorBoard's own reader finds what log.jsonl says, once, however often the run was killed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mere.config import Recipe
from mere.training import run as run_module
from mere.training.loop import StageLoop, StepReport
from mere.training.run import train
from tests import apart, tiny
from tests.training.interrupted import cut_off

pytest.importorskip("tensorboard")

Points = dict[str, list[tuple[int, float]]]
"""Tag -> the steps and values that are there."""


@pytest.fixture(scope="module")
def recipe(tiny_corpus: Path) -> Recipe:
    """A shared stage that measures conflict, then one per language; weights change, so nothing is a tie."""
    base = {"epochs": 3, "lr": 0.005, "evaluations": 2, "sampling": {"pieces_per_batch": 25}}
    stages = [
        {"name": "shared", **base, "objective": {"name": "sum", "measure": 2}},
        {"name": "own", **base, "train": ["heads"], "per_language": True, "lora": 2, "evaluations": 1},
    ]
    data = {"path": str(tiny_corpus), "languages": ["de", "en"]}
    return tiny.recipe(data=data, stages=stages, tracking="tensorboard", checkpoint_minutes=1e6)


@pytest.fixture(scope="module", autouse=True)
def every_third_step() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "LOG_EVERY", 3)
        yield


def read(run: Path) -> tuple[Points, dict[str, str]]:
    """Return the scalars and the texts of a run, as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    points = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    texts = {}
    for tag in events.Tags()["tensors"]:
        (only,) = events.Tensors(tag)
        texts[tag] = only.tensor_proto.string_val[0].decode()
    return points, texts


def metrics_of(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "model/metrics.json").read_text(encoding="utf-8"))
    return record


def costs_of(run: Path) -> dict[str, Any]:
    costs: dict[str, Any] = metrics_of(run)["costs"]
    return costs


def logged(run: Path) -> Points:
    """Return the numbers of log.jsonl, each event by what it is known to hold, at the steps of the whole run."""
    points: Points = {}
    num_steps = costs_of(run)["steps"]
    stage_runs = list(num_steps)

    def put(tag: str, step: int, value: Any) -> None:
        points.setdefault(tag, []).append((step, float(np.float32(value))))

    for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["event"] == "alignment":
            for lang, row in record["languages"].items():
                for name, count in row.items():
                    put(f"alignment/languages/{lang}/{name}", 0, count)
            continue
        stage_run = record["stage"]
        step = record["step"] + sum(num_steps[name] for name in stage_runs[: stage_runs.index(stage_run)])
        if record["event"] == "step":
            for name in ("epoch", "gradient_norm", "lr", "sentences"):
                put(f"{stage_run}/step/{name}", step, record[name])
            for name, loss in record["losses"].items():
                put(f"{stage_run}/step/losses/{name}", step, loss)
        elif record["event"] == "evaluation":
            for lang, f1 in record["triple_f1/strict"].items():
                put(f"{stage_run}/evaluation/triple_f1/strict/{lang}", step, f1)
        else:
            for group, found in record["groups"].items():
                for name in ("mean_cosine", "share_conflicting"):
                    if found[name] is not None:
                        put(f"{stage_run}/conflict/groups/{group}/{name}", step, found[name])
    return points


def without_results(points: Points) -> Points:
    return {tag: found for tag, found in points.items() if not tag.startswith("result/")}


@pytest.fixture(scope="module")
def whole(recipe: Recipe, every_third_step: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tracked") / "whole"
    train(recipe, out, progress=False)
    return out


def test_tensorboard_reads_what_the_log_says(whole: Path) -> None:
    points, texts = read(whole)
    expected = logged(whole)
    assert {tag.split("/")[1] for tag in expected} == {"languages", "step", "evaluation", "conflict"}
    assert without_results(points) == expected
    costs, num_steps = costs_of(whole), sum(costs_of(whole)["steps"].values())
    assert points["result/costs/parameters"] == [(num_steps, np.float32(costs["parameters"]))]
    for lang, size in costs["bytes_per_language"].items():
        assert points[f"result/costs/bytes_per_language/{lang}"] == [(num_steps, size)]
    for lang, f1 in metrics_of(whole)["dev"]["triple_f1/strict"].items():
        assert points[f"result/dev/triple_f1/strict/{lang}"] == [(num_steps, np.float32(f1))]
    names = {"recipe.yaml": whole, "metrics.json": whole / "model", "README.md": whole / "model"}
    for name, folder in names.items():
        assert (folder / name).read_text(encoding="utf-8") in texts[f"{name}/text_summary"]


def train_until_killed(recipe: Path, out: Path, steps: int) -> None:
    """Train in this process, which is killed after so many steps."""
    original, done = StageLoop.run, 0

    def killed(self: StageLoop) -> Iterator[StepReport]:
        nonlocal done
        for report in original(self):
            yield report
            done += 1
            if done == steps:
                os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "LOG_EVERY", 3)
        patch.setattr(StageLoop, "run", killed)
        train(recipe, out, progress=False)


def test_a_run_that_was_killed_has_no_point_twice(recipe: Recipe, whole: Path, tmp_path: Path) -> None:
    """In a language's stage run, all of whose points were written after the last checkpoint."""
    path, cut = tmp_path / "recipe.yaml", tmp_path / "cut"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json")), encoding="utf-8")
    shared, own = (costs_of(whole)["steps"][stage_run] for stage_run in ("shared", "own.de"))
    assert own > 4
    killed = apart.begin(train_until_killed, os.environ, tmp_path / "said.txt", path, cut, shared + 4)
    killed.join()
    assert killed.exitcode == -signal.SIGKILL, (tmp_path / "said.txt").read_text(encoding="utf-8")
    assert [step for step, _ in read(cut)[0]["own.de/step/lr"]] == [shared + 3], "nothing waits for a close"
    again = train(recipe, cut, resume=True, progress=False)
    assert len(os.listdir(cut / "tensorboard")) == 2
    points, texts = read(cut)
    assert without_results(points) == logged(whole) == logged(cut)
    assert len(texts) == 3
    assert (again / "model.safetensors").read_bytes() == (whole / "model/model.safetensors").read_bytes()


def test_a_run_that_was_interrupted_closes_its_file_and_goes_on(
    recipe: Recipe, whole: Path, tmp_path: Path
) -> None:
    cut_off(recipe, tmp_path / "cut", 4)
    points, _ = read(tmp_path / "cut")
    assert [step for step, _ in points["shared/step/lr"]] == [3]
    assert not any(tag.startswith("result/") for tag in points)
    train(recipe, tmp_path / "cut", resume=True, progress=False)
    assert without_results(read(tmp_path / "cut")[0]) == logged(whole) == logged(tmp_path / "cut")


def test_a_run_that_was_interrupted_before_its_first_checkpoint(
    recipe: Recipe, tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "save_checkpoint", stops)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, tmp_path / "cut", progress=False)
    train(recipe, tmp_path / "cut", resume=True, progress=False)
    assert without_results(read(tmp_path / "cut")[0]) == logged(whole) == logged(tmp_path / "cut")


def test_a_run_is_the_same_with_and_without_it_and_where_it_can_not_write(
    recipe: Recipe, tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file where its folder should be stops the tracker, at the start, not the run."""
    plain = train(recipe.model_copy(update={"tracking": ()}), tmp_path / "plain", progress=False)
    assert (plain / "model.safetensors").read_bytes() == (whole / "model/model.safetensors").read_bytes()
    assert (tmp_path / "plain/log.jsonl").read_bytes() == (whole / "log.jsonl").read_bytes()
    assert not (tmp_path / "plain/tensorboard").exists()
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked/tensorboard").write_text("in the way")
    blocked = train(recipe, tmp_path / "blocked", progress=True)
    assert (blocked / "model.safetensors").read_bytes() == (whole / "model/model.safetensors").read_bytes()
    assert capsys.readouterr().err.count("tracking: tensorboard failed (") == 1
