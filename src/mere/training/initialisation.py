"""The model that a run begins with: drawn from its seed, with another run's weights where the recipe says so."""

from __future__ import annotations

from pathlib import Path

import torch

from mere.config import Recipe
from mere.data.pieces import Pieces
from mere.errors import ModelError
from mere.models.model import Model, build
from mere.schema import Labels
from mere.store.folder import read_tensors


def first_model(recipe: Recipe, labels: Labels, pieces: Pieces, device: torch.device) -> Model:
    """Return the model before its first step; torch's random numbers go on from the recipe's seed.

    Raises:
        ModelError: the weights to start from are missing, or do not fit.
    """
    torch.manual_seed(recipe.seed)
    model = build(recipe, labels, pieces)
    model.start()
    model = model.to(device)
    if recipe.start:
        start_from(model, Path(recipe.start))
    return model


def start_from(model: Model, path: Path) -> None:
    """Load the weights of another run, strictly, but for the switcher: each run may have its own or none.

    Raises:
        ModelError: the file is missing or cut short, or holds the weights of another architecture or labels.
    """
    weights = read_tensors(path)
    own = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("switcher.")}
    shared = {name: tensor for name, tensor in weights.items() if not name.startswith("switcher.")}
    wrong = [
        n
        for n in own.keys() | shared.keys()
        if n not in own or n not in shared or own[n].shape != shared[n].shape
    ]
    if wrong:
        raise ModelError(
            f"{path}: these weights are of another model ({len(wrong)} names or shapes differ, first {min(wrong)}). "
            "Start from a run with the same encoder, aggregator, heads and relations."
        )
    model.load_state_dict(shared, strict=False)
