"""Out of memory: a real allocation fails, one error says what to turn, and turning it is enough."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tests import tiny
from tests.side_by_side import ROOT, environment
from tests.training.short_of_memory import corpus_of

from mere.config import Recipe
from mere.errors import TrainingError
from mere.languages.defaults import BATCHES, Choices, less_memory, stage_for
from mere.training.out_of_memory import (
    advice,
    advice_on_evaluation,
    advice_on_the_model,
    advice_on_writing,
    is_out_of_memory,
    less_of_the_encoder,
    other_result,
    same_result,
)
from mere.training.progress import Silent
from mere.training.run import Run

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").is_file(), reason="the size of the process is read from /proc"
)

LIMITED = """
import resource, sys
from contextlib import contextmanager
from pathlib import Path
from mere.config import Recipe
from mere.errors import TrainingError
from mere.training.run import Run
from mere.training.progress import Silent

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


@needs_proc
def test_a_run_that_had_too_little_memory_goes_on_with_what_the_error_says(tmp_path: Path) -> None:
    """A batch of 200 sentences through a wide tagger needs more than 200 MB, a sixteenth of it does not."""
    corpus = corpus_of(tmp_path / "corpus", train=30)
    stage = {"name": "s", "steps": 2, "sampling": {"pieces_per_batch": 4000}}
    recipe = tiny.recipe(data={"path": corpus}, triples={"hidden": 3000, "dropout": 0.0}, stages=[stage])
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
        (RuntimeError("unable to mmap 8 bytes from file <f>: Cannot allocate memory (12)"), True),
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
        "unified.sampling.pieces_per_batch=40",
        "encoder.trim=texts",
        "encoder.freeze=0",
    ]


def test_a_knob_that_is_turned_is_not_offered_again() -> None:
    encoder = {"name": "org/encoder", "gradient_checkpointing": True, "trim": "texts", "freeze": 4}
    ours = recipe(encoder=encoder, precision="bf16")
    assert same_result(ours, ours.stages[0]) == ["unified.gradient_accumulation=2"]
    assert other_result(ours, ours.stages[0]) == ["unified.sampling.pieces_per_batch=40", "encoder.freeze=6"]
    frozen = ours.stages[1]  # it trains the switchers alone
    assert other_result(ours, frozen) == ["specific.sampling.pieces_per_batch=40"]


def test_every_knob_is_a_setting() -> None:
    stage = {"name": "s", "objective": {"name": "pcgrad"}}
    for ours in (recipe(), recipe(stages=[stage]), tiny.recipe()):
        for knob in (*same_result(ours, ours.stages[0]), *other_result(ours, ours.stages[0])):
            assert Recipe.from_tree(ours.model_dump(mode="json"), [knob]) != ours, knob
            assert f"--set {knob}" in advice(ours, ours.stages[0])
    surgery = recipe(stages=[stage])
    assert "s.objective.name=sum" in other_result(surgery, surgery.stages[0])
    every = recipe(stages=[stage], encoder={"name": "org/encoder", "freeze": 2})
    for said in (
        advice_on_evaluation(every),
        advice_on_writing(every, every.stages[0]),
        advice_on_the_model(every, "cuda"),
    ):
        knobs = [knob.rstrip(".") for knob in re.findall(r"--set (\S+)", said)]
        assert knobs, said
        for knob in knobs:
            assert Recipe.from_tree(every.model_dump(mode="json"), [knob]) != every, knob
    assert less_of_the_encoder(tiny.recipe(), tiny.recipe().stages[0]) == []


def test_a_model_that_is_too_large_for_any_machine(tiny_corpus: Path, tmp_path: Path) -> None:
    data, encoder = {"path": str(tiny_corpus)}, tiny.recipe().encoder.model_dump() | {"row_dim": 2**36}
    with pytest.raises(
        TrainingError, match=r"^the model: out of memory \(.*\)\. The model alone needs more: end"
    ):
        Run(tiny.recipe(data=data, encoder=encoder), tmp_path / "run", resume=False, listener=Silent())


@needs_proc
def test_dev_and_a_language_that_is_added_say_what_helps_them(tmp_path: Path) -> None:
    """64 sentences at once through a wide tagger need more than there is, a few do not."""
    command = [sys.executable, "-m", "tests.training.short_of_memory", str(tmp_path)]
    given_back = environment() | {
        "MALLOC_MMAP_THRESHOLD_": "1000000"
    }  # what was freed is no room for what comes
    done = subprocess.run(command, cwd=ROOT, env=given_back, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    begun = r"stage s, step 1, scoring dev: out of memory \(.*\)\. Less memory, the same result: "
    assert re.match(begun + r"--set dev_pieces_per_batch=1024\. ", said["dev"])
    assert "--resume goes on from it" in said["dev"]
    assert (Path(said["written"]) / "config.json").is_file()
    begun = (
        r"stage add-uk, step \d: out of memory \(.*\)\. With at most \d+ sentences of uk, none longer than "
    )
    assert re.match(begun, said["added"])
    assert "Fewer numbers are trained with --lora 2." in said["added"]
    assert said["added"].endswith("Nothing was written.")
    assert "--set" not in said["added"]
    assert "--resume" not in said["added"]
    assert not list(tmp_path.glob("new*"))


def test_a_checkpoint_for_which_there_is_no_room(
    tiny_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU weights are written from where they lie; from a GPU they are copied first, as here."""

    def copy_first(*_: object) -> None:
        torch.empty(2**50, dtype=torch.uint8)

    monkeypatch.setattr("mere.training.run.save_checkpoint", copy_first)
    run = Run(tiny.recipe(data={"path": str(tiny_corpus)}), tmp_path / "run", resume=False, listener=Silent())
    with pytest.raises(TrainingError) as raised:
        run.finish()
    assert re.match(r"stage unified, step 0, writing the checkpoint: out of memory \(", str(raised.value))
    assert "copied to main memory first: end what else runs on this machine." in str(raised.value)


@pytest.mark.parametrize("lengths", [[30] * 500, [10, 50] * 250, [100, *[4] * 900]])
def test_so_many_sentences_make_batches_half_as_large(lengths: list[int]) -> None:
    ours = tiny.recipe(stages=[{"name": "s", "sampling": {"pieces_per_batch": 1600}}])

    def units(pieces: list[int]) -> int:
        return stage_for("uk", ours, np.array(pieces), Choices(), "model").sampling.pieces_per_batch

    whole = stage_for("uk", ours, np.array(lengths), Choices(), "model")
    said = less_memory("uk", whole, np.array(lengths), "cpu")
    fewer, longest = map(int, re.findall(r"at most (\d+) .* than (\d+) pieces", said)[0])
    assert longest == whole.sampling.pieces_per_batch // 2
    assert BATCHES < fewer < len(lengths)
    assert units(lengths[-fewer:]) <= 1.1 * longest
