"""A batch computed in parts is the batch: gradients, losses, state of the objective; only memory is another."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from mere.models.losses import ItemLosses
from mere.models.tensors import targets_to_tensors, to_tensors
from mere.training.loop import StageLoop
from tests.training.one_stage import TASKS, loop

OBJECTIVES: list[dict[str, Any]] = [
    {"name": "sum"},
    {"name": "sum", "measure": 1},
    {"name": "uncertainty"},
    {"name": "pcgrad"},
    {"name": "gradvac", "scope": "group"},
    {"name": "mgda"},
]


def gradients(made: StageLoop, step: int) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The losses of a step's batch, and the gradient that the step would follow."""
    made.optimizer.zero_grad(set_to_none=True)
    made.model.train()
    losses, _ = made.gradient.of(*made.source[step], step, measure=bool(made.stage.objective.measure))
    named = {**made.parameters, **made.objective.parameters()}
    return losses, {name: p.grad.clone() for name, p in named.items() if p.grad is not None}


@pytest.mark.parametrize("parts", [2, 40])
@pytest.mark.parametrize(
    "objective", OBJECTIVES, ids=lambda objective: "-".join(map(str, objective.values()))
)
def test_the_parts_of_a_batch_make_the_same_step(objective: dict[str, Any], parts: int) -> None:
    """Of 40 parts most have no row. Two steps: Gradient Vaccine's targets depend on those before."""
    whole, split = loop(1, objective=objective), loop(parts, objective=objective)
    for step in range(2):
        losses, expected = gradients(whole, step)
        again, found = gradients(split, step)
        assert again == pytest.approx(losses, rel=1e-5)
        assert found.keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, atol=2e-5, rtol=1e-4, msg=name)
    for name, tensor in whole.objective.state_dict().items():
        torch.testing.assert_close(split.objective.state_dict()[name], tensor)


@pytest.mark.parametrize("task", ["triples", "types", "spans"])
def test_every_decoder_is_divided_by_the_items_of_the_whole_batch(task: str) -> None:
    whole, split = loop(1, task), loop(3, task)
    for step in range(2):
        _, expected = gradients(whole, step)
        _, found = gradients(split, step)
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, atol=2e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("task", list(TASKS))
def test_items_are_counted_from_the_targets_alone(task: str) -> None:
    made, cpu = loop(1, task), torch.device("cpu")
    for step in range(len(made.source)):
        arrays, wanted = made.source[step]
        batch, targets = to_tensors(arrays, cpu), targets_to_tensors(wanted, cpu)
        items: dict[str, ItemLosses] = made.model.item_losses(batch, targets)
        assert made.model.num_items(batch, targets) == {
            name: len(loss.values) for name, loss in items.items()
        }


def test_only_one_part_is_in_memory_at_a_time() -> None:
    """The numbers that autograd keeps for the backward, at their peak."""
    peaks = {}
    for parts in (1, 4):
        made = loop(parts, units=600, train=["aggregator", "heads"])
        held = peak = 0

        class Kept:
            def __init__(self, tensor: Tensor):
                nonlocal held, peak
                self.tensor = tensor
                held += tensor.numel()
                peak = max(peak, held)

            def __del__(self) -> None:
                nonlocal held
                held -= self.tensor.numel()

        with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
            gradients(made, 0)
        assert held == 0
        peaks[parts] = peak
    assert peaks[4] < 0.4 * peaks[1]


def test_a_whole_stage_ends_where_it_does_without_parts() -> None:
    """Adam moves a weight by the rate whatever its gradient's size, so a rounding may grow to a share of it."""
    ends = []
    for parts in (1, 3):
        made = loop(parts, ema=0.9)
        list(made.run())
        ends.append(made.weights())
    for name, tensor in ends[0].items():
        torch.testing.assert_close(ends[1][name], tensor, atol=1e-4, rtol=0, msg=name)
