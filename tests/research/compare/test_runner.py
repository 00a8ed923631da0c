"""Cells as real processes: killed, failing, interrupted, locked; and the comparison that comes of it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mere.research.compare.plan import make_plan
from mere.research.compare.runner import run_cells
from mere.research.results import Results
from tests import apart
from tests.command import mere
from tests.research.compare.compare_examples import OWN, SHARED, write_recipe

pytestmark = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds processes in /proc")

QUICK = {"epochs": 2, "evaluations": 1, "lr": 0.01}
REGIMES: dict[str, Any] = {
    "naive": {"stages": [{**SHARED, **QUICK, "epochs": 40}]},
    "broken": {"stages": [{**SHARED, **QUICK, "lr": 1e30, "warmup": 0.0, "max_grad_norm": 0.0}]},
    "after": {"start": "cells/broken/shared", "stages": [{**OWN, **QUICK}]},
    "monolingual": {"stages": [{**OWN, **QUICK}]},
}
ON_TINY = ["--split", "dev", "--set", "data.languages=[de,te]"]


def compare_command(recipe: Path, out: Path, *more: str) -> list[str]:
    return ["compare", str(recipe), "--out", str(out), *ON_TINY, *more]


def processes_of(folder: Path) -> list[int]:
    """The processes whose command line names a folder, other than `mere compare` itself."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended since
            if str(folder).encode() in words and b"compare" not in words:
                found.append(int(place.name))
    return found


def until(is_so: Any, seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, tiny_corpus: Path) -> dict[str, Any]:
    """All regimes, the cell "naive" killed in the middle; then those that can finish, a second time."""
    folder = tmp_path_factory.mktemp("story")
    recipe = write_recipe(folder, REGIMES, data={"path": str(tiny_corpus)}, checkpoint_minutes=0.0)
    out = folder / "out"
    naive = out / "cells" / "naive" / "seed-2"
    said = folder / "said.err"
    running = apart.begin(apart.mere, os.environ, said, *compare_command(recipe, out))
    until((naive / "checkpoint.safetensors").exists)
    (killed,) = processes_of(naive)
    os.kill(killed, signal.SIGKILL)
    running.join(300)
    first = (
        running.exitcode,
        said.with_suffix(".out").read_text(encoding="utf-8"),
        said.read_text(encoding="utf-8"),
        Results.model_validate_json((out / "results.json").read_text()),
    )
    alone = out / "cells" / "monolingual" / "seed-2" / "model" / "model.safetensors"
    age = alone.stat().st_mtime_ns
    again = mere(*compare_command(recipe, out, "--regimes", "naive,monolingual"))
    return {
        "out": out,
        "first": first,
        "again": again,
        "untouched": alone.stat().st_mtime_ns == age,
        "log": (naive / "log.jsonl").read_text(encoding="utf-8"),
    }


@pytest.mark.slow
def test_a_killed_and_a_failing_cell_are_told_and_the_others_go_on(story: dict[str, Any]) -> None:
    status, stdout, stderr, results = story["first"]
    assert status == 1
    assert [Path(line).name for line in stdout.splitlines()] == [
        "results.json",
        "results.md",
        "curves.json",
        "index.html",
    ]
    assert list(results.systems) == ["monolingual"]
    failed = {attempt.what: attempt for attempt in results.failed_attempts}
    assert failed["naive, seed 2"].outcome == "killed by SIGKILL"
    assert failed["broken, seed 2"].outcome == "exit status 1"
    assert "the loss is " in failed["broken, seed 2"].note
    assert failed["after, seed 2"].outcome == "it starts from broken, seed 2, which failed"
    assert "3 runs failed; the same command tries them again." in stderr
    assert "Traceback" not in stderr


@pytest.mark.slow
def test_the_killed_cell_goes_on_and_no_other_runs_again(story: dict[str, Any]) -> None:
    again = story["again"]
    assert again.exit_code == 0, again.stderr
    assert "1 of 2 cells are finished already" in again.stderr
    assert "naive, seed 2 goes on" in again.stderr
    assert story["untouched"]
    events = [json.loads(line)["event"] for line in story["log"].splitlines()]
    assert events.count("alignment") == 1
    results = Results.model_validate_json((story["out"] / "results.json").read_text())
    assert list(results.systems) == ["naive", "monolingual"]
    assert results.failed_attempts == []
    assert [c.scope for c in results.comparisons] == ["macro", "de", "te"]
    assert {(c.a, c.b) for c in results.comparisons} == {("monolingual", "naive")}


@pytest.mark.slow
def test_a_finished_comparison_runs_nothing_and_says_the_same(
    story: dict[str, Any], tiny_corpus: Path
) -> None:
    out: Path = story["out"]
    before = Results.model_validate_json((out / "results.json").read_text())
    plan = make_plan(
        out.parent / "recipe.yaml",
        out,
        regimes=["naive", "monolingual"],
        overrides=["data.languages=[de,te]"],
    )
    said: list[str] = []
    assert run_cells(plan, "dev", jobs=2, progress=said.append) == []
    assert said == ["2 of 2 cells are finished already"]
    epochs = {
        name: system.costs.epochs_per_language for name, system in before.systems.items() if system.costs
    }
    assert epochs == {"naive": {"de": 40.0, "te": 40.0}, "monolingual": {"de": 2.0, "te": 2.0}}
    assert "Not an equal budget" in before.systems["monolingual"].note


def heeding_interrupts(*command: str) -> None:
    """A shell starts what runs in its background with interrupts ignored, and that is inherited: not here."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    apart.mere(*command)


@pytest.mark.slow
def test_an_interrupt_stops_the_processes_and_keeps_what_they_saved(
    tmp_path: Path, tiny_corpus: Path
) -> None:
    regimes = {"naive": {"stages": [{**SHARED, **QUICK, "epochs": 3000, "evaluations": 0}]}}
    recipe = write_recipe(tmp_path, regimes, data={"path": str(tiny_corpus)})
    out = tmp_path / "out"
    cell = out / "cells" / "naive" / "seed-2"
    said = tmp_path / "said.err"
    running = apart.begin(heeding_interrupts, os.environ, said, *compare_command(recipe, out))
    assert running.pid
    until((cell / "checkpoint.safetensors").exists)
    os.kill(running.pid, signal.SIGINT)
    running.join(60)
    assert running.exitcode == 130
    assert said.with_suffix(".out").read_text(encoding="utf-8") == ""
    assert "Interrupted. Finished runs are kept" in said.read_text(encoding="utf-8")
    assert processes_of(cell) == []
    assert (cell / "checkpoint.safetensors").exists()


def test_a_cell_that_another_process_is_at_work_on_is_left_alone(tmp_path: Path) -> None:
    plan = make_plan(write_recipe(tmp_path, {"naive": REGIMES["naive"]}), tmp_path / "out")
    (cell,) = plan.cells
    cell.folder.parent.mkdir(parents=True)
    with cell.folder.with_name("seed-2.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (failure,) = run_cells(plan, "dev", jobs=1, progress=lambda words: None)
    assert "another process is at work on it" in failure.why
    assert not cell.folder.exists()


def test_the_command_that_predicts_is_in_memory_once(tmp_path: Path) -> None:
    """Else runpy warns of it in the log of every cell."""
    command = [sys.executable, "-W", "always", "-m", "mere.research.compare.predict", str(tmp_path), "dev"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stderr == f"Error: {tmp_path / 'recipe.yaml'}: there is no such recipe.\n"
    assert done.returncode == 1
