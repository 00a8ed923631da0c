"""Fine-tuning: a recipe that goes on from a model's encoder, with new heads for the labels of one's own corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mere.config import Recipe
from mere.config.tree import read_tree
from mere.store.fetch import find_model
from mere.store.folder import ModelFolder

DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "name": "fine-tuned",
        "aggregator": {"layers": 0},
        "switcher": {"width": 0},
        "stages": [
            {
                "name": "fine-tuned",
                "train": ["encoder", "heads"],
                "steps": 600,
                "lr": 5.0e-4,
                "head_lr": 2.0e-3,
                "ema": 0.99,
                "evaluations": 6,
                "sampling": {"pieces_per_batch": 800, "mention_replacement": 0.4, "mention_masking": 0.1},
            }
        ],
    }
)
"""What is trained where no recipe says it: all of a small corpus many times over, the best weights on dev kept."""


def fine_tuning_recipe(model: str, recipe: Path | None = None, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe that starts from `model`; its tasks are the model's where nothing else says which.

    Args:
        recipe: a recipe whose encoder makes way for the model's; None: DEFAULTS.
        overrides: `key=value` settings on top.

    Raises:
        ConfigError: the recipe is wrong. ModelError: there is no such model.
    """
    stored = ModelFolder.read(find_model(model))
    tree = dict(DEFAULTS) if recipe is None else read_tree(recipe)
    tree = {"task": list(stored.recipe.task), **tree}
    tree |= {"encoder": stored.recipe.encoder.model_dump(mode="json"), "start": model}
    return Recipe.from_tree(tree, overrides, where=str(recipe or f"mere train --from {model}"))
