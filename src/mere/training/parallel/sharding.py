"""Sharding: each process holds a part of the encoder's parameters, gradients and optimiser state, and no more.

    part     what one process holds of a parameter: about 1 / N of its rows
    unit     a layer, or the table of subwords; gathered whole to be computed with, let go right after

The parts are made by torch's fully_shard (FSDP2; Zhao et al. 2023, "PyTorch FSDP", section 3; ZeRO's third stage,
Rajbhandari et al. 2020, section 5). What stands above the encoder (aggregator, switchers, heads) is small, and
whole in every process.

Units are gathered by all processes together, so all must compute the encoder equally often: one that has nothing
to compute computes something that counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from mere.errors import ConfigError
from mere.models.model import Model
from mere.nn.encoder_switchers import InsideSwitcher
from mere.nn.encoders import PretrainedEncoder
from mere.training.parallel.lost import reporting_lost_processes
from mere.training.parallel.part import Part
from mere.training.parallel.processes import Processes

if TYPE_CHECKING:  # half a second of imports, for those who shard
    from torch.distributed.tensor import DTensor


class ShardedProcesses(Processes):
    """Processes of which each holds a part of the encoder, and the whole of what stands above it.

    Args:
        parts: by the names of the parameters that are cut.
    """

    def __init__(self, processes: Processes, parts: Mapping[str, Part]):
        super().__init__(processes.rank, processes.size)
        self.parts = parts

    def local_weights(self, model: nn.Module) -> dict[str, Tensor]:
        return {
            name: self.parts[name].rows.detach() if name in self.parts else tensor
            for name, tensor in model.state_dict().items()
        }

    def local_rows(self, name: str, whole: Tensor) -> Tensor:
        return self.parts[name].rows_of(whole) if name in self.parts and whole.ndim else whole

    def whole(self, held: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {
            name: self.parts[name].whole(tensor) if name in self.parts and tensor.ndim else tensor
            for name, tensor in held.items()
        }

    def load(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        laid_out = {n: self.parts[n].laid_out(t) if n in self.parts else t for n, t in weights.items()}
        model.load_state_dict(laid_out, strict=True)

    def clip(self, parameters: Mapping[str, nn.Parameter], largest: float) -> Tensor:
        given = {name: p.grad for name, p in parameters.items() if p.grad is not None}
        cut = nn.utils.get_total_norm([g for name, g in given.items() if name in self.parts])
        rest = nn.utils.get_total_norm([g for name, g in given.items() if name not in self.parts])
        squares = [norm**2 for norm in (rest.item(), *self.gather(cut.item()))]
        norm = rest.new_tensor(math.sqrt(sum(squares)))
        nn.utils.clip_grads_with_norm_(parameters.values(), largest, norm)
        return norm

    @contextmanager
    def in_step(self, model: nn.Module) -> Iterator[None]:
        """Within, each computes the encoder as often as it likes; who is done first goes on with the others."""
        encoder = model.get_submodule("encoder")

        def announce(*_: object) -> None:
            self.gather(True)

        handle = encoder.register_forward_pre_hook(announce, prepend=True)
        try:
            with reporting_lost_processes():
                yield
        finally:
            handle.remove()
        with reporting_lost_processes():
            while any(self.gather(False)):
                _read_one_piece(encoder)

    def __str__(self) -> str:
        whole = sum(part.weight.numel() for part in self.parts.values())
        rows = sum(part.rows.numel() for part in self.parts.values())
        return f"each process holds {rows:,} of the encoder's {whole:,} parameters, of their gradients and moments too"


def shard_encoder(model: Model, processes: Processes, device: torch.device) -> ShardedProcesses:
    """Cut the encoder of a model into parts, one per process, and move what this one holds to its device.

    Args:
        model: whole, on the CPU: a device needs room for one unit, and for this process's parts.

    Raises:
        ConfigError: it is not known what the encoder's layers are, or a switcher has it computed language by language.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    encoder = model.encoder
    layers = encoder.layers()
    if not isinstance(encoder, PretrainedEncoder) or not layers:
        raise ConfigError(
            "sharding: it is not known which modules of this encoder are its layers. Take sharding=none."
        )
    if isinstance(model.switcher, InsideSwitcher) and model.switcher.one_language_at_a_time:
        raise ConfigError(
            "sharding: in this encoder LoRA switchers compute a batch language by language, and each process would "
            "have other languages. Take switcher.kind=adapters or bottleneck, or sharding=none."
        )
    with reporting_lost_processes():
        mesh = init_device_mesh(device.type, (processes.size,))
        for unit in (*layers.values(), encoder.table, encoder):
            fully_shard(unit, mesh=mesh, reshard_after_forward=True)
        model.to(device)
        # What a unit is gathered into is made when it is first needed, and one made in inference mode cannot learn.
        _read_one_piece(encoder)
    parts = {
        name: Part(cast("DTensor", parameter), processes.rank, processes.size)
        for name, parameter in model.named_parameters()
        if name.startswith("encoder.")
    }
    return ShardedProcesses(processes, parts)


@torch.no_grad()
def _read_one_piece(encoder: nn.Module) -> None:
    """Compute an encoder on next to nothing."""
    piece = torch.ones(1, 1, 1, dtype=torch.long, device=next(encoder.parameters()).device)
    encoder.eval()
    encoder(piece, piece[..., 0] > 0)
