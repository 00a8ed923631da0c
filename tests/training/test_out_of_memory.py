"""Out of memory: errors that mean it are told apart, and become one message; what it advises works when typed."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from mere.config import Recipe
from mere.data.formats import jsonl
from mere.errors import TrainingError
from mere.languages.add_language import add_language
from mere.training.out_of_memory import advice, is_out_of_memory, settings_for_less
from mere.training.progress import Bar, Listener
from mere.training.run import Run
from tests import tiny
from tests.apart import apart


class Limits(Listener):
    """Leaves a stage 200 MB more than there are when it begins."""

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + 200_000_000
        resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))
        yield Bar()


def run_limited(recipe: Path, out: Path, overrides: list[str], resume: bool) -> None:
    Run(Recipe.read(recipe, overrides), out, resume=resume, listener=Limits()).finish()


@pytest.mark.skipif(
    not Path("/proc/self/statm").is_file(), reason="the size of the process is read from /proc"
)
def test_a_run_that_had_too_little_memory_continues_with_what_the_error_says(tmp_path: Path) -> None:
    """A batch of 200 sentences through a wide tagger needs more than 200 MB, a sixteenth of it does not."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for lang in ("de", "en"):
        sentences = [sentence for sentence in tiny.SENTENCES if sentence.lang == lang]
        many = [replace(s, id=f"{s.id}-{copy}") for s in sentences for copy in range(30)]
        jsonl.write(many, corpus / f"{lang}.train.jsonl")
    stage = {"name": "s", "steps": 2, "sampling": {"pieces_per_batch": 4000}}
    recipe = tiny.recipe(data={"path": str(corpus)}, triples={"hidden": 3000, "dropout": 0.0}, stages=[stage])
    path, out = tmp_path / "recipe.yaml", tmp_path / "run"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json")), encoding="utf-8")
    more = "--resume --set s.gradient_accumulation=2 "
    with pytest.raises(TrainingError, match=rf"stage s: out of memory \(.*{more}"):
        apart(run_limited, os.environ, path, out, [], False)
    assert (out / "checkpoint.safetensors").is_file()
    apart(run_limited, os.environ, path, out, ["s.gradient_accumulation=16"], True)
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
def test_errors_that_mean_out_of_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def pretrained(**changes: Any) -> Recipe:
    return tiny.recipe(encoder={"name": "org/encoder", "kind": "pretrained", **changes})


@pytest.mark.parametrize("recipe", [tiny.recipe(), pretrained(), pretrained(trim="texts")])
def test_every_setting_of_the_advice_is_one_that_changes_the_recipe(recipe: Recipe) -> None:
    stage = recipe.stages[0]
    same, other = settings_for_less(recipe, stage)
    for setting in (*same, *other):
        assert Recipe.from_tree(recipe.model_dump(mode="json"), [setting]) != recipe, setting
        assert f"--set {setting}" in advice(recipe, stage)
    assert ("encoder.trim=texts" in other) == (getattr(recipe.encoder, "trim", "") == "none")


def test_a_model_that_is_too_large_for_any_machine(tiny_corpus: Path, tmp_path: Path) -> None:
    data, encoder = {"path": str(tiny_corpus)}, tiny.recipe().encoder.model_dump() | {"row_dim": 2**36}
    with pytest.raises(TrainingError, match=r"^the model: out of memory \(.*\)\. End what else runs there"):
        Run(tiny.recipe(data=data, encoder=encoder), tmp_path / "run", resume=False, listener=Listener())


class NoRoom(Listener):
    """Lets a stage begin where there is no memory left."""

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        torch.empty(2**50, dtype=torch.uint8)
        yield Bar()


def test_a_language_for_which_there_is_no_room(tiny_model: Path, tmp_path: Path) -> None:
    new = [replace(s, lang="uk") for s in tiny.SENTENCES if s.lang == "en"]
    jsonl.write(new, tmp_path / "uk.train.jsonl")
    with pytest.raises(TrainingError, match=r"^adding uk: out of memory \(.*Nothing was written"):
        add_language(tiny_model, tmp_path / "uk.train.jsonl", "uk", tmp_path / "new", listener=NoRoom())
    assert not list(tmp_path.glob("new*"))
