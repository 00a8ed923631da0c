"""Out of memory: a real allocation fails, one error says what to turn, and turning it is enough."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests import tiny
from tests.side_by_side import ROOT, environment

from mere.config import Recipe
from mere.data.formats import jsonl
from mere.training.out_of_memory import advice, is_out_of_memory, other_result, same_result

LIMITED = """
import resource, sys
from contextlib import contextmanager
from pathlib import Path
from mere.config import Recipe
from mere.errors import TrainingError
from mere.training.run import Run
from mere.training.talk import Silent

class Limits(Silent):
    @contextmanager
    def stage(self, name, num_steps, done):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + 200_000_000
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))
        with super().stage(name, num_steps, done) as bar:
            yield bar

recipe = Recipe.read(sys.argv[1], sys.argv[4:])
try:
    Run(recipe, Path(sys.argv[2]), resume=sys.argv[3] == "resume", listener=Limits()).finish()
except TrainingError as error:
    sys.exit(str(error))
"""


@pytest.mark.skipif(
    not Path("/proc/self/statm").is_file(), reason="the size of the process is read from /proc"
)
def test_a_run_that_had_too_little_memory_goes_on_with_what_the_error_says(tmp_path: Path) -> None:
    """A batch of 200 sentences through a wide tagger needs more than 200 MB, a sixteenth of it does not."""
    (tmp_path / "corpus").mkdir()
    for lang in ("de", "en"):
        own = [sentence for sentence in tiny.SENTENCES if sentence.lang == lang]
        many = [replace(sentence, id=f"{sentence.id}-{copy}") for sentence in own for copy in range(30)]
        jsonl.write(many, tmp_path / "corpus" / f"{lang}.train.jsonl")
    stage = {"name": "s", "steps": 2, "sampling": {"units_per_batch": 4000}}
    recipe = tiny.recipe(
        data={"path": str(tmp_path / "corpus")}, triples={"hidden": 3000, "dropout": 0.0}, stages=[stage]
    )
    path, out = tmp_path / "recipe.yaml", tmp_path / "run"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json")), encoding="utf-8")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", LIMITED, str(path), str(out), *words]
        return subprocess.run(
            command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
        )

    failed = run("begin")
    assert failed.returncode == 1
    assert "stage s, step 0: out of memory (" in failed.stderr
    assert "--set s.gradient_accumulation=2." in failed.stderr
    assert "--resume goes on from it" in failed.stderr
    assert (out / "checkpoint.safetensors").is_file()
    mended = run("resume", "s.gradient_accumulation=16")
    assert mended.returncode == 0, mended.stderr
    assert (out / "model" / "config.json").is_file()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), True),
        (RuntimeError("std::bad_alloc"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError("Cannot allocate memory"), False),
    ],
)
def test_what_is_said_when_memory_runs_out(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def recipe(**changes: Any) -> Recipe:
    return tiny.recipe(**{"encoder": {"name": "org/encoder", "kind": "pretrained"}, **changes})


def test_the_knobs_of_a_pretrained_encoder() -> None:
    ours = recipe()
    assert same_result(ours, ours.stages[0]) == [
        "unified.gradient_accumulation=2",
        "encoder.gradient_checkpointing=true",
    ]
    assert other_result(ours, ours.stages[0]) == [
        "precision=bf16",
        "unified.sampling.units_per_batch=40",
        "encoder.trim=texts",
        "encoder.freeze=0",
    ]


def test_a_knob_that_is_turned_is_not_offered_again() -> None:
    encoder = {"name": "org/encoder", "gradient_checkpointing": True, "trim": "texts", "freeze": 4}
    ours = recipe(encoder=encoder, precision="bf16")
    assert same_result(ours, ours.stages[0]) == ["unified.gradient_accumulation=2"]
    assert other_result(ours, ours.stages[0]) == ["unified.sampling.units_per_batch=40", "encoder.freeze=6"]
    frozen = ours.stages[1]  # it trains the switchers alone
    assert other_result(ours, frozen) == ["specific.sampling.units_per_batch=40"]


def test_every_knob_is_a_setting() -> None:
    stage = {"name": "s", "objective": {"name": "pcgrad"}}
    for ours in (recipe(), recipe(stages=[stage]), tiny.recipe()):
        for knob in (*same_result(ours, ours.stages[0]), *other_result(ours, ours.stages[0])):
            assert Recipe.from_tree(ours.model_dump(mode="json"), [knob]) != ours, knob
            assert f"--set {knob}" in advice(ours, ours.stages[0])
    surgery = recipe(stages=[stage])
    assert "s.objective.name=sum" in other_result(surgery, surgery.stages[0])
