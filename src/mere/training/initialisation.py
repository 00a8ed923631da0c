"""The model that a run begins with: drawn from its seed, with another run's weights where the recipe says so."""

from __future__ import annotations

from pathlib import Path

import torch

from mere.config import Recipe
from mere.data.pieces import Pieces
from mere.errors import ModelError
from mere.hub import again
from mere.models.model import Model, build
from mere.models.weights import encoder_weights, read_tensors
from mere.schema import Labels
from mere.store.fetch import find_model
from mere.store.folder import ModelFolder


def initial_model(recipe: Recipe, labels: Labels, pieces: Pieces, device: torch.device) -> Model:
    """Return a run's model before its first step; torch's random numbers continue from the recipe's seed.

    Raises:
        ModelError: the weights to start from are missing, or do not fit.
    """
    torch.manual_seed(recipe.seed)
    model = build(recipe, labels, pieces)
    model.start()
    model = model.to(device)
    if (stored := model_to_start_from(recipe)) is not None:
        _load_encoder(model, stored)
    elif recipe.start:
        load_initial_weights(model, Path(recipe.start))
    return model


def model_to_start_from(recipe: Recipe) -> ModelFolder | None:
    """Return the model whose encoder, and way of reading a text, a run goes on from; None where it is no model.

    Raises:
        ModelError: there is no such model, or its encoder is not the recipe's.
    """
    if not recipe.start or recipe.start.endswith(".safetensors"):
        return None
    stored = ModelFolder.read(find_model(recipe.start))
    if recipe.encoder != stored.recipe.encoder:
        raise ModelError(
            f"{recipe.start}: its encoder is not the recipe's. Take the model's: "
            f"mere train RECIPE --from {recipe.start}"
        )
    return stored


def _load_encoder(model: Model, stored: ModelFolder) -> None:
    weights = {name.removeprefix("encoder."): tensor for name, tensor in encoder_weights(stored).items()}
    missing, unknown = model.encoder.load_state_dict(weights, strict=False)
    if missing or unknown:
        raise ModelError(
            f"{stored.path}: its encoder lacks {', '.join(missing) or 'nothing'} and has besides "
            f"{', '.join(unknown) or 'nothing'}. {again(stored.path)}"
        )


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
