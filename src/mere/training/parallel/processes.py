"""Several processes that train one model: who they are, what all know together, and which one writes.

    torchrun --nproc-per-node N -m mere train RECIPE --out RUN

A `Processes` is the one strategy object that training is given: alone, several that each hold the whole model, or
several that each hold a part of the encoder (mere.training.parallel.sharding). Every process plans the whole batch
of a step, takes its part of the rows (split_batch), and divides by the number of items in the whole batch; the sum
of the processes' gradients is then that of the batch, and each makes the same step. So N processes are one process
up to rounding (with dropout, up to what is dropped).

Gradients of what all hold are summed here, after the backward, not by DistributedDataParallel, which sums while the
backward runs: it averages where a sum is needed, sees one backward where surgery has one per language, needs to know
which parameters a batch leaves out, and does not see low-rank changes, whose gradients are not a backward's. The
price is the overlap of communication with the backward.

Processes communicate by gloo about what lies on CPUs, by NCCL about what lies on GPUs, one GPU per process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from mere.errors import MereError, UserError
from mere.training.parallel.lost import naming_lost_processes
from mere.training.parallel.part import Part

T = TypeVar("T")
U = TypeVar("U")

BUCKET = 2**24
"""Numbers that are summed in one message: what the flat copy of the gradients may cost in memory."""


class Processes:
    """This process among those of a run, each of which holds the whole model.

    All must call the same methods in the same order.

    Args:
        rank: from 0; the first process writes all files. size: how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1):
        self.rank = rank
        self.size = size
        self.parts: Mapping[str, Part] = {}
        """Parameters of which each process holds only some rows, by name; none here."""

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """Return what each process gave, in the order of their ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        with naming_lost_processes():
            dist.all_gather_object(values, value)
        return values

    def agree(self, value: T) -> T:
        """Return what the first process gave."""
        if self.size == 1:
            return value
        values = [value]
        with naming_lost_processes():
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def by_first(self, function: Callable[[], T]) -> T:
        """Call `function` in the first process once all have come here; return its result, or raise its error."""
        if self.size == 1:
            return function()
        with naming_lost_processes():
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

    def map(self, function: Callable[[Sequence[T]], Sequence[U]], items: Sequence[T]) -> list[U]:
        """Return `function(items)`, one result per item, of which each process works out every `size`-th."""
        if self.size == 1:
            return list(function(items))
        results: list[U | None] = [None] * len(items)
        for rank, part in enumerate(self.gather(list(function(items[self.rank :: self.size])))):
            results[rank :: self.size] = part
        return cast(list[U], results)

    def seed(self, *entropy: int) -> None:
        """Seed torch for what this process alone draws: dropout. A single process is left as it is."""
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

    def local_weights(self, model: nn.Module) -> dict[str, Tensor]:
        """Return the weights of a model that this process holds, in the model's own memory."""
        return model.state_dict()

    def local_rows(self, name: str, whole: Tensor) -> Tensor:
        """Return what this process holds of a tensor that goes with a parameter: its rows, or the whole."""
        return whole

    def whole(self, held: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors of which each process gives what it holds, by parameter: whole in the first process."""
        return dict(held)

    def load(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """Give a model these whole weights, strictly."""
        model.load_state_dict(weights, strict=True)

    def clip(self, parameters: Mapping[str, nn.Parameter], largest: float) -> Tensor:
        """Scale gradients down to a norm, and return the norm that they had."""
        return nn.utils.clip_grad_norm_(parameters.values(), largest)

    @contextmanager
    def in_step(self, model: nn.Module) -> Iterator[None]:
        """Within, each process computes the model as often as it likes."""
        yield


ONE_PROCESS = Processes()


@contextmanager
def join_processes() -> Iterator[Processes]:
    """Join the processes that torchrun started with this one, or those of a process group that exists already."""
    if dist.is_available() and dist.is_initialized():
        yield Processes(dist.get_rank(), dist.get_world_size())
        return
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ONE_PROCESS
        return
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


def refuse_too_many(processes: Processes, num_sentences: int) -> None:
    """Refuse more processes than there are sentences.

    Raises:
        UserError: there are more processes than sentences.
    """
    if processes.size > num_sentences:
        raise UserError(
            f"{processes.size} processes share the sentences of every batch, but there are only {num_sentences} "
            f"to train on. Start fewer: torchrun --nproc-per-node {num_sentences} … at most."
        )


def _added(tensor: Tensor) -> Tensor:
    with naming_lost_processes():
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
