"""The interface of objectives: many languages' losses in, one gradient per parameter out.

    L_k -> loss of language k      g_k -> its gradient      w -> weights      answer: Σ_k w_k g_k

Two kinds. A `LossObjective` weighs losses and takes one backward. A `SurgeryObjective` weighs gradients by
their Gram matrix and needs each language's own. Either kind accepts gradients that were computed anyway.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from mere.training.objectives.gradients import Gradients

Gram = Float[np.ndarray, "K K"]
"""M[i, j] = g_i · g_j of K languages."""
Weights = Float[np.ndarray, " K"]


class Objective(ABC):
    """How the losses of several languages become one gradient.

    Args:
        languages: all languages of the run; a batch may hold any of them.
    """

    def __init__(self, languages: Sequence[str]):
        self.languages = tuple(languages)

    @abstractmethod
    def combine(
        self, gradients: Gradients, losses: Mapping[str, Tensor], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return the gradient to follow: per model parameter (*shape), and per name in `parameters`.

        Args:
            losses: language -> scalar; holds at least the languages of `gradients`.
            rng: the step's own generator; the only source of chance.
        """

    def parameters(self) -> dict[str, nn.Parameter]:
        """Return what the objective learns by gradient; the optimiser takes it, without weight decay."""
        return {}

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that later steps depend on, as named tensors."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` returned."""
        assert not state

    def places(self, languages: Sequence[str]) -> list[int]:
        """Return the places of these languages in `self.languages`."""
        return [self.languages.index(lang) for lang in languages]


class LossObjective(Objective):
    """An objective that is a loss: its gradient weighs g_k by dL / dL_k, in private parameters as well.

    It is affine in the languages' losses, so that dL / dL_k is the same for every part of a batch.
    """

    @abstractmethod
    def loss(self, losses: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        """Return the one loss to differentiate."""

    def combine(
        self, gradients: Gradients, losses: Mapping[str, Tensor], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return the gradient that one backward through `loss` would give, from gradients at hand."""
        weights, gradients_of_parameters = self.slopes({lang: losses[lang] for lang in gradients.languages})
        return (
            gradients.weighted(torch.stack(list(weights.values())).double().cpu().numpy())
            | gradients_of_parameters
        )

    def slopes(self, losses: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return dL / dL_k of each language, and the gradient of each of `parameters`."""
        leaves = {lang: loss.detach().requires_grad_() for lang, loss in losses.items()}
        parameters = self.parameters()
        with torch.enable_grad():
            total = self.loss(leaves)
        slopes = torch.autograd.grad(total, [*leaves.values(), *parameters.values()], materialize_grads=True)
        places = len(leaves)
        return dict(zip(leaves, slopes[:places], strict=True)), dict(
            zip(parameters, slopes[places:], strict=True)
        )


class SurgeryObjective(Objective):
    """An objective that weighs gradients by their inner products. Private parameters pass unchanged.

    Args:
        scope: "model" takes one decision for all shared parameters; "group" one for each module.
    """

    def __init__(self, languages: Sequence[str], *, scope: str = "model"):
        super().__init__(languages)
        self.scope = scope

    @abstractmethod
    def weights(
        self, gram: Gram, languages: tuple[str, ...], group: str, rng: np.random.Generator
    ) -> Weights:
        """Return w, so that Σ_k w_k g_k is the answer in this group.

        Args:
            gram: M of the K >= 2 languages, none of them with a zero gradient: the diagonal is positive.
            group: name of the group, "all" with scope "model".
        """

    def combine(
        self, gradients: Gradients, losses: Mapping[str, Tensor], rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Return Σ_k w_k g_k; a language without a gradient in the scope takes no part in its decision."""
        if self.scope == "group":
            weights = {
                group: self._among(gram, gradients, group, rng) for group, gram in gradients.by_group.items()
            }
        else:
            whole = self._among(gradients.total, gradients, "all", rng)
            weights = dict.fromkeys(gradients.by_group, whole)
        return gradients.combined(weights)

    def _among(self, gram: np.ndarray, gradients: Gradients, group: str, rng: np.random.Generator) -> Weights:
        present = np.flatnonzero(gram.diagonal() > 0)
        weights = np.ones(len(gradients.languages))
        if len(present) > 1:
            languages = tuple(gradients.languages[place] for place in present)
            weights[present] = self.weights(gram[np.ix_(present, present)], languages, group, rng)
        return weights


def random_orders(languages: Sequence[str], rng: np.random.Generator) -> list[list[int]]:
    """Draw for each language an order of the others, as places in `languages`.

    Draws go by the languages' names, so that the answer does not depend on the order of the rows.
    """
    by_name = sorted(range(len(languages)), key=languages.__getitem__)
    orders: list[list[int]] = [[] for _ in languages]
    for lang in by_name:
        others = [place for place in by_name if place != lang]
        orders[lang] = [others[drawn] for drawn in rng.permutation(len(others))]
    return orders
