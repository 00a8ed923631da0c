"""What a stage needs of memory, told before its first step.

    weights      the model's, and those that changes of low rank are added to
    optimiser    AdamW's two moments of every number that is trained
    averaged     the averaged weights
    activations  of the largest part of a batch; when they are free again, the CPU's allocator does not give them
                 back, and gradients of large tables find no room among them
    by turns     the gradients, or the copy of the weights that is evaluated and kept

Activations are measured on a few rows of the largest batches of the plan, forward only, and extrapolated: nothing
that is trained or drawn changes. The rest of the process (program, corpus) is what it holds already.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mere.data.batching import Batch
from mere.data.targets import Targets
from mere.training.loop import StageLoop
from mere.training.out_of_memory import advice, telling_what_to_turn
from mere.training.parallel.split_batch import groups_of_batch

KERNELS = 500_000_000
"""Bytes that oneDNN's kernels for bf16 come to on a CPU, one for each shape of a batch; measured, any model."""


@dataclass(frozen=True)
class Need:
    """Bytes that a process needs for a stage: what it holds all the time, and what it holds by turns."""

    held: Mapping[str, int]
    turns: Mapping[str, int]

    @property
    def total(self) -> int:
        """The peak."""
        return sum(self.held.values()) + max(self.turns.values())

    def __str__(self) -> str:
        unit, size = ("GB", 1e9) if self.total >= 1e9 else ("MB", 1e6)
        digits = 1 if unit == "GB" else 0

        def shown(parts: Mapping[str, int]) -> list[str]:
            return [f"{name} {n / size:.{digits}f}" for name, n in parts.items() if round(n / size, digits)]

        parts = [*shown(self.held), " or ".join(shown(self.turns))]
        return f"about {self.total / size:.{digits}f} {unit}: {', '.join(filter(None, parts))}"


def need_of(loop: StageLoop) -> Need:
    """Return what a stage that has not begun needs in this process, on the device of its model."""
    used = in_use(loop.device)
    trained = _bytes(loop.parameters.values())
    weights = _bytes(loop.model.state_dict().values())
    low_rank = _bytes(matrix.base for matrix in loop.trainable.low_rank.values())
    factors = _bytes(loop.trainable.factors.values())
    averaged = _bytes(loop.averaged.values())
    gradients = _bytes(loop.gradient.parameters.values())
    if loop.objective.needs_gradients or loop.stage.objective.measure:
        gradients *= 1 + len(loop.objective.languages)
    held = {
        "weights": weights + low_rank + factors,
        "optimiser": 2 * trained,
        "averaged weights": averaged,
        "activations": activations_of(loop),
        "kernels": KERNELS if loop.device.type == "cpu" and loop.recipe.precision == "bf16" else 0,
        "program and data": max(0, used - weights - low_rank - factors - averaged),
    }
    return Need(held, {"gradients": gradients, "a copy of the weights": weights})


def told(loop: StageLoop) -> str:
    """Return what a stage needs in a line, with what to turn where there is less."""
    if loop.sharding.parts:  # its forward is not this process's alone
        return f"stage {loop.stage.name} is sharded: what it needs is not estimated"
    return line_of(loop, need_of(loop), room_on(loop.device))


def line_of(loop: StageLoop, need: Need, room: int | None) -> str:
    """Return that line for a need and the bytes that there are; None: nobody knows."""
    line = f"stage {loop.stage.name} needs {need}"
    if room is None or need.total <= room:
        return line
    where = "this machine" if loop.device.type == "cpu" else "the GPU"
    return f"{line}. {where} has {room / 1e9:.1f} GB for it. {advice(loop.recipe, loop.stage)}"


def activations_of(loop: StageLoop) -> int:
    """Return the bytes that the forward of a stage's largest part of a batch holds at its peak."""
    training, devices = loop.model.training, [loop.device] if loop.device.type == "cuda" else []
    loop.model.train()
    with torch.random.fork_rng(devices), telling_what_to_turn(loop.place, loop.cure):
        found = [_extrapolated(loop, *loop.source[step]) for step in loop.source.heaviest()]
    loop.model.train(training)
    return max(found)


def _extrapolated(loop: StageLoop, batch: Batch, targets: Targets) -> int:
    """Return what a part of a batch holds, from an eighth and a quarter of its groups of sentences.

    Among them are the longest sentences, in pieces and in what describes pieces: they are padded as the whole is.
    """
    groups = len(batch.lang_id) // batch.group_size
    own = math.ceil(groups / (loop.processes.size * loop.stage.gradient_accumulation))
    by_group = (batch.pieces > 0).reshape(groups, batch.group_size, batch.pieces.shape[1], -1)
    longest = by_group.any(3).sum(2).max(1).argmax(), by_group.sum((2, 3)).max(1).argmax()
    order = np.array(list(dict.fromkeys([*map(int, longest), *range(0, groups, 4), *range(groups)])))
    few = max(2, own // 8)
    more = max(few + 1, own // 4)
    if groups <= more:
        return round(_measured(loop, batch, targets) * min(1, own / groups))
    small, large = (
        _measured(loop, *groups_of_batch(batch, targets, order[:number])) for number in (few, more)
    )
    return round(small + (large - small) / (more - few) * (own - few))


def _measured(loop: StageLoop, batch: Batch, targets: Targets) -> int:
    """Return the bytes at the peak of the forward of some rows."""
    with _Live() as live:
        items = loop.gradient.items(batch, targets)
    del items
    return live.peak


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors that operations make, while they are alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._alive: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {id(t.untyped_storage()) for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                if id(storage) not in given and id(storage) not in self._alive:
                    self._born(storage)
        return made

    def _born(self, storage: Any) -> None:
        key, size = id(storage), storage.nbytes()

        def gone(_: Any) -> None:
            self.now -= size
            del self._alive[key]

        self._alive[key] = weakref.ref(storage, gone)
        self.now += size
        self.peak = max(self.peak, self.now)


def in_use(device: torch.device) -> int:
    """Return the bytes that this process holds on a device, and that are not free for what comes."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)  # glibc keeps pages that are free again
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not Linux
        return 0


def room_on(device: torch.device) -> int | None:
    """Return the bytes that this process may hold on a device, those that it holds included; None: nobody knows."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":") for line in lines)
    free = int(fields["MemAvailable"].split()[0]) * 1024
    limit, used = (_number(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit is not None and used is not None:  # a container's
        free = min(free, limit - used)
    return in_use(device) + free // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def _number(path: str) -> int | None:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
