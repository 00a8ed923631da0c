"""The model that a run begins with: drawn from its seed, with another run's weights where the recipe says so."""

from __future__ import annotations

from pathlib import Path

import torch

from mere.config import Recipe
from mere.data.pieces import Pieces
from mere.errors import ModelError
from mere.models.model import Model, build
from mere.models.weights import read_tensors
from mere.schema import Labels


def initial_model(recipe: Recipe, labels: Labels, pieces: Pieces, device: torch.device) -> Model:
    """Return a run's model before its first step; torch's random numbers continue from the recipe's seed.

    Raises:
        ModelError: the weights to start from are missing, or do not fit.
    """
    torch.manual_seed(recipe.seed)
    model = build(recipe, labels, pieces)
    model.start()
    model = model.to(device)
    if recipe.start:
        load_initial_weights(model, Path(recipe.start))
    return model


def load_initial_weights(model: Model, path: Path) -> None:
    """Load the weights of another run, strictly but for two parts.

    The switcher is left as it is: each run may have another one, or none. An aggregator begins as the identity where
    the other run had none, so that runs with and without one can share a beginning.

    Raises:
        ModelError: the file is missing or cut short, or holds the weights of another architecture or labels.
    """
    weights = read_tensors(path)
    expected = {n: t for n, t in model.state_dict().items() if not n.startswith("switcher.")}
    given = {n: t for n, t in weights.items() if not n.startswith("switcher.")}
    if not any(name.startswith("aggregator.blocks.") for name in given):  # it begins as the identity
        expected = {n: t for n, t in expected.items() if not n.startswith("aggregator.")}
        given = {n: t for n, t in given.items() if not n.startswith("aggregator.")}
    wrong = [
        n
        for n in expected.keys() | given.keys()
        if n not in expected or n not in given or expected[n].shape != given[n].shape
    ]
    if wrong:
        raise ModelError(
            f"{path}: these weights are of another model ({len(wrong)} names or shapes differ, first {min(wrong)}). "
            "Start from a run with the same encoder, heads and relations, and the same aggregator or none."
        )
    model.load_state_dict(given, strict=False)
