"""Every bad recipe, checkpoint, model folder and disk that we promise to meet, end to end by the command line.

A missing recipe is in cli/test_start.py, a model cut short in cli/test_extract.py; each fault of a recipe has its
words in test_config*.py, each fault of a model folder in models/test_folder.py.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import save_file

from mere.training.checkpoint import load_checkpoint
from tests import apart
from tests.command import GOOD, mere, refused, short_recipe, train, worked, write


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return short_recipe(tmp_path)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--set", "encodr.dim=8"], ['unknown key "encodr". Did you mean "encoder"?']),
        (
            ["--set", "unifed.lr=1", "--set", "seed=x"],
            ['unknown key "unifed". Did you mean "unified"?', '"seed": Input should be a valid integer'],
        ),
        (["--set", "unified"], ["--set unified: write it as key=value"]),
        (["--set", "stages.lr=1"], ['--set stages.lr: write "stage1.…"']),
        (["--set", "specific.train=[swicher]"], ['"stage2.train.1": Input should be', "found 'swicher'"]),
        (["--set", "data.languages=[dee]"], ['no sentence in the language "dee". Did you mean "de"?']),
        (["--set", "start=nowhere.safetensors"], ["nowhere.safetensors: this file is missing"]),
    ],
)
def test_a_setting_with_a_typo(recipe: Path, tmp_path: Path, args: list[str], said: list[str]) -> None:
    write(tmp_path / "corpus" / "de.train.jsonl", *GOOD)
    refused(train(recipe, tmp_path / "corpus", *args), *said)


def test_a_recipe_with_typos_says_all_of_them(recipe: Path, tmp_path: Path) -> None:
    text = (
        recipe.read_text(encoding="utf-8")
        .replace("seed:", "sead:")
        .replace("evaluations: 1", "evaluations: -1")
    )
    recipe.write_text(text, encoding="utf-8")
    message = refused(mere("train", recipe, "--out", tmp_path / "run"), f"Error: {recipe}: ")
    assert len(message.splitlines()) == 3
    assert f'{recipe}: unknown key "sead". Did you mean "seed"?' in message
    recipe.write_text("stages: [", encoding="utf-8")
    refused(mere("train", recipe, "--out", tmp_path / "run"), f"{recipe}: not readable as YAML", "line 1")
    refused(mere("train", tmp_path / "recipes.yaml", "--out", tmp_path), 'Did you mean "recipe.yaml"?')


@pytest.fixture(scope="module")
def interrupted(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was interrupted, so that it has a checkpoint."""
    from mere.training.run import Run

    def stops(self: Run) -> None:
        raise KeyboardInterrupt

    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_write_model", stops)
        done = train(short_recipe(folder), tiny_corpus)
    assert done.exit_code == 130
    assert (
        done.stderr == "Interrupted. The last checkpoint is kept. Go on with the same command and --resume.\n"
    )
    return folder / "run"


@pytest.fixture
def begun(interrupted: Path, recipe: Path) -> Path:
    """The checkpoint of that run, which lies where `train` goes on with it."""
    return shutil.copytree(interrupted, recipe.parent / "run") / "checkpoint.safetensors"


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def other_version(path: Path) -> None:
    tensors, _ = load_checkpoint(path)
    save_file(tensors, path, metadata={"format": "99", "progress": "{}"})


def no_version(path: Path) -> None:
    save_file(load_checkpoint(path)[0], path)


def other_progress(path: Path) -> None:
    save_file(load_checkpoint(path)[0], path, metadata={"format": "2", "progress": '{"epoch": 3}'})


def no_checkpoint(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut_short, "not a whole checkpoint ("),
        (no_checkpoint, "not a whole checkpoint ("),
        (other_progress, "not a whole checkpoint ("),
        (other_version, "checkpoint format '99', this mere reads 2."),
        (no_version, "checkpoint format None, this mere reads 2."),
    ],
)
def test_a_checkpoint_that_cannot_be_resumed(
    begun: Path, recipe: Path, tiny_corpus: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(begun)
    message = refused(train(recipe, tiny_corpus, "--resume"), f"Error: {begun}: {said}")
    assert len(message.splitlines()) == 1


def test_a_run_is_neither_overwritten_nor_mixed_up(begun: Path, recipe: Path, tiny_corpus: Path) -> None:
    before = begun.read_bytes()
    refused(
        train(recipe, tiny_corpus),
        "run: holds a run already. Continue it with --resume, or choose another --out.",
    )
    other = train(recipe, tiny_corpus, "--resume", "--set", "unified.lr=1")
    refused(other, "this run was begun with other settings (stages1.lr: 0.002 -> 1.0)")
    assert begun.read_bytes() == before
    worked(train(recipe, tiny_corpus, "--resume"))


def test_out_is_a_file(recipe: Path, tiny_corpus: Path) -> None:
    (recipe.parent / "run").write_text("mine")
    refused(train(recipe, tiny_corpus), "run: is a file; --out names a folder. Choose another --out.")
    assert (recipe.parent / "run").read_text() == "mine"


@pytest.mark.parametrize("verb", ["extract", "evaluate"])
def test_a_model_of_another_version(tiny_model: Path, tiny_corpus: Path, tmp_path: Path, verb: str) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "format": 1}), encoding="utf-8")
    args = [tiny_corpus, "--split", "dev"] if verb == "evaluate" else []
    refused(mere(verb, folder, *args), f"{folder / 'config.json'}: format 1, this mere reads 2.")


@pytest.mark.parametrize("verb", ["extract", "evaluate"])
def test_a_model_that_is_not_there(tiny_run: Path, tiny_corpus: Path, tmp_path: Path, verb: str) -> None:
    args = [tiny_corpus, "--split", "dev"] if verb == "evaluate" else []
    refused(mere(verb, tmp_path / "nowhere", *args), "nowhere: no such folder; expected a model's folder.")
    refused(mere(verb, tiny_run, *args), f"Did you mean {tiny_run / 'model'}?")


def limited(largest_file: int, *command: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    apart.mere(*command)


def on_a_full_disk(largest_file: int, folder: Path, *args: object) -> tuple[int | None, str]:
    """Run the command line in a process that can write no file of more than `largest_file` bytes.

    Returns:
        Its exit status, and what it said on standard error; on standard output it says nothing.
    """
    said = folder / "said.txt"
    process = apart.begin(limited, os.environ, said, largest_file, *map(str, args))
    process.join(120)
    assert said.with_suffix(".out").read_text(encoding="utf-8") == ""
    return process.exitcode, said.read_text(encoding="utf-8")


def test_a_full_disk_keeps_the_last_good_checkpoint_and_the_run_goes_on(
    recipe: Path, tiny_corpus: Path
) -> None:
    """The first checkpoint fits the disk; the second, which has the optimizer's state, does not."""
    every_step = ["--set", "checkpoint_minutes=0", "--set", "unified.epochs=2"]
    worked(train(recipe, tiny_corpus, *every_step))
    whole, out = recipe.parent / "run", recipe.parent / "full"
    weights = (whole / "model" / "model.safetensors").read_bytes()
    args = ["train", recipe, "--out", out, "--quiet", "--set", f"data.path={tiny_corpus}", *every_step]
    status, said = on_a_full_disk(int(1.3 * len(weights)), recipe.parent, *args)
    assert status == 1, said
    assert said.startswith(f"Error: {out / 'checkpoint.safetensors'}: could not be written (")
    cure = "What was there is untouched. Free some space, or choose another place, then run the same command again"
    assert cure in said
    assert len(said.splitlines()) == 1
    tensors, progress = load_checkpoint(out / "checkpoint.safetensors")
    assert (int(tensors["step"]), progress.stage_run) == (0, 0)
    assert not list(out.glob("*.tmp"))
    worked(mere(*args, "--resume"))
    assert (out / "model" / "model.safetensors").read_bytes() == weights
    assert (out / "log.jsonl").read_text() == (whole / "log.jsonl").read_text()


def test_a_disk_too_full_for_the_first_checkpoint(recipe: Path, tiny_corpus: Path) -> None:
    out = recipe.parent / "full"
    args = ["train", recipe, "--out", out, "--quiet", "--set", f"data.path={tiny_corpus}"]
    status, said = on_a_full_disk(100_000, recipe.parent, *args)
    assert status == 1, said
    assert "could not be written" in said
    assert len(said.splitlines()) == 1
    assert not list(out.glob("*.safetensors*"))
    worked(mere(*args, "--resume"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_standard_output_on_a_full_disk(tiny_corpus: Path) -> None:
    command = [sys.executable, "-m", "mere", "extract", str(tiny_corpus / "de.dev.jsonl")]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "Error: [Errno 28] No space left on device. Check the disk and the path.\n"
