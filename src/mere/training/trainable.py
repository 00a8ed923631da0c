"""The parameters that a stage trains: weights themselves, or low-rank changes of matrices (mere.nn.lora).

Of weights that are cut (mere.training.parallel.sharding) every process trains its rows; tensors are what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mere.errors import ConfigError, nearest
from mere.models.delta import DOWN, UP, WHOLE, changed
from mere.models.model import GROUPS, Model
from mere.nn.lora import LowRank, matrices, tables
from mere.training.parallel.processes import ONE_PROCESS, Processes


class Trainable:
    """The parameters of a stage, and how the model's weights follow from them.

    With a rank, matrices are trained as W + B A wherever that at least halves their numbers. Embedding tables
    stay as they are: they may be most of a model's numbers. All else that was chosen is trained itself, because
    it is small: biases, norms, the CRF, relation vectors and the narrow output matrices of the heads. (The
    paper trains no biases, and leaves the rest to future work.)

    Args:
        model: its weights are what the stage begins with.
        chosen: the parameters of the stage's groups, by name.
        rank: of the changes; 0 trains all that was chosen itself.
        processes: over which the model lies.

    Raises:
        ConfigError: no matrix has half as few numbers at this rank.
    """

    def __init__(
        self,
        model: nn.Module,
        chosen: Mapping[str, nn.Parameter],
        rank: int,
        processes: Processes = ONE_PROCESS,
    ):
        self.model = model
        self.processes = processes
        self.parts = {name: processes.parts[name] for name in chosen if name in processes.parts}
        self.whole = {name: p for name, p in chosen.items() if name not in self.parts}
        self.low_rank: dict[str, LowRank] = {}
        if rank:
            self._lower(rank)
        self.factors: dict[str, nn.Parameter] = {}
        for name, matrix in self.low_rank.items():
            self.factors |= {UP + name: matrix.up, DOWN + name: matrix.down}
        rows = {name: part.rows for name, part in self.parts.items()}
        self.parameters = {**rows, **self.whole, **self.factors}

    def _lower(self, rank: int) -> None:
        for name in sorted(matrices(self.model) & self.whole.keys()):
            outputs, inputs = self.whole[name].shape
            if 2 * rank * (outputs + inputs) <= outputs * inputs:
                self.low_rank[name] = LowRank(self.whole.pop(name), rank)
        for name in tables(self.model) & self.whole.keys():
            self.whole.pop(name).requires_grad_(False)
        if not self.low_rank:
            raise ConfigError(
                f"lora: at rank {rank} no matrix of the stage's groups has half as few numbers to train. "
                "Lower the rank, or train the matrices themselves: lora=0."
            )

    def take_gradients(self) -> None:
        """Move the gradients of the model's weights to the trained parameters; called after every backward."""
        for matrix in self.low_rank.values():
            matrix.take_gradient()
        for part in self.parts.values():
            part.take_gradient()

    def write(self) -> None:
        """Write the parameters into the model; called whenever they have changed."""
        for matrix in self.low_rank.values():
            matrix.write()

    def base_weights(self) -> dict[str, Tensor]:
        """Return the model's weights, matrices that factors change as they were before."""
        return {
            **self.processes.local_weights(self.model),
            **{name: matrix.base for name, matrix in self.low_rank.items()},
        }

    def delta(self, averaged: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what was trained as a difference (mere.models.delta), averages instead of parameters if given."""
        kept = {name: averaged.get(name, p.detach()) for name, p in self.parameters.items()}
        return {name if name in self.factors else WHOLE + name: tensor for name, tensor in kept.items()}

    def weights(self, averaged: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the model's weights after training, with averages instead of parameters if given."""
        base = self.base_weights()
        return base | changed(base, self.delta(averaged))

    @torch.no_grad()
    def load_factors(self, factors: Mapping[str, Tensor]) -> None:
        """Continue from a model that has been given `base_weights()`, and from these factors."""
        for name, factor in self.factors.items():
            factor.copy_(factors[name])
        for matrix in self.low_rank.values():
            matrix.base.copy_(matrix.weight)
        self.write()


def select_parameters(
    model: nn.Module, groups: tuple[str, ...], freeze: int | None = None
) -> dict[str, nn.Parameter]:
    """Freeze everything but the named groups and return what is left to train, by name.

    Args:
        freeze: lowest layers of the encoder that stay frozen; None: those of its settings.

    Raises:
        ConfigError: a group that does not exist, or one without parameters in this model.
    """
    known = ("all", *GROUPS)
    for group in groups:
        if group not in known:
            raise ConfigError(f'train: unknown parameter group "{group}".{nearest(group, known)}')
    modules = [
        name for group in groups for name in (GROUPS[group] if group != "all" else sum(GROUPS.values(), ()))
    ]
    chosen = {}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.split(".")[0] in modules and rate_scale(model, name, freeze) > 0)
        if parameter.requires_grad:
            chosen[name] = parameter
    if not chosen:
        raise ConfigError(f"train: the groups {list(groups)} hold no parameter in this model.")
    return chosen


def rate_scale(model: nn.Module, name: str, freeze: int | None = None, head_scale: float = 1.0) -> float:
    """Return the factor of a parameter's learning rate: the encoder's own for its parameters, else `head_scale`."""
    module, _, inner = name.removeprefix(UP).removeprefix(DOWN).partition(".")
    if module == "encoder" and isinstance(model, Model):
        return model.encoder.lr_scale(inner, freeze)
    return head_scale
