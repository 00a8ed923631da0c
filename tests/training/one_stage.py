"""A stage on the tiny corpus, as several test files begin one."""

from __future__ import annotations

from typing import Any

import torch

from mere.config import Recipe
from mere.data.examples import ExampleMaker
from mere.data.pieces import fit_pieces
from mere.models.model import build
from mere.schema import Labels
from mere.training.loop import StageLoop
from mere.training.source import BatchSource, TrainingData
from tests import tiny

TASKS: dict[str, dict[str, Any]] = {
    "triples": {"task": ["triples"]},
    "both": {"task": ["entities", "triples"]},
    "types": {"task": ["entities"], "entities": {"decoder": "types"}},
    "spans": {
        "task": ["entities"],
        "entities": {"decoder": "spans", "spans": {"window": 8, "overlap": 4, "dropout": 0.0}},
    },
}
"""Settings of each task and decoder."""
LABELS = Labels.from_sentences(tiny.SENTENCES)
TYPES = tuple(sorted({kind for kinds in tiny.TYPES.values() for kind in kinds}))


def loop(parts: int, task: str = "both", units: int = 120, **stage: Any) -> StageLoop:
    """A stage on the tiny corpus, its batches in so many parts."""
    sampling = {"pieces_per_batch": units, "group_size": 2, "group_share": 0.5}
    settings = {"name": "s", "lr": 0.003, "epochs": 2, "sampling": sampling, **stage}
    recipe: Recipe = tiny.recipe(stages=[settings | {"gradient_accumulation": parts}], **TASKS[task])
    labels = Labels(LABELS.relations, TYPES, LABELS.languages)
    pieces = fit_pieces(recipe.encoder, tiny.TYPED)
    data = TrainingData(tiny.TYPED, ExampleMaker(pieces, labels))
    source = BatchSource(
        data, recipe=recipe, sampling=recipe.stages[0].sampling, epochs=recipe.stages[0].epochs, seed=[0, 0]
    )
    torch.manual_seed(0)
    return StageLoop(build(recipe, labels, pieces), recipe, recipe.stages[0], source)
