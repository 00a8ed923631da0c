"""The rows of a parameter that one process holds, where each holds some (mere.training.parallel.sharding)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from mere.training.parallel.lost import naming_lost_processes

if TYPE_CHECKING:  # half a second of imports, for those who shard
    from torch.distributed.tensor import DTensor


class Part:
    """The rows of a parameter that this process holds.

    Args:
        weight: the model's parameter, cut along its first dimension.
        rank, size: of the processes that hold it.
    """

    def __init__(self, weight: DTensor, rank: int, size: int):
        self.weight = weight
        self.rank, self.size = rank, size
        self.rows = nn.Parameter(cast("DTensor", weight.detach()).to_local())
        """Its rows, in the model's own memory."""

    def take_gradient(self) -> None:
        """Move the gradient of the model's parameter, a mean over processes, to these rows, as the sum."""
        gradient, self.weight.grad = cast("DTensor | None", self.weight.grad), None
        self.rows.grad = None if gradient is None else gradient.to_local() * self.size

    def rows_of(self, whole: Tensor) -> Tensor:
        """Return the rows of a tensor of the parameter's shape that are this process's."""
        cut = torch.chunk(whole, self.size)
        return cut[self.rank] if self.rank < len(cut) else whole[:0]

    def whole(self, rows: Tensor) -> Tensor:
        """Return the tensor of which each process gives its rows: whole on the CPU of the first process."""
        laid = self._laid(rows)
        with naming_lost_processes():
            whole = laid.full_tensor()
        return whole.cpu() if self.rank == 0 else rows

    def laid_out(self, whole: Tensor) -> DTensor:
        """Return a whole tensor as the model holds it, cut along its rows."""
        return self._laid(self.rows_of(whole).to(self.rows.device))

    def _laid(self, rows: Tensor) -> DTensor:
        from torch.distributed.tensor import DTensor

        return DTensor.from_local(
            rows,
            self.weight.device_mesh,
            self.weight.placements,
            run_check=False,
            shape=self.weight.shape,
            stride=self.weight.stride(),
        )
