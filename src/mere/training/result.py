"""Writes the model folder at the end of a run: calibrated on all of dev, with its scores, costs and card."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mere.config import Recipe
from mere.inference.predictor import Predictor
from mere.models.backend import predictor_of
from mere.models.delta import changed, specialised
from mere.models.model import Model, build
from mere.models.weights import to_arrays
from mere.schema import UNIVERSAL
from mere.store.card import card
from mere.store.folder import ModelConfig, write_folder
from mere.training.costs import stored_bytes, switcher_size
from mere.training.evaluation import Evaluation, evaluate_dev
from mere.training.parallel.processes import Processes
from mere.training.run_data import RunData
from mere.training.source import TrainingData

Deltas = Mapping[str, Mapping[str, Tensor]]
"""Language -> how its weights differ from the shared ones (mere.models.delta)."""


def write_model(
    folder: Path,
    recipe: Recipe,
    run_data: RunData,
    data: TrainingData,
    model: Model,
    deltas: Deltas,
    costs: Mapping[str, Any],
    processes: Processes,
) -> dict[str, Any]:
    """Score and calibrate a trained model, write its folder, and return what its metrics.json holds.

    Args:
        data: the training data, for what no tagging can represent. model: with the shared weights.
        costs: of the training. processes: all call this; the first one writes.
    """
    specialists = {
        lang: specialised(model, changed(model.state_dict(), delta)) for lang, delta in deltas.items()
    }
    predictor = predictor_of(
        model,
        data.maker,
        own=specialists,
        precision=recipe.precision,
        pieces_per_batch=recipe.dev_pieces_per_batch,
    )
    thresholds, scores = _calibrated(recipe, predictor, run_data, processes)
    record = {**scores, "costs": {**costs, **_costs(model, deltas)}, "alignment": data.report.to_json()}
    labels = run_data.labels
    weights = processes.whole(processes.local_weights(model))

    def write() -> None:
        written = model
        if processes.parts:
            written = build(recipe, labels, run_data.pieces)
            written.load_state_dict(weights, strict=True, assign=True)
        write_folder(
            folder,
            ModelConfig(recipe, labels, run_data.pieces, thresholds, model.limits.longest_span),
            to_arrays(written.state_dict()),
            own={lang: to_arrays(delta) for lang, delta in deltas.items()},
            metrics=record,
            card=card(recipe, labels, run_data.corpus, record),
        )

    processes.by_first(write)
    return record


def _costs(model: Model, deltas: Deltas) -> dict[str, Any]:
    size = switcher_size(model)
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        **stored_bytes(model, deltas),
        **({"switcher": size} if size else {}),
        **_peak_memory(),
        "threads": torch.get_num_threads(),
    }


def _peak_memory() -> dict[str, int]:
    """Return the most memory that the process has held, where the system tells (not on Windows)."""
    if importlib.util.find_spec("resource") is None:
        return {}
    import resource

    unit = 1024**2 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return {"peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit}


def _calibrated(
    recipe: Recipe, predictor: Predictor, run_data: RunData, processes: Processes
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return thresholds and scores on all of dev, by the languages' own paths and by the universal one."""
    last = recipe.stages[-1]
    by_language = last.use_switcher or last.per_language
    thresholds = {UNIVERSAL: predictor.thresholds[UNIVERSAL]}
    if not run_data.dev:
        return thresholds, {}

    def evaluate(*, universal: bool) -> Evaluation:
        return evaluate_dev(predictor, recipe.task, run_data.dev, universal=universal, processes=processes)

    final = evaluate(universal=not by_language)
    thresholds, scores = dict(final.thresholds), {"dev": final.to_json()}
    if by_language:
        universal = evaluate(universal=True)
        thresholds[UNIVERSAL] = universal.thresholds[UNIVERSAL]
        scores["dev, universal path"] = universal.to_json()
    return thresholds, scores
