"""Costs of a model: the parameters that a stage trains, the bytes that each language adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from mere.config import StageSettings
from mere.models.model import Model
from mere.nn.switcher import module_name
from mere.training.trainable import Trainable, select_parameters


def num_trained(model: Model, stage: StageSettings) -> int:
    """Return how many parameters a stage trains, those of all switchers together; the others are frozen."""
    trainable = Trainable(model, select_parameters(model, stage.train, stage.freeze), stage.lora)
    return sum(parameter.numel() for parameter in trainable.parameters.values())


def stored_bytes(model: Model, deltas: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Any]:
    """Return the bytes of tensors that all languages share, and those of each: its switcher and its differences.

    Args:
        deltas: per language the difference of its weights (mere.models.delta).
    """
    per_language = {lang: _bytes(delta.values()) for lang, delta in deltas.items()}
    shared = _bytes(model.state_dict().values())
    if model.switcher is not None:
        for lang in model.switcher.languages:
            size = _bytes(model.switcher.of[module_name(lang)].parameters())
            per_language[lang] = per_language.get(lang, 0) + size
            shared -= size
    return {"bytes_shared": shared, "bytes_per_language": per_language}


def switcher_size(model: Model) -> dict[str, Any]:
    """Return how many parameters a language's switcher has, and their share of the encoder's; nothing without one."""
    if model.switcher is None:
        return {}
    size = model.switcher.num_parameters()
    return {"parameters": size, "of_encoder": size / sum(p.numel() for p in model.encoder.parameters())}


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
