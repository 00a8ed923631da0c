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

from mere.errors import ConfigError, UserError
from mere.models.model import Model
from mere.nn.encoder_switchers import InsideSwitcher
from mere.nn.encoders import PretrainedEncoder
from mere.training.parallel.processes import ALONE, Processes, among_others, telling_who_is_gone

if TYPE_CHECKING:  # half a second of imports, for those who shard
    from torch.distributed.tensor import DTensor


class Part:
    """What this process holds of a parameter.

    Args:
        weight: the model's parameter, cut along its first dimension.
    """

    def __init__(self, weight: DTensor, processes: Processes):
        self.weight = weight
        self.processes = processes
        self.own = nn.Parameter(cast("DTensor", weight.detach()).to_local())
        """Its rows, in the model's own memory."""

    def take_gradient(self) -> None:
        """Move the gradient of the model's parameter, a mean over processes, to these rows, as the sum."""
        gradient, self.weight.grad = cast("DTensor | None", self.weight.grad), None
        self.own.grad = None if gradient is None else gradient.to_local() * self.processes.size

    def rows_of(self, whole: Tensor) -> Tensor:
        """Return the rows of a tensor of the parameter's shape that are this process's."""
        cut = torch.chunk(whole, self.processes.size)
        return cut[self.processes.rank] if self.processes.rank < len(cut) else whole[:0]

    def whole(self, rows: Tensor) -> Tensor:
        """Return the tensor of which each process gives its rows: the first gets it, on the CPU."""
        laid = self._laid(rows)
        with among_others():
            whole = laid.full_tensor()
        return whole.cpu() if self.processes.is_first else rows

    def laid_out(self, whole: Tensor) -> DTensor:
        """Return a whole tensor as the model holds it: one that is cut."""
        return self._laid(self.rows_of(whole).to(self.own.device))

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


class Sharding:
    """How a model lies over the processes that train it; all of them call its methods together.

    Args:
        parts: by the names of the parameters that are cut; all else is whole in every process.
    """

    def __init__(self, parts: Mapping[str, Part], processes: Processes):
        self.parts = parts
        self.processes = processes

    def held(self, model: nn.Module) -> dict[str, Tensor]:
        """Return the weights of a model, of those that are cut this process's rows, in the model's own memory."""
        return {
            name: self.parts[name].own.detach() if name in self.parts else tensor
            for name, tensor in model.state_dict().items()
        }

    def rows_of(self, name: str, whole: Tensor) -> Tensor:
        """Return what this process holds of a tensor that goes with a parameter: its rows, or the whole."""
        return self.parts[name].rows_of(whole) if name in self.parts and whole.ndim else whole

    def whole(self, name: str, held: Tensor) -> Tensor:
        """Return the tensor of which each process gives what it holds: whole in the first process."""
        return self.parts[name].whole(held) if name in self.parts and held.ndim else held

    def all_whole(self, held: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return such tensors by the names of their parameters, one gathered after the other."""
        return {name: self.whole(name, tensor) for name, tensor in held.items()}

    def load(self, model: nn.Module, weights: Mapping[str, Tensor]) -> None:
        """Give a model these weights, strictly."""
        laid_out = {n: self.parts[n].laid_out(t) if n in self.parts else t for n, t in weights.items()}
        model.load_state_dict(laid_out, strict=True)

    def clip(self, parameters: Mapping[str, nn.Parameter], largest: float) -> Tensor:
        """Scale gradients down to a norm, and return the norm that they had."""
        if not self.parts:
            return nn.utils.clip_grad_norm_(parameters.values(), largest)
        given = {name: p.grad for name, p in parameters.items() if p.grad is not None}
        cut = nn.utils.get_total_norm([g for name, g in given.items() if name in self.parts])
        rest = nn.utils.get_total_norm([g for name, g in given.items() if name not in self.parts])
        squares = [norm**2 for norm in (rest.item(), *self.processes.gather(cut.item()))]
        norm = rest.new_tensor(math.sqrt(sum(squares)))
        nn.utils.clip_grads_with_norm_(parameters.values(), largest, norm)
        return norm

    @contextmanager
    def in_step(self, model: Model) -> Iterator[None]:
        """Within, processes compute the encoder as often as each likes; who is done first goes on with the others."""
        if not self.parts:
            yield
            return

        def goes_on(*_: object) -> None:
            self.processes.gather(True)

        handle = model.encoder.register_forward_pre_hook(goes_on, prepend=True)
        try:
            with telling_who_is_gone():
                yield
        finally:
            handle.remove()
        with telling_who_is_gone():
            while any(self.processes.gather(False)):
                _read_one_piece(model.encoder)

    def __str__(self) -> str:
        whole = sum(part.weight.numel() for part in self.parts.values())
        own = sum(part.own.numel() for part in self.parts.values())
        return f"each process holds {own:,} of the encoder's {whole:,} parameters, of their gradients and moments too"


UNSHARDED = Sharding({}, ALONE)


def sharded(model: Model, processes: Processes, device: torch.device) -> Sharding:
    """Cut the encoder of a model into parts, one per process, and move what this one holds to its device.

    Args:
        model: whole, on the CPU: a device needs room for one unit, and for this process's parts.

    Raises:
        UserError: torch is too old.
        ConfigError: it is not known what the encoder's layers are, or a switcher has it computed language by language.
    """
    try:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard
    except ImportError:
        raise UserError("sharding: full needs torch 2.6 or newer. Run: pip install -U torch") from None
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
    with telling_who_is_gone():
        mesh = init_device_mesh(device.type, (processes.size,))
        for unit in (*layers.values(), encoder.table, encoder):
            fully_shard(unit, mesh=mesh, reshard_after_forward=True)
        model.to(device)
        # What a unit is gathered into is made when it is first needed, and one made in inference mode cannot learn.
        _read_one_piece(encoder)
    parts = {
        name: Part(cast("DTensor", parameter), processes)
        for name, parameter in model.named_parameters()
        if name.startswith("encoder.")
    }
    return Sharding(parts, processes)


@torch.no_grad()
def _read_one_piece(encoder: nn.Module) -> None:
    """Compute an encoder on next to nothing."""
    piece = torch.ones(1, 1, 1, dtype=torch.long, device=next(encoder.parameters()).device)
    encoder.eval()
    encoder(piece, piece[..., 0] > 0)
