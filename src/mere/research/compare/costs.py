"""What a regime cost to train and takes to store, from what its cells logged; shared stages are charged to all.

Epochs per language are counted from the steps that were made, so an early stop or a time limit shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mere.config import Recipe, StageSettings
from mere.research.compare import folder
from mere.research.compare.plan import Cell
from mere.research.results import Costs

MAX_DIFFERENCE = 0.02
"""Regimes whose passes over the data differ by more than this share are flagged."""


@dataclass(frozen=True)
class Spent:
    """What one run took, the stages that it starts from included.

    Args:
        epochs: passes over each language's training sentences.
        passes: passes over all training sentences, whatever their language.
        trained: stage to how many numbers it trained, all its models together.
    """

    seconds: float
    steps: int
    epochs: dict[str, float]
    passes: float
    trained: dict[str, int]


def spent(cell: Cell, sizes: Mapping[str, int]) -> Spent:
    """Add up a finished cell's stages and those that it started from.

    Args:
        sizes: training sentences per language.
    """
    seconds, steps, trained = 0.0, 0, {}
    epochs = dict.fromkeys(sizes, 0.0)
    for of, stage in cell.path():
        costs: dict[str, Any] = folder.metrics(of)["costs"]
        stage_runs = _stage_runs(stage, sizes)
        seconds += sum(costs["seconds"].get(run, 0.0) for run in stage_runs)
        steps += sum(costs["steps"].get(run, 0) for run in stage_runs)
        if "trained" in costs:
            trained[stage.name] = sum(costs["trained"].get(run, 0) for run in stage_runs)
        if of.recipe.data.languages != cell.recipe.data.languages:
            continue  # a start on other languages makes no pass over these
        if stage.learns_from_text:
            continue  # no annotation is read
        rates = _epochs_per_step(of)
        drawn = sentences_drawn(of.recipe, stage, sizes)
        for run, lang in stage_runs.items():
            for name in sizes if lang is None else (lang,):
                done = rates.get(run, 0.0) * costs["steps"].get(run, 0)
                epochs[name] += done * drawn[name] / sizes[name]
    passes = sum(epochs[lang] * size for lang, size in sizes.items()) / sum(sizes.values())
    return Spent(seconds, steps, epochs, passes, trained)


def training_sizes(recipe: Recipe, sizes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return how many sentences of each language a recipe trains on."""
    limit = recipe.data.limit
    by_lang = sizes.get(recipe.data.train_split, {})
    return {lang: min(limit, size) if limit else size for lang, size in by_lang.items() if size}


def sentences_drawn(recipe: Recipe, stage: StageSettings, sizes: Mapping[str, int]) -> dict[str, float]:
    """Return how many sentences of each language an epoch of a stage has (mere.data.sampling)."""
    if stage.per_language:
        return {lang: float(size) for lang, size in sizes.items()}
    shares = {lang: size ** (1 / stage.sampling.temperature) for lang, size in sizes.items()}
    whole, total = sum(shares.values()), sum(sizes.values())
    return {lang: total * share / whole for lang, share in shares.items()}


def costs_of(cells: Sequence[Cell], sizes: Mapping[str, int]) -> Costs:
    """Return a regime's mean over its finished cells, one per seed; sizes and memory are the largest."""
    runs = [spent(cell, sizes) for cell in cells]
    kept = [folder.metrics(cell)["costs"] for cell in cells]
    path = list(cells[0].path())
    peak = [folder.metrics(of)["costs"]["peak_memory_mb"] for cell in cells for of, _ in cell.path()]
    per_language: dict[str, int] = kept[0].get("bytes_per_language", {})
    trained = runs[0].trained if len(runs[0].trained) == len({stage.name for _, stage in path}) else {}
    return Costs(
        train_seconds=round(fmean(run.seconds for run in runs), 1),
        steps=round(fmean(run.steps for run in runs)),
        epochs_per_language={lang: round(fmean(run.epochs[lang] for run in runs), 3) for lang in sizes},
        parameters_trained=max(trained.values(), default=None),
        parameters_by_stage=trained,
        parameters_total=max(cost["parameters"] for cost in kept),
        bytes_stored=max(_stored(cell) for cell in cells),
        bytes_per_language=per_language,
        peak_memory_mb=max(peak),
        threads=max(cost["threads"] for cost in kept),
    )


def flags(passes: Mapping[str, float], baseline: str) -> dict[str, str]:
    """Say which regimes passed over the data more or less often than the baseline.

    Args:
        passes: regime to its passes over all training sentences.
    """
    if baseline not in passes:
        return {}
    wanted = passes[baseline]
    return {
        regime: f"Not an equal budget: {found:.2f} epochs of all sentences, {baseline} had {wanted:.2f}."
        for regime, found in passes.items()
        if abs(found - wanted) > MAX_DIFFERENCE * wanted
    }


def _stage_runs(stage: StageSettings, sizes: Mapping[str, int]) -> dict[str, str | None]:
    """Map the names under which a stage was run to their language; None: all languages together."""
    return {f"{stage.name}.{lang}": lang for lang in sizes} if stage.per_language else {stage.name: None}


def _epochs_per_step(cell: Cell) -> dict[str, float]:
    """Return what a step was of an epoch in each stage, by the last line of its log."""
    lines = {record["stage"]: record for record in folder.log(cell) if record.get("event") == "step"}
    return {stage: record["epoch"] / record["step"] for stage, record in lines.items()}


def _stored(cell: Cell) -> int:
    return sum(file.stat().st_size for file in (cell.folder / "model").rglob("*.safetensors"))
