"""The diagonal of the empirical Fisher information of a language in a model.

    F_L[i] = 1/N Σ_n (dL_n / dθ_i)²      (Mueller et al. 2020, section 5)

L_n is the loss of sentence n in a batch of its own, with its own labels. Gradients of single sentences are taken one
backward pass after the other: any encoder, switcher or head that can be trained can be analysed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mere.data.examples import Annotated
from mere.data.targets import Targets
from mere.models.model import Model
from mere.models.tensors import TensorBatch, targets_to_tensors


@dataclass(frozen=True)
class Fisher:
    """The Fisher information of one language in every parameter that its loss depends on; 0 elsewhere.

    Args:
        diagonal: parameter name to a tensor of its shape, in the order of the model.
    """

    lang: str
    sentences: int
    diagonal: dict[str, Tensor]

    def to_json(self) -> dict[str, Any]:
        """Return the sum over each parameter; the values themselves are as many as the model's."""
        return {
            "language": self.lang,
            "sentences": self.sentences,
            "trace": {name: float(values.sum()) for name, values in self.diagonal.items()},
        }


def fisher(
    model: Model,
    examples: Sequence[Annotated],
    *,
    lang: str,
    batch_of: Callable[[Sequence[Annotated]], TensorBatch],
    targets_of: Callable[[Sequence[Annotated], np.random.Generator], Targets],
    seed: int = 0,
) -> Fisher:
    """Return the Fisher information of a language's sentences in a model.

    Args:
        model: in eval mode, on the CPU. Its parameters' `requires_grad` is restored, their `grad` is cleared.
        batch_of, targets_of: as `Network.batch` and `AnalysedRun.targets` (mere.research.analysis.analysed_run).
        seed: of the negative relations and pairs; sentence i draws them from `[seed, i]`.

    Raises:
        ValueError: the model is in training mode, where dropout makes gradients random.
    """
    if model.training:
        raise ValueError(
            "the model is in training mode, where dropout makes gradients random: call model.eval()"
        )
    parameters = dict(model.named_parameters())
    trainable = {name: parameter.requires_grad for name, parameter in parameters.items()}
    sums: dict[str, Tensor] = {}
    try:
        model.requires_grad_()
        for number, example in enumerate(examples):
            targets = targets_to_tensors(
                targets_of([example], np.random.default_rng([seed, number])), torch.device("cpu")
            )
            losses = model.losses(batch_of([example]), targets)
            loss = torch.stack([value.float() for value in losses.values()]).sum()
            gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
            for name, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    sums.setdefault(name, torch.zeros_like(gradient)).addcmul_(gradient, gradient)
    finally:
        for name, parameter in parameters.items():
            parameter.requires_grad_(trainable[name])
    diagonal = {name: sums[name] / len(examples) for name in parameters if name in sums and sums[name].any()}
    return Fisher(lang, len(examples), diagonal)
