"""Small gradients by hand, as the tests of objectives need them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from mere.training.objectives import Gradients, Objective, per_language

LANGUAGES = ("de", "en", "fr", "ko")


def gradients(
    rows: object, languages: tuple[str, ...] = LANGUAGES, name: str = "encoder.weight"
) -> Gradients:
    """The rows as gradients of one parameter, the k-th of the k-th language."""
    stacked = torch.as_tensor(rows, dtype=torch.float64)
    return Gradients(languages[: len(stacked)], {name: stacked})


def gradients_of(losses: Mapping[str, Tensor], parameters: Mapping[str, nn.Parameter]) -> Gradients:
    """Those of a batch in one part."""
    return per_language.gradients_of([losses], parameters)[1]


def random_rows(seed: int, num_languages: int, width: int) -> Tensor:
    """Rows of different lengths that conflict here and there."""
    rng = np.random.default_rng(seed)
    scale = np.exp(rng.normal(size=(num_languages, 1)))
    return torch.tensor(scale * rng.normal(size=(num_languages, width)))


def answer(objective: Objective, given: Gradients, seed: int = 0) -> dict[str, Tensor]:
    """What the objective makes of gradients alone."""
    losses = {lang: torch.tensor(1.0) for lang in given.languages}
    return objective.combine(given, losses, np.random.default_rng(seed))


def one_answer(objective: Objective, rows: object, seed: int = 0) -> Tensor:
    """The same for one parameter."""
    return answer(objective, gradients(rows), seed)["encoder.weight"]
