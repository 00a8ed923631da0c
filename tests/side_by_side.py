"""What one of several processes does in tests.

Trains each recipe into its folder, from where that stands, all in one process group, and compares the weights that
all processes hold bit by bit after every step. Of those that torchrun starts, by python -m tests.side_by_side, the
last refuses, and all say whether they left their group.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mere.config import Recipe
from mere.errors import DataError, MereError, TrainingError
from mere.training.loop import StepReport
from mere.training.parallel.lost import reporting_lost_processes
from mere.training.parallel.processes import Processes, join_processes
from mere.training.progress import Bar, Listener
from mere.training.run import Run
from tests import apart

ROOT = Path(__file__).parents[1]


def numbers_held() -> int:
    """Return how many fp32 numbers the tensors of this process hold; what several share is counted once."""
    gc.collect()
    tensors = [found for found in gc.get_objects() if type(found) in (Tensor, nn.Parameter)]
    storages = [tensor.untyped_storage() for tensor in tensors if tensor.dtype == torch.float32]
    return sum({storage.data_ptr(): storage.nbytes() // 4 for storage in storages}.values())


class Weighing(Listener, Bar):
    """Counts the numbers that a process holds for a run, after its second step."""

    def __init__(self) -> None:
        self.before = numbers_held()
        self.held = 0

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        yield self

    def step(self, report: StepReport) -> None:
        if report.step == 2 and not self.held:
            self.held = numbers_held() - self.before


class SameEverywhere(Weighing):
    """Fails at the first step after which two processes hold other weights, or tell of another step."""

    def __init__(self, processes: Processes):
        super().__init__()
        self.processes = processes
        self.run: Run | None = None

    def step(self, report: StepReport) -> None:
        super().step(report)
        assert self.run is not None
        digest = hashlib.sha256(repr(report).encode())
        for name, tensor in self.run.processes.local_weights(self.run.model).items():
            if name not in self.run.processes.parts:
                digest.update(tensor.numpy().tobytes())
        assert len(set(self.processes.gather(digest.hexdigest()))) == 1, report


def group_of_two() -> list[dict[str, str]]:
    """Return the environments of two processes of one group, without torchrun: nobody looks after them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [environment() | shared | {"RANK": rank, "LOCAL_RANK": rank} for rank in ("0", "1")]


@dataclass(frozen=True)
class Killed:
    """A run of which one process was killed: what the other said and returned, and which of its files were left."""

    out: Path
    status: int | None
    said: str
    left: list[str]


def kill(recipe: Path, out: Path) -> Killed:
    """Begin a recipe in two processes by the command, and kill the second after some checkpoints."""
    words = [out.parent / f"said-{rank}.txt" for rank in range(2)]
    command = ["train", str(recipe), "--out", str(out), "--quiet"]
    first, second = (
        apart.begin(apart.mere, own, said, *command) for own, said in zip(group_of_two(), words, strict=True)
    )
    checkpoint, seen = out / "checkpoint.safetensors", set[int]()
    while len(seen) < 5 and first.is_alive():
        if checkpoint.exists():
            seen.add(checkpoint.stat().st_mtime_ns)
        time.sleep(0.002)
    second.kill()
    second.join()
    first.join(300)
    left = [path.name for path in (checkpoint, out / "model") if path.exists()]
    return Killed(out, first.exitcode, words[0].read_text(encoding="utf-8"), left)


def together(jobs: Sequence[tuple[Path, Path]], folder: Path) -> None:
    """Train each recipe into its folder, in two processes that begin at once."""
    words = [folder / f"said-{rank}.txt" for rank in range(2)]
    started = [
        apart.begin(train_all, own, said, jobs) for own, said in zip(group_of_two(), words, strict=True)
    ]
    for process in started:
        process.join()
    said = "\n".join(path.read_text(encoding="utf-8")[-4000:] for path in words)
    assert [process.exitcode for process in started] == [0, 0], said


def environment() -> dict[str, str]:
    """Return what the processes are started with: a thread each, no GPU, and a traceback from whatever kills them."""
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **own, "PYTHONFAULTHANDLER": "1"}


def talk_among(processes: Processes) -> None:
    """Check what each process hears, with fewer items than processes too, and that an error of the first is all's."""
    for count in (0, 1, 7):
        squares = processes.map(lambda share: [item**2 for item in share], list(range(count)))
        assert squares == [item**2 for item in range(count)]
    assert processes.agree(processes.rank) == 0
    assert processes.gather(processes.rank) == list(range(processes.size))
    assert processes.by_first(lambda: processes.rank) == 0

    def refuse() -> None:
        raise DataError(f"from {processes.rank}")

    with pytest.raises(DataError, match="from 0"):
        processes.by_first(refuse)
    found = {"all": torch.full((2, 3), 1.0)} | ({"first": torch.ones(4)} if processes.is_first else {})
    summed = processes.add_up(found, ["nobody", "first", "all"], lambda name: torch.zeros(4))
    assert {name: tensor.tolist() for name, tensor in summed.items()} == {
        "first": [1.0] * 4,
        "all": [[float(processes.size)] * 3] * 2,
    }


def refuse() -> None:
    """Let the others hear that the last process is gone when they ask for something, and in a sharded layer."""
    from torch.distributed.fsdp import (
        fully_shard,
    )  # seconds, which tests that share our environment need not take

    try:
        with join_processes() as processes:
            layer = fully_shard(nn.Linear(2, 2))
            if processes.rank == processes.size - 1:
                raise DataError("the last one refuses")
            try:
                processes.gather(processes.rank)
            except TrainingError as error:
                print(error, file=sys.stderr)
            with reporting_lost_processes():
                layer(torch.ones(1, 2))
    except MereError as error:
        print(f"{error} In a group: {torch.distributed.is_initialized()}", file=sys.stderr)


def train(recipe: Recipe, out: Path, processes: Processes) -> None:
    """Train a recipe; leave beside its model how many numbers each process held."""
    gc.collect()
    gc.freeze()  # what is there by now need not be counted: torch alone has a million objects
    listener = SameEverywhere(processes)
    run = Run(recipe, out, resume=True, listener=listener, processes=processes)
    listener.run = run
    run.finish()
    held = processes.gather(listener.held)
    (out / "held.json").write_text(json.dumps(held), encoding="utf-8")


def train_all(jobs: Sequence[tuple[Path, Path]]) -> None:
    with join_processes() as processes:
        talk_among(processes)
        for recipe, out in jobs:
            train(Recipe.read(recipe), out, processes)


if __name__ == "__main__":
    refuse()
