"""Several processes that train one model: who we are, what all know together, and who writes.

    torchrun --nproc-per-node N -m mere train RECIPE --out RUN

Every process holds the whole model (or of its encoder a part: sharding) and plans the whole batch
of a step, takes its share of the rows (split_batch), and divides by the number of items in all shares; the
sum of the processes' gradients is then that of the batch, and each makes the same step. So N processes are one
process up to rounding (with dropout, up to what is dropped).

Of what all hold the sum is taken here, after the backward, not by DistributedDataParallel, which sums while the
backward runs: it averages where we need a sum, sees one backward where surgery has one per language, must be told
anew which parameters a batch leaves out, and does not know of low-rank changes, whose gradients are not a
backward's. What that costs is the overlap of communication with the backward.

Processes talk by gloo about what lies on CPUs, by NCCL about what lies on GPUs, one GPU per process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from mere.errors import MereError, TrainingError, UserError

T = TypeVar("T")
U = TypeVar("U")

BUCKET = 2**24
"""Numbers that are summed in one message: what the flat copy of the gradients may cost in memory."""


@dataclass(frozen=True)
class Processes:
    """This process among those of a run. All must call the same methods in the same order.

    Args:
        rank: from 0; the first process writes all files. size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """Return what each process gave, in the order of their ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        with among_others():
            dist.all_gather_object(values, value)
        return values

    def agree(self, value: T) -> T:
        """Return what the first process gave."""
        if self.size == 1:
            return value
        told = [value]
        with among_others():
            dist.broadcast_object_list(told, src=0)
        return told[0]

    def by_first(self, function: Callable[[], T]) -> T:
        """Call `function` in the first process once all have come here; return its result, or raise its error."""
        if self.size == 1:
            return function()
        with among_others():
            dist.barrier()
        outcome: tuple[T | None, MereError | None] = None, None
        if self.is_first:
            try:
                outcome = function(), None
            except MereError as error:
                outcome = None, error
        result, refused = self.agree(outcome)
        if refused is not None:
            raise refused
        return cast(T, result)

    def spread(self, function: Callable[[Sequence[T]], Sequence[U]], items: Sequence[T]) -> list[U]:
        """Return `function(items)`, one result per item, of which each process works out every `size`-th."""
        if self.size == 1:
            return list(function(items))
        results: list[U | None] = [None] * len(items)
        for rank, part in enumerate(self.gather(list(function(items[self.rank :: self.size])))):
            results[rank :: self.size] = part
        return cast(list[U], results)

    def seed(self, *entropy: int) -> None:
        """Seed torch for what this process alone draws: dropout. One process goes on drawing as it did."""
        if self.size > 1:
            drawn = np.random.SeedSequence([*entropy, self.rank]).generate_state(1, np.uint64)
            torch.manual_seed(int(drawn[0]))

    def add_up(
        self, found: Mapping[str, Tensor], names: Sequence[str], zeros: Callable[[str], Tensor]
    ) -> dict[str, Tensor]:
        """Return the sum over processes of each tensor that any of them found, the same bits in all.

        Args:
            found: this process's tensors by name; they are overwritten.
            names: all that may be found, the same in all processes.
            zeros: makes what stands for a tensor that others found and this process did not.
        """
        if self.size == 1:
            return dict(found)
        num_found = _added(torch.tensor([name in found for name in names], dtype=torch.int32)).tolist()
        chosen = [name for name, number in zip(names, num_found, strict=True) if number]
        summed = {name: found[name] if name in found else zeros(name) for name in chosen}
        for bucket in _buckets(summed.values()):
            flat = _added(torch.cat([tensor.reshape(-1) for tensor in bucket]))
            parts = torch.split(flat, [tensor.numel() for tensor in bucket])
            for tensor, part in zip(bucket, parts, strict=True):
                tensor.copy_(part.view(tensor.shape))
        return summed


ALONE = Processes()


@contextmanager
def joined() -> Iterator[Processes]:
    """Join the processes that torchrun started with this one, or those of a process group that exists already.

    Raises:
        UserError: there are more processes on this machine than GPUs.
    """
    if dist.is_available() and dist.is_initialized():
        yield Processes(dist.get_rank(), dist.get_world_size())
        return
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    own_device()
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Processes(dist.get_rank(), dist.get_world_size())
        dist.barrier()  # nobody hangs up on one who still reads
    except BaseException:
        # A thread of gloo that lets go of a tensor after the interpreter has begun to end aborts the process, so
        # its threads end first. NCCL would wait for the others, which this error may keep from coming.
        if not torch.cuda.is_available():
            dist.destroy_process_group()
        raise
    dist.destroy_process_group()


def own_device() -> torch.device:
    """Return the device of this process, and make it torch's: its own GPU, or the CPU where there is none.

    Raises:
        UserError: there are more processes on this machine than GPUs.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    place, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if place >= gpus:
        raise UserError(
            f"this machine has {gpus} GPUs, and a process {place + 1} was started on it. "
            f"Start one process per GPU: torchrun --nproc-per-node {gpus} …"
        )
    if "LOCAL_RANK" in os.environ:
        torch.cuda.set_device(place)
    return torch.device("cuda", torch.cuda.current_device())


def refuse_too_many(processes: Processes, num_sentences: int) -> None:
    """Raise where some process would never have a sentence.

    Raises:
        UserError: there are more processes than sentences.
    """
    if processes.size > num_sentences:
        raise UserError(
            f"{processes.size} processes share the sentences of every batch, but there are only {num_sentences} "
            f"to train on. Start fewer: torchrun --nproc-per-node {num_sentences} … at most."
        )


def _added(tensor: Tensor) -> Tensor:
    with among_others():
        dist.all_reduce(tensor)
    return tensor


def _buckets(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """Cut tensors into runs of one type of number, of `BUCKET` numbers together or one tensor."""
    run: list[Tensor] = []
    for tensor in tensors:
        total = sum(member.numel() for member in run) + tensor.numel()
        if run and (total > BUCKET or tensor.dtype != run[0].dtype):
            yield run
            run = []
        run.append(tensor)
    if run:
        yield run


@contextmanager
def among_others() -> Iterator[None]:
    """Turn the errors of what is asked of other processes into one that says that they are gone.

    Raises:
        TrainingError: instead of them.
    """
    try:
        yield
    except RuntimeError as error:  # gloo's; NCCL's errors are a kind of it
        raise TrainingError(
            "another process of the run is gone, or has not answered for half an hour; what it said last tells why. "
            "The last checkpoint is kept: start all processes again, with --resume."
        ) from error


@contextmanager
def telling_who_is_gone() -> Iterator[None]:
    """Do so where other errors may come up too: where a model is computed that lies over all processes."""
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):
            raise
        with among_others():
            raise
