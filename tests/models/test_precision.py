"""Under bf16 autocast the encoder is bf16, and the CRF and every loss are fp32."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mere.nn.crf import CRF
from tests.training.one_stage import TASKS, loop

IN_FP32 = {
    "logsumexp",
    "_log_softmax",
    "binary_cross_entropy_with_logits",
    "logaddexp",
    "log_sigmoid_forward",
}


class Types(TorchDispatchMode):
    """What types of numbers each operation was given."""

    def __init__(self) -> None:
        super().__init__()
        self.given: dict[str, set[torch.dtype]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        floats = {
            t.dtype
            for t in tree_leaves((args, kwargs))
            if isinstance(t, torch.Tensor) and t.is_floating_point()
        }
        self.given.setdefault(func.__name__.split(".")[0], set()).update(floats)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("task", list(TASKS))
def test_losses_are_fp32_where_the_rest_is_bf16(task: str) -> None:
    made = loop(1, task)
    made.gradient = dataclasses.replace(made.gradient, precision="bf16")
    with Types() as seen:
        items = made.gradient.items(*made.source[0])
    assert torch.bfloat16 in seen.given["addmm"] | seen.given.get("mm", set()), "autocast was on"
    assert {loss.values.dtype for loss in items.values()} == {torch.float32}
    found = {name: dtypes for name, dtypes in seen.given.items() if name in IN_FP32}
    assert found
    assert set().union(*found.values()) == {torch.float32}, found
    sum(loss.mean() for loss in items.values()).backward()  # type: ignore[union-attr]
    assert {p.grad.dtype for p in made.parameters.values() if p.grad is not None} == {torch.float32}


def test_the_crf_is_the_same_under_autocast() -> None:
    torch.manual_seed(0)
    crf = CRF(channels=2, num_types=3)
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter)
    emissions = torch.randn(3, 2, 6, 7).bfloat16()
    given = torch.zeros(3, 2, 6, dtype=torch.long), torch.ones(3, 6, dtype=torch.bool)
    alone = crf(emissions.float(), *given)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(crf(emissions, *given), alone)
