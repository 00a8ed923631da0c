"""A low-rank change of a weight matrix (LoRA; Hu et al. 2021, section 4.1): W + B A, of which W stays as it was.

    W -> the matrix, outputs by inputs      A -> down, begins random      B -> up, begins at zero

The paper's scale alpha / r is 1 here (alpha = r): under Adam it acts as a learning rate, and a stage has one.
The model keeps its form. Its own matrix holds W + B A, so whatever reads it (an LSTM's kernel, autocast) reads
that, and its gradient G gives those of the factors by the chain rule: dA = Bᵀ G, dB = G Aᵀ.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


def merge_low_rank(
    base: Float[Tensor, "O I"], up: Float[Tensor, "O R"], down: Float[Tensor, "R I"]
) -> Float[Tensor, "O I"]:
    """Return W + B A, the same bits on every machine: elementwise, one rank after the other, no matrix product."""
    total = base.clone()
    for column, row in zip(up.unbind(1), down.unbind(0), strict=True):
        total += torch.outer(column, row)
    return total


def initial_factors(
    outputs: int, inputs: int, rank: int
) -> tuple[Float[Tensor, "R I"], Float[Tensor, "O R"]]:
    """Return A and B as they begin: A with variance 1 / inputs, so that A x is as large as x, and B of zeros."""
    return torch.randn(rank, inputs) * inputs**-0.5, torch.zeros(outputs, rank)


class LowRank:
    """A matrix of a model, and the factors that its change is trained by.

    Args:
        weight: the model's parameter W; from here on it is written by `write` only.
        rank: r.
    """

    def __init__(self, weight: nn.Parameter, rank: int):
        outputs, inputs = weight.shape
        self.weight = weight
        self.base = weight.detach().clone()
        down, up = initial_factors(outputs, inputs, rank)
        self.down, self.up = nn.Parameter(down.to(weight)), nn.Parameter(up.to(weight))

    @torch.no_grad()
    def take_gradient(self) -> None:
        """Move the gradient of the model's matrix to the factors; without one they have none."""
        gradient, self.weight.grad = self.weight.grad, None
        self.up.grad = None if gradient is None else gradient @ self.down.T
        self.down.grad = None if gradient is None else self.up.T @ gradient

    @torch.no_grad()
    def write(self) -> None:
        """Put W + B A into the model."""
        self.weight.copy_(merge_low_rank(self.base, self.up, self.down))


def matrices(model: nn.Module) -> set[str]:
    """Return the names of the weight matrices: those of linear and recurrent layers.

    The gates of an LSTM are one matrix each for its inputs and its state, as torch stores them.
    """
    return {
        f"{path}.{name}".lstrip(".")
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.RNNBase)
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.ndim == 2
    }


def tables(model: nn.Module) -> set[str]:
    """Return the names of the embedding tables."""
    return {
        f"{path}.weight".lstrip(".")
        for path, module in model.named_modules()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag)
    }
