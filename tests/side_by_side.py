"""What one of several processes does in tests: python -m tests.side_by_side [RECIPE OUT …]

Trains each recipe into its folder, all in one process group, and compares the weights of all processes bit by
bit after every step. Without recipes the last process refuses, and all say whether they left their group.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from mere.config import Recipe
from mere.errors import DataError, MereError
from mere.models.model import Model
from mere.training.loop import StepReport
from mere.training.processes import Processes, joined
from mere.training.run import Run
from mere.training.talk import Bar, Listener

ROOT = Path(__file__).parents[1]


class SameEverywhere(Listener, Bar):
    """Fails at the first step after which two processes hold other weights, or tell of another step."""

    def __init__(self, processes: Processes):
        self.processes = processes
        self.model: Model | None = None

    def say(self, words: str) -> None:
        pass

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        yield self

    def step(self, report: StepReport) -> None:
        assert self.model is not None
        digest = hashlib.sha256(repr(report).encode())
        for tensor in self.model.state_dict().values():
            digest.update(tensor.numpy().tobytes())
        assert len(set(self.processes.gather(digest.hexdigest()))) == 1, report


def start(size: int, command: Sequence[str]) -> list[subprocess.Popen[str]]:
    """Start `python -m command` as so many processes of one group, without torchrun: nobody looks after them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=environment() | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(size)
    ]


def environment() -> dict[str, str]:
    """Return what the processes are started with: a thread each, no GPU, and a traceback from whatever kills them."""
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": ""}
    return {**os.environ, **own, "PYTHONFAULTHANDLER": "1"}


def talk_among(processes: Processes) -> None:
    """Check what each process hears, with fewer items than processes too, and that an error of the first is all's."""
    for count in (0, 1, 7):
        squares = processes.spread(lambda share: [item**2 for item in share], list(range(count)))
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
    try:
        with joined() as processes:
            if processes.rank == processes.size - 1:
                raise DataError("the last one refuses")
            processes.gather(processes.rank)
    except MereError as error:
        print(f"{error} In a group: {torch.distributed.is_initialized()}", file=sys.stderr)


def main(arguments: Sequence[str]) -> None:
    if not arguments:
        refuse()
        return
    with joined() as processes:
        talk_among(processes)
        for recipe, out in zip(arguments[::2], arguments[1::2], strict=True):
            listener = SameEverywhere(processes)
            run = Run(Recipe.read(recipe), Path(out), resume=False, listener=listener, processes=processes)
            listener.model = run.model
            run.finish()


if __name__ == "__main__":
    main(sys.argv[1:])
