"""The estimate before the first step: parts by hand, activations against the whole batch, and nothing is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests import tiny
from tests.training.one_stage import TASKS, loop

from mere.training import memory
from mere.training.memory import Need, activations_of, line_of, need_of
from mere.training.progress import Silent, Talk
from mere.training.run import Run


def test_live_bytes_by_hand() -> None:
    given = torch.ones(1000)
    with memory._Live() as live:
        first = given + 1  # 4000 bytes
        view = first.view(10, 100)
        second = view * 2  # and 4000
        assert live.now == 8000
        second += given.view(10, 100)
        assert live.now == 8000, "what is changed in place is no new tensor"
        del first
        assert live.now == 8000, "a view holds it"
        del view
        assert live.now == 4000
        kept = second.double()
        assert live.now == 12000
    assert live.peak == 12000
    del second, kept
    assert live.now == 0


def test_every_part_by_hand() -> None:
    made = loop(1, train=["heads"], ema=0.9)
    weights = sum(t.numel() * 4 for t in made.model.state_dict().values())
    heads = sum(
        p.numel() * 4 for n, p in made.model.named_parameters() if n.startswith(("triples", "entities"))
    )
    need = need_of(made)
    held = dict(need.held)
    assert held.pop("program and data") > 0
    assert held.pop("activations") > 0
    assert held == {"weights": weights, "optimiser": 2 * heads, "averaged weights": heads, "kernels": 0}
    assert need.turns == {"gradients": heads, "a copy of the weights": weights}
    surgery = need_of(loop(1, train=["heads"], objective={"name": "pcgrad"}))
    assert surgery.turns["gradients"] == 6 * heads, "one for each of five languages, and what comes of them"


@pytest.mark.parametrize("task", list(TASKS))
def test_activations_are_those_of_the_largest_batch(task: str) -> None:
    """From a few of its rows; all of them are measured here."""
    made = loop(1, task, units=2000)
    made.model.train()
    whole = [memory._measured(made, *made.source[step]) for step in range(len(made.source))]
    assert activations_of(made) == pytest.approx(max(whole), rel=0.2)
    parted = loop(4, task, units=2000)
    assert activations_of(parted) < 0.5 * activations_of(made)


@pytest.mark.parametrize("changes", [{}, {"ema": 0.9}, {"ema": 0.9, "lora": 2, "per_language": True}])
def test_weights_to_be_scored_are_lent_to_the_model_without_another_copy_of_it(
    changes: dict[str, Any],
) -> None:
    made = loop(1, **changes)
    for _ in range(3):
        next(made.run())
    trained = {name: tensor.clone() for name, tensor in made.model.state_dict().items()}
    kept = {name: tensor.clone() for name, tensor in made.weights().items()}
    assert any(not torch.equal(kept[name], trained[name]) for name in kept) == ("ema" in changes)
    with memory._Live() as live, made.holding_weights():
        held = live.now
        assert all(torch.equal(tensor, kept[name]) for name, tensor in made.model.state_dict().items())
        assert all(parameter.grad is None for parameter in made.model.parameters())
    assert all(torch.equal(tensor, trained[name]) for name, tensor in made.model.state_dict().items())
    assert held <= (memory._bytes(trained.values()) if changes else 0)


def test_a_run_that_is_told_its_memory_is_the_same_run(
    tiny_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = [stage.model_dump() | {"epochs": 1.0} for stage in tiny.recipe().stages]
    encoder = tiny.recipe().encoder.model_dump() | {"dropout": 0.3, "unit_dropout": 0.2}
    recipe = tiny.recipe(data={"path": str(tiny_corpus)}, encoder=encoder, stages=stages)
    weights = []
    for name, listener in (("silent", Silent()), ("told", Talk())):
        folder = Run(recipe, tmp_path / name, resume=False, listener=listener).finish()
        weights.append((folder / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]
    said = " ".join(capsys.readouterr().err.split())
    assert "stage unified needs about" in said
    assert "stage specific needs about" in said


def test_the_line_names_every_part_and_what_to_do_where_it_does_not_fit() -> None:
    need = Need(
        {
            "weights": 1_100_000_000,
            "optimiser": 2_200_000_000,
            "averaged weights": 0,
            "activations": 500_000_000,
        },
        {"gradients": 1_000_000_000, "a copy of the weights": 1_100_000_000},
    )
    assert need.total == 4_900_000_000
    parts = "weights 1.1, optimiser 2.2, activations 0.5, gradients 1.0 or a copy of the weights 1.1"
    assert str(need) == f"about 4.9 GB: {parts}"
    made = loop(1)
    for room in (None, 4_900_000_000):
        assert line_of(made, need, room) == f"stage s needs about 4.9 GB: {parts}"
    warned = line_of(made, need, 2_000_000_000)
    assert (
        "this machine has 2.0 GB for it. Less memory, the same result: --set s.gradient_accumulation=2"
        in warned
    )


def test_the_room_of_this_machine_holds_what_the_process_has() -> None:
    room, used = memory.room_on(torch.device("cpu")), memory.in_use(torch.device("cpu"))
    assert used > 50_000_000, "torch alone is more"
    assert room is None or room > used
