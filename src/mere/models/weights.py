"""A stored model's weights as torch has them: what mere.store keeps as numpy's arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from mere.errors import ModelError
from mere.hub import again
from mere.models.delta import changed
from mere.models.model import Model, build
from mere.models.onnx import weights_in
from mere.store.export import ENCODER, read_graphs
from mere.store.files import Arrays, read_arrays, write_arrays
from mere.store.folder import ModelFolder


def to_arrays(tensors: Mapping[str, Tensor]) -> Arrays:
    """Return tensors as arrays that share their memory, where that is the CPU's."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def from_arrays(arrays: Arrays) -> dict[str, Tensor]:
    """Return arrays as tensors that share their memory."""
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; raises what `read_arrays` does."""
    return from_arrays(read_arrays(path))


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole; raises what `write_arrays` does."""
    write_arrays(path, to_arrays(tensors), metadata)


def load_model(stored: ModelFolder) -> Model:
    """Return the model of a folder, with the weights that its languages share.

    Raises:
        ModelError: the weights are missing, cut short, altered, or not those of the recipe's model.
    """
    model = build(stored.recipe, stored.labels, stored.pieces)
    model.limits = dataclasses.replace(model.limits, longest_span=stored.longest_span)
    load_weights(model, stored)
    return model


def encoder_weights(stored: ModelFolder) -> dict[str, Tensor]:
    """Return the weights of a stored model's encoder (`encoder.…`); those that an export holds in 8 bits, as floats.

    Raises:
        ModelError: they are missing or altered, or the export left them out.
    """
    if not stored.graphs:
        weights = stored.weights()
        return from_arrays({name: a for name, a in weights.items() if name.startswith("encoder.")})
    if ENCODER not in stored.graphs:
        raise ModelError(
            f"{stored.path}: an export from which no training can start. Start from the model that was exported."
        )
    graphs, _ = read_graphs(stored)
    rest = read_arrays(stored.path / ENCODER, stored.graphs[ENCODER])
    return from_arrays({**weights_in(graphs), **rest})


def load_weights(model: nn.Module, stored: ModelFolder) -> None:
    """Load a folder's weights into `model`, strictly: names, shapes and the digest must agree."""
    weights = from_arrays(stored.weights())
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise ModelError(
            f"{stored.path / 'model.safetensors'}: does not fit config.json: {error}. {again(stored.path)}"
        ) from None


def own_weights(model: nn.Module, stored: ModelFolder, lang: str) -> dict[str, Tensor]:
    """Return the tensors that a language has of its own, whole; `model` holds the shared ones."""
    return changed(model.state_dict(), from_arrays(stored.delta(lang)))
