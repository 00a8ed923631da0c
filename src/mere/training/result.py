"""The model folder that a run ends in: calibrated on all of dev, with its scores, its costs and its card."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mere.config import Recipe
from mere.models.card import card
from mere.models.delta import changed, specialised
from mere.models.folder import ModelFolder
from mere.models.model import Model
from mere.models.predictor import Predictor
from mere.training.checkpoint import Progress
from mere.training.costs import SwitcherSize, num_trained, stored_bytes
from mere.training.evaluation import evaluate_dev
from mere.training.legs import Leg
from mere.training.material import Material
from mere.training.processes import Processes
from mere.training.source import TrainingData

Own = Mapping[str, Mapping[str, Tensor]]
"""Language -> how its weights differ from the shared ones (mere.models.delta)."""


def write_model(
    folder: Path,
    *,
    recipe: Recipe,
    material: Material,
    data: TrainingData,
    model: Model,
    own: Own,
    legs: Sequence[Leg],
    progress: Progress,
    processes: Processes,
) -> dict[str, Any]:
    """Score and calibrate a trained model, write its folder, and return what its metrics.json holds.

    Args:
        model: with the shared weights. data: the training data, for what no tagging can represent.
    """
    specialists = {
        lang: specialised(model, changed(model.state_dict(), delta)) for lang, delta in own.items()
    }
    predictor = Predictor(model, data.maker, own=specialists, precision=recipe.precision)
    thresholds, scores = _calibrated(recipe, predictor, material, processes)
    costs = {
        "seconds": {name: round(value, 1) for name, value in progress.seconds.items()},
        "steps": progress.steps,
        "parameters": sum(p.numel() for p in model.parameters()),
        "trained": {leg.name: num_trained(model, leg.stage) for leg in legs},
        **stored_bytes(model, own),
        **({"switcher": asdict(size)} if (size := SwitcherSize.of(model)) else {}),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "threads": torch.get_num_threads(),
    }
    record = {**scores, "costs": costs, "alignment": data.report.to_json()}
    corpus, labels = material.corpus, material.labels
    processes.by_first(
        lambda: ModelFolder.write(
            folder,
            model=model,
            recipe=recipe,
            labels=labels,
            pieces=material.pieces,
            thresholds=thresholds,
            metrics=record,
            card=card(recipe, labels, corpus, record),
            own=own,
        )
    )
    return record


def _calibrated(
    recipe: Recipe, predictor: Predictor, material: Material, processes: Processes
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return thresholds and scores on all of dev, by the languages' own paths and by the universal one."""
    last = recipe.stages[-1]
    by_language = last.use_switcher or last.per_language
    thresholds = {"": predictor.thresholds[""]}
    if not material.dev:
        return thresholds, {}
    final = evaluate_dev(predictor, recipe.task, material.dev, universal=not by_language, processes=processes)
    thresholds, scores = dict(final.thresholds), {"dev": final.to_json()}
    if by_language:
        universal = evaluate_dev(predictor, recipe.task, material.dev, universal=True, processes=processes)
        thresholds[""] = universal.thresholds[""]
        scores["dev, universal path"] = universal.to_json()
    return thresholds, scores
