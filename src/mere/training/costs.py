"""What a model costs: how many numbers a stage trains, how many bytes a language needs of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mere.config import StageSettings
from mere.models.model import Model
from mere.nn.switcher import module_name
from mere.training.trainable import Trainable, select_parameters


def num_trained(model: Model, stage: StageSettings) -> int:
    """Return how many numbers a stage trains, those of all switchers together; it freezes the others."""
    trainable = Trainable(model, select_parameters(model, stage.train), stage.lora)
    return sum(parameter.numel() for parameter in trainable.parameters.values())


def stored_bytes(model: Model, own: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Any]:
    """Return the bytes of tensors that all languages share, and those of each: its switcher and its differences.

    Args:
        own: per language the difference of its weights (mere.store.delta).
    """
    per_language = {lang: _bytes(delta.values()) for lang, delta in own.items()}
    shared = _bytes(model.state_dict().values())
    if model.switcher is not None:
        for lang in model.switcher.languages:
            size = _bytes(model.switcher.of[module_name(lang)].parameters())
            per_language[lang] = per_language.get(lang, 0) + size
            shared -= size
    return {"bytes_shared": shared, "bytes_per_language": per_language}


@dataclass(frozen=True)
class SwitcherSize:
    """What a language has of its own in a model: how many numbers, and what share that is of the encoder's."""

    parameters: int
    of_encoder: float

    @classmethod
    def of(cls, model: Model) -> SwitcherSize | None:
        """Return it; None where the model has no switchers."""
        if model.switcher is None:
            return None
        own = model.switcher.num_parameters()
        return cls(own, own / sum(p.numel() for p in model.encoder.parameters()))

    def __str__(self) -> str:
        return f"a language's switcher has {self.parameters:,} parameters, {self.of_encoder:.2%} of the encoder's"


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
