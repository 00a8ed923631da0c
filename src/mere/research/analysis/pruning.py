"""Pruning to one language: keep its most informative parameters and score every language (METHOD §6.2).

Never pruned: biases, norms and all else that is not a matrix or a table, the CRF's transitions, and the
switchers. They are few (`never_pruned`), and a model without them predicts nothing. A random mask keeps as
many of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from mere.models.model import Model
from mere.research.analysis.overlap import Diagonals, flat, top_sets

PERCENTS = (1.0, 5.0, 10.0, 20.0, 40.0, 70.0, 100.0)
RANDOM = "random"
Scores = dict[str, float]
"""Language -> F1 in per cent."""


@dataclass(frozen=True)
class Pruned:
    """Scores after pruning.

    Args:
        scores: whose parameters were kept ("random": as many at random) -> percent -> language -> F1.
        whole: language -> F1 of the whole model.
        prunable, never_pruned: numbers of parameters.
    """

    percents: tuple[float, ...]
    whole: Scores
    scores: dict[str, list[Scores]]
    prunable: int
    never_pruned: int

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "percents": list(self.percents)}


def prunable(model: Model) -> dict[str, torch.Size]:
    """Return names and shapes of the parameters that pruning takes."""
    return {
        name: parameter.shape
        for name, parameter in model.named_parameters()
        if parameter.ndim > 1 and ".crf." not in name and not name.startswith("switcher.")
    }


def pruned(model: Model, shapes: Mapping[str, torch.Size], kept: Bool[Tensor, " Z"]) -> Model:
    """Return a copy of a model whose parameters in `shapes` are 0 where `kept` is False."""
    smaller = copy.deepcopy(model)
    parameters = dict(smaller.named_parameters())
    start = 0
    with torch.no_grad():
        for name, shape in shapes.items():
            parameters[name].mul_(kept[start : start + shape.numel()].reshape(shape))
            start += shape.numel()
    return smaller


def prune_to(
    model: Model,
    diagonals: Diagonals,
    score: Callable[[Model], Scores],
    *,
    percents: Sequence[float] = PERCENTS,
    seed: int = 0,
) -> Pruned:
    """Prune a model to each language's parameters in turn, and to random ones.

    Args:
        score: scores a model on every language.
    """
    shapes = prunable(model)
    number = sum(shape.numel() for shape in shapes.values())
    rankings = {owner: flat(diagonal, shapes) for owner, diagonal in diagonals.items()}
    rankings[RANDOM] = torch.rand(number, generator=torch.Generator().manual_seed(seed)) + 1e-9
    whole = score(model)
    scores = {
        owner: [
            whole if percent >= 100 else score(pruned(model, shapes, kept))
            for percent, kept in zip(percents, top_sets(values, percents), strict=True)
        ]
        for owner, values in rankings.items()
    }
    return Pruned(tuple(percents), whole, scores, number, _size(model) - number)


def prune_across(
    models: Mapping[str, Model],
    diagonals: Diagonals,
    score: Callable[[str, Model], float],
    *,
    percents: Sequence[float] = PERCENTS,
) -> Pruned:
    """Prune each language's own model to every language's parameters, which that language's own model names.

    Args:
        models, diagonals: by language, of models that were trained independently.
        score: scores a language's model on that language. What the models do not have in common is kept.
    """
    common = common_shapes(list(models.values()))
    shapes = {n: s for n, s in prunable(next(iter(models.values()))).items() if n in common}
    number = sum(shape.numel() for shape in shapes.values())
    whole = {lang: score(lang, model) for lang, model in models.items()}
    scores: dict[str, list[Scores]] = {}
    for owner in models:
        sets = top_sets(flat(diagonals[owner], shapes), percents)
        scores[owner] = [
            whole
            if percent >= 100
            else {lang: score(lang, pruned(model, shapes, kept)) for lang, model in models.items()}
            for percent, kept in zip(percents, sets, strict=True)
        ]
    return Pruned(tuple(percents), whole, scores, number, _size(next(iter(models.values()))) - number)


def common_shapes(models: Sequence[Model]) -> dict[str, torch.Size]:
    """Return the parameters that all models have in the same shape, but those of switchers."""
    shapes = [{name: p.shape for name, p in model.named_parameters()} for model in models]
    return {
        name: shape
        for name, shape in shapes[0].items()
        if not name.startswith("switcher.") and all(other.get(name) == shape for other in shapes[1:])
    }


def _size(model: Model) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
