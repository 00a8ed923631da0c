"""Switchers inside an encoder, away from their identity start, for tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mere.nn.encoder_switchers import AdapterSwitcher, Factors, InsideSwitcher, LoraSwitcher
from mere.nn.encoders import Encoder
from tests import checkpoints

LANGUAGES = ("de", "type", "ja")  # one is a word of ModuleDict's own
TEXTS = [checkpoints.TEXTS[i] for i in (0, 4, 7, 1, 11)]
LANG_ID = torch.tensor([3, 1, 0, 2, 1])
KINDS = ("adapters", "lora")


def inside(kind: str, into: Encoder, *, moved: bool = True, **given: Any) -> InsideSwitcher:
    """A switcher of a kind, away from its identity start unless told otherwise."""
    torch.manual_seed(3)
    size = {"width": 6} if kind == "adapters" else {"rank": 3}
    make: Any = AdapterSwitcher if kind == "adapters" else LoraSwitcher
    made: InsideSwitcher = make(encoder=into, languages=LANGUAGES, **size, **given)
    if moved:
        with torch.no_grad():
            for parameter in made.parameters():
                parameter.add_(torch.randn(parameter.shape) * 0.2)
    return made


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)


def lang_of(lang_id: int) -> str:
    return LANGUAGES[lang_id - 1]


def merged(switcher: LoraSwitcher, made: Encoder, lang: str) -> dict[str, Tensor]:
    """The encoder's weights with a language's change in them, by the paper's formula W + B A."""
    weights = {}
    for site in switcher.sites:
        part = switcher.part(lang, site)
        assert isinstance(part, Factors)
        weights[f"{site}.weight"] = made.get_parameter(f"{site}.weight") + part.up @ part.down
    return weights
