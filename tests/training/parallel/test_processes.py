"""Several processes on one batch are one process: share by share, step by step, and after a kill."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.data.examples import ExampleMaker
from mere.data.pieces import fit_pieces
from mere.errors import UserError
from mere.models.model import build
from mere.models.tensors import targets_to_tensors, to_tensors
from mere.schema import Labels
from mere.training.folder import RunFolder
from mere.training.parallel.processes import Processes, refuse_too_many
from mere.training.parallel.split_batch import split_batch
from mere.training.run import Run, train
from mere.training.source import BatchSource, TrainingData
from tests import checkpoints, side_by_side, tiny
from tests.training.one_stage import TASKS

UNIFIED = {
    "name": "unified",
    "epochs": 2,
    "lr": 0.003,
    "evaluations": 1,
    "ema": 0.9,
    "gradient_accumulation": 2,
    "sampling": {"pieces_per_batch": 80, "group_size": 2, "group_share": 0.7, "mention_replacement": 0.5},
}
SWITCHERS = {
    "name": "specific",
    "train": ["switcher"],
    "use_switcher": True,
    "lr": 0.003,
    "evaluations": 1,
    "sampling": {"pieces_per_batch": 80},
}
OWN = {
    "name": "own",
    "train": ["heads"],
    "per_language": True,
    "lora": 2,
    "lr": 0.003,
    "evaluations": 1,
    "sampling": {"pieces_per_batch": 40},
}


KILLED = ("dropout", "sharded dropout")


def unified(objective: str, **more: Any) -> dict[str, Any]:
    return UNIFIED | {"objective": {"name": objective, **more}}


SCENARIOS: dict[str, list[dict[str, Any]]] = {
    "sum": [unified("sum", measure=3), SWITCHERS],
    "pcgrad": [unified("pcgrad"), OWN],
    "uncertainty": [unified("uncertainty")],
    "gradvac": [unified("gradvac")],
    "mgda": [unified("mgda")],
    "lora": [unified("sum"), SWITCHERS],
    "sharded": [unified("sum"), SWITCHERS | {"evaluations": 0}],
}


@pytest.fixture(scope="module")
def recipes(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The scenarios as files, and one with everything that draws numbers at random."""
    folder = tmp_path_factory.mktemp("recipes")
    data = {"path": str(tiny_corpus)}
    base = tiny.recipe()
    made = {name: tiny.recipe(data=data, stages=stages) for name, stages in SCENARIOS.items()}
    made["lora"] = tiny.recipe(  # a language's part may have a gradient in one process only
        data=data,
        encoder=base.encoder.model_dump() | {"context": "transformer"},
        switcher={"kind": "lora", "rank": 2},
        stages=SCENARIOS["lora"],
    )
    pretrained = {"name": str(checkpoints.make("xlm-roberta", folder / "encoder")), "dropout": 0.0}
    made["sharded"] = tiny.recipe(data=data, encoder=pretrained, stages=SCENARIOS["sharded"], sharding="full")
    made["dropout"] = tiny.recipe(
        data=data,
        encoder=base.encoder.model_dump() | {"dropout": 0.3, "unit_dropout": 0.2},
        stages=[unified("gradvac") | {"epochs": 3}, SWITCHERS],
        checkpoint_minutes=0,
        tracking="tensorboard",
    )
    made["sharded dropout"] = tiny.recipe(
        data=data,
        encoder=pretrained | {"dropout": 0.3, "gradient_checkpointing": True},
        switcher={"kind": "adapters", "width": 4},
        stages=SCENARIOS["sharded"],
        checkpoint_minutes=0,
        sharding="full",
    )
    for name, recipe in made.items():
        text = yaml.safe_dump(recipe.model_dump(mode="json"))
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.yaml" for name in made}


@pytest.fixture(scope="module")
def killed(
    recipes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, side_by_side.Killed]:
    """Runs whose second process was killed after some checkpoints, as they were begun by the command."""
    return {name: side_by_side.kill(recipes[name], tmp_path_factory.mktemp("cut") / "run") for name in KILLED}


@pytest.fixture(scope="module")
def together(
    recipes: dict[str, Path], killed: dict[str, side_by_side.Killed], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """All of them trained by two processes, and those that were killed gone on with."""
    out = tmp_path_factory.mktemp("together")
    jobs = [(recipe, out / name) for name, recipe in recipes.items()]
    side_by_side.together([*jobs, *((recipes[name], run.out) for name, run in killed.items())], out)
    return out


def log_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SCENARIOS))
def test_two_processes_train_what_one_does(
    name: str, recipes: dict[str, Path], together: Path, tmp_path: Path
) -> None:
    """And each process its share in two parts, one after the other.

    Adam moves a weight by the rate whatever its gradient's size, so a rounding may grow to a share of it.
    """
    train(recipes[name], tmp_path / "alone", ["unified.gradient_accumulation=1"], progress=False)
    alone, two = tmp_path / "alone", together / name
    files = sorted(str(file.relative_to(alone)) for file in alone.rglob("*.safetensors"))
    assert files == sorted(str(file.relative_to(two)) for file in two.rglob("*.safetensors"))
    for file in files:
        ours = load_file(two / file)
        for key, tensor in load_file(alone / file).items():
            assert ours[key] == pytest.approx(tensor, abs=2e-5), f"{file}: {key}"
    for before, after in zip(log_of(alone), log_of(two), strict=True):
        assert before.keys() == after.keys()
        assert before.get("losses", {}) == pytest.approx(after.get("losses", {}), rel=1e-3, abs=1e-4)
        assert before.get("gradient_norm", 0) == pytest.approx(after.get("gradient_norm", 0), rel=1e-3)
        assert before.get("triple_f1/strict") == after.get("triple_f1/strict")


@pytest.mark.parametrize("name", KILLED)
def test_a_process_is_killed_and_all_resume_to_the_same_bits(
    name: str, killed: dict[str, side_by_side.Killed], together: Path
) -> None:
    cut, whole = killed[name], together / name
    assert cut.status == 1, cut.said
    assert "another process of the run is gone" in cut.said
    assert cut.left == ["checkpoint.safetensors"], "it was not finished"
    assert log_of(cut.out) == log_of(whole)
    if name == "dropout":
        files = [len(list((run / "tensorboard").iterdir())) for run in (whole, cut.out)]
        assert files == [1, 2], "one process writes them, from each start on"
    model = "model/model.safetensors"
    assert (cut.out / model).read_bytes() == (whole / model).read_bytes()


def test_a_sharded_encoder_is_held_by_halves(
    recipes: dict[str, Path], together: Path, tmp_path: Path
) -> None:
    """Parameters, gradients, Adam's two moments and averages; one process alone holds them whole."""
    alone = side_by_side.Weighing()
    run = Run(Recipe.read(recipes["sharded"]), tmp_path / "alone", resume=False, listener=alone)
    run.finish()
    encoder = sum(parameter.numel() for parameter in run.model.encoder.parameters())
    for held in json.loads((together / "sharded" / "held.json").read_text(encoding="utf-8")):
        assert alone.held - held == pytest.approx(5 * encoder / 2, rel=0.02)


def test_all_that_torchrun_started_leave_their_group_after_an_error(tmp_path: Path) -> None:
    """A process that ends in the group may die of a thread of gloo instead (pytorch issue 179291)."""
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--log-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", *torchrun, "--redirects", "3", "-m", "tests.side_by_side"],
        cwd=side_by_side.ROOT,
        env=side_by_side.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    said = [file.read_text(encoding="utf-8") for file in sorted(tmp_path.rglob("stderr.log"))]
    assert done.returncode == 0, [done.stderr, *said]
    assert len(said) == 2
    assert all("In a group: False" in words for words in said), said
    assert "the last one refuses" in said[1]
    assert said[0].count("another process of the run is gone") == 2, said


@pytest.mark.parametrize("size", [2, 3, 40])
@pytest.mark.parametrize("task", list(TASKS))
def test_the_shares_of_a_batch_add_up_to_it(task: str, size: int) -> None:
    """Losses and gradients, groups included; of 40 processes most have no sentence."""
    stage = UNIFIED | {"sampling": {"pieces_per_batch": 200, "group_size": 2, "group_share": 0.5}}
    recipe: Recipe = tiny.recipe(stages=[stage], **TASKS[task])
    found = Labels.from_sentences(tiny.TYPED)
    types = tuple(sorted({kind for kinds in tiny.TYPES.values() for kind in kinds}))
    labels = Labels(found.relations, types, found.languages)
    pieces = fit_pieces(recipe.encoder, tiny.TYPED)
    data = TrainingData(tiny.TYPED, ExampleMaker(pieces, labels))
    source = BatchSource(data, recipe=recipe, sampling=recipe.stages[0].sampling, epochs=3, seed=[0, 0])
    torch.manual_seed(0)
    model = build(recipe, labels, pieces)
    cpu = torch.device("cpu")
    sizes = set()
    for step in range(len(source)):
        batch, targets = source[step]
        sizes.add(batch.group_size)
        shares = [split_batch(batch, targets, rank, size) for rank in range(size)]
        assert sum(len(own.lang_id) for own, _ in shares) == len(batch.lang_id)
        held = [own for own, _ in shares if len(own.lang_id)]
        assert (
            max(len(own.lang_id) for own in held) - min(len(s.lang_id) for s, _ in shares) <= batch.group_size
        )
        assert np.sort(np.concatenate([own.lang_id for own in held])).tolist() == sorted(
            batch.lang_id.tolist()
        )
        model.zero_grad()
        whole = model.item_losses(to_tensors(batch, cpu), targets_to_tensors(targets, cpu))
        torch.stack([loss.mean() for loss in whole.values()]).sum().backward()
        expected = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
        model.zero_grad()
        for own, taught in shares:
            if len(own.lang_id):
                items = model.item_losses(to_tensors(own, cpu), targets_to_tensors(taught, cpu))
                parts = [loss.values.sum() / len(whole[name].values) for name, loss in items.items()]
                torch.stack(parts).sum().backward()
        for name, parameter in model.named_parameters():
            if name in expected:
                assert parameter.grad is not None, name
                torch.testing.assert_close(parameter.grad, expected[name], atol=2e-5, rtol=1e-4)
    assert sizes == {1, 2}


def test_more_processes_than_sentences_are_refused() -> None:
    refuse_too_many(Processes(0, 13), 13)
    with pytest.raises(UserError, match=r"14 processes .* only 13 to train on.*--nproc-per-node 13"):
        refuse_too_many(Processes(3, 14), 13)


def test_another_number_of_processes_is_told(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    corpus = Corpus({"train": tiny.SENTENCES})
    assert folder.claim(tiny.recipe(), corpus, resume=False, num_processes=2) == ""
    assert folder.claim(tiny.recipe(), corpus, resume=True, num_processes=2) == ""
    assert "processes: 2 -> 1: weights agree to rounding only" in folder.claim(
        tiny.recipe(), corpus, resume=True
    )


def test_a_folder_that_one_machine_does_not_see_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="on a disk that all machines share"):
        RunFolder(tmp_path / "elsewhere").check_visible()
