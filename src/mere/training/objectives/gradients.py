"""One gradient per language, their Gram matrices, and their weighted sums: what surgery and diagnostics share.

    g_k -> the gradient of language k      M[i, j] = g_i · g_j

PCGrad, Gradient Vaccine and MGDA all answer with a weighted sum of the g_k whose weights are functions of M
alone. So the large vectors are read twice (M, then the sum) and the surgery itself runs on K x K numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mere.errors import TrainingError


@dataclass(frozen=True)
class Gradients:
    """The gradients of K languages, stacked by parameter.

    A parameter is *shared* when at least two languages have a gradient in it that is not all zeros; else it
    is *private* (a switcher of one language, say). The Gram matrices are taken over shared parameters only:
    what one language alone owns is in nobody's way, and must not make its gradient look longer.

    Args:
        languages: the K languages, in the order of the rows.
        stacked: for each parameter's name a tensor (K, *shape); zeros where a language does not use it.
        depth: a parameter's group is the first `depth` parts of its dotted name: 1 gives "encoder".
    """

    languages: tuple[str, ...]
    stacked: Mapping[str, Float[Tensor, "K ..."]]
    depth: int = 1

    def group_of(self, name: str) -> str:
        """Return the group of a parameter."""
        return ".".join(name.split(".")[: self.depth])

    @cached_property
    def by_parameter(self) -> dict[str, Float[np.ndarray, "K K"]]:
        """The Gram matrix of every parameter: products in the gradients' precision (at least float32).

        Raises:
            TrainingError: a gradient is infinite or not a number, or its square overflows.
        """
        if not self.stacked:
            return {}
        products = []
        for rows in self.stacked.values():
            flat = rows.detach().reshape(len(self.languages), -1)
            flat = flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat
            products.append((flat @ flat.T).double())
        grams = torch.stack(products).cpu().numpy()  # (parameters, K, K), one transfer
        for name, gram in zip(self.stacked, grams, strict=True):
            bad = [
                lang
                for lang, square in zip(self.languages, gram.diagonal(), strict=True)
                if not square < np.inf
            ]
            if bad:
                raise TrainingError(
                    f"the gradient of {', '.join(bad)} in {name} is not finite. Lower the rate and train again."
                )
        return dict(zip(self.stacked, (grams + grams.transpose(0, 2, 1)) / 2, strict=True))

    @cached_property
    def shared(self) -> frozenset[str]:
        """Names of the parameters in which at least two languages have a gradient."""
        return frozenset(name for name, gram in self.by_parameter.items() if (gram.diagonal() > 0).sum() > 1)

    @cached_property
    def by_group(self) -> dict[str, Float[np.ndarray, "K K"]]:
        """The Gram matrix of every group that has shared parameters, in the order of the parameters."""
        grams: dict[str, np.ndarray] = {}
        for name, gram in self.by_parameter.items():
            if name in self.shared:
                group = self.group_of(name)
                grams[group] = grams[group] + gram if group in grams else gram
        return grams

    @cached_property
    def total(self) -> Float[np.ndarray, "K K"]:
        """The Gram matrix over all shared parameters."""
        return sum(self.by_group.values(), np.zeros((len(self.languages),) * 2))

    def combined(self, weights: Mapping[str, Float[np.ndarray, " K"]]) -> dict[str, Tensor]:
        """Return for each parameter the sum of its gradients, those of shared ones weighted by their group."""
        return {
            name: _weighted_sum(rows, weights[self.group_of(name)]) if name in self.shared else rows.sum(0)
            for name, rows in self.stacked.items()
        }

    def weighted(self, weights: Float[np.ndarray, " K"]) -> dict[str, Tensor]:
        """Return the sum with one weight per language everywhere, in private parameters too."""
        return {name: _weighted_sum(rows, weights) for name, rows in self.stacked.items()}


def _weighted_sum(rows: Float[Tensor, "K ..."], weights: Float[np.ndarray, " K"]) -> Tensor:
    if (weights == 1).all():
        return rows.sum(0)
    return torch.tensordot(torch.as_tensor(weights, dtype=rows.dtype, device=rows.device), rows, dims=1)
