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
from mere.models.model import Model, build
from mere.models.predictor import Predictor
from mere.schema import UNIVERSAL
from mere.store.card import card
from mere.store.delta import changed, specialised
from mere.store.folder import ModelFolder
from mere.training.checkpoint import Progress
from mere.training.costs import SwitcherSize, num_trained, stored_bytes
from mere.training.evaluation import Evaluation, evaluate_dev
from mere.training.out_of_memory import advice_on_evaluation, telling_what_to_turn
from mere.training.parallel.sharding import Sharding
from mere.training.run_data import Material
from mere.training.source import TrainingData
from mere.training.stage_runs import Leg

Own = Mapping[str, Mapping[str, Tensor]]
"""Language -> how its weights differ from the shared ones (mere.store.delta)."""


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
    sharding: Sharding,
) -> dict[str, Any]:
    """Score and calibrate a trained model, write its folder, and return what its metrics.json holds.

    Args:
        model: with the shared weights. data: the training data, for what no tagging can represent.
        sharding: how the model lies over the processes that all call this; the first one writes.
    """
    specialists = {
        lang: specialised(model, changed(model.state_dict(), delta)) for lang, delta in own.items()
    }
    predictor = Predictor(
        model,
        data.maker,
        own=specialists,
        precision=recipe.precision,
        pieces_per_batch=recipe.dev_pieces_per_batch,
    )
    thresholds, scores = _calibrated(recipe, predictor, material, sharding)
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
    weights = sharding.all_whole(sharding.held(model))

    def whole() -> Model:
        if not sharding.parts:
            return model
        written = build(recipe, labels, material.pieces)
        written.load_state_dict(weights, strict=True, assign=True)
        return written

    sharding.processes.by_first(
        lambda: ModelFolder.write(
            folder,
            model=whole(),
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
    recipe: Recipe, predictor: Predictor, material: Material, sharding: Sharding
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return thresholds and scores on all of dev, by the languages' own paths and by the universal one."""
    last = recipe.stages[-1]
    by_language = last.use_switcher or last.per_language
    thresholds = {UNIVERSAL: predictor.thresholds[UNIVERSAL]}
    if not material.dev:
        return thresholds, {}

    def scored(*, universal: bool) -> Evaluation:
        with telling_what_to_turn("scoring all of dev", advice_on_evaluation(recipe)):
            return evaluate_dev(predictor, recipe.task, material.dev, universal=universal, sharding=sharding)

    final = scored(universal=not by_language)
    thresholds, scores = dict(final.thresholds), {"dev": final.to_json()}
    if by_language:
        universal = scored(universal=True)
        thresholds[UNIVERSAL] = universal.thresholds[UNIVERSAL]
        scores["dev, universal path"] = universal.to_json()
    return thresholds, scores
