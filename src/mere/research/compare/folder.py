"""A cell's run folder: its state, settings, log, metrics and predictions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from mere.config import Recipe
from mere.config.tree import differences
from mere.data.formats import jsonl
from mere.errors import ConfigError, DataError
from mere.research.compare.plan import CELLS, Cell
from mere.types import Entity, Prediction, Sentence

_NEVER_MATTERS = {
    "name", "threads", "device", "checkpoint_minutes", "dev_pieces_per_batch", "sharding", "tracking",
}  # fmt: skip
"""Settings that change how a run is named, saved or how fast it is, not what comes out but for rounding."""


def is_started(cell: Cell) -> bool:
    """Whether the cell's folder holds a run, finished or not."""
    return (cell.folder / "recipe.yaml").is_file()


def is_finished(cell: Cell) -> bool:
    """Whether the cell's model is written; its config.json is the last file of it."""
    return (cell.folder / "model" / "config.json").is_file()


def predictions_file(cell: Cell, split: str) -> Path:
    return cell.folder / f"predictions.{split}.jsonl"


def recipe_file(cell: Cell) -> Path:
    """The recipe that the cell is trained by: the one it was started with, or its resolved one beside the folder."""
    stored = cell.folder / "recipe.yaml"
    return stored if stored.is_file() else beside(cell, ".yaml")


def beside(cell: Cell, ending: str) -> Path:
    return cell.folder.with_name(cell.folder.name + ending)


def check_same_run(cell: Cell, fingerprint: str) -> None:
    """Refuse a folder that holds a run other than the cell's.

    Raises:
        ConfigError: it was started with other settings. DataError: on other data.
    """
    if not is_started(cell):
        return
    file = cell.folder / "recipe.yaml"
    try:
        stored = yaml.safe_load(file.read_text(encoding="utf-8"))
        started = Recipe.from_stored(
            stored, str(file)
        )  # a setting that is newer than the run has its default
        data = json.loads((cell.folder / "run.json").read_text(encoding="utf-8"))["data"]["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ConfigError(
            f"{cell.folder}: is no run of mere ({error}). Delete it, or choose another --out."
        ) from None
    planned = cell.recipe
    if planned.precision == "auto":  # it was chosen when the run began
        planned = planned.model_copy(update={"precision": started.precision})
    changed = differences(_settings(started), _settings(planned))
    if changed:
        raise ConfigError(
            f"{cell.folder}: this cell was started with other settings ({', '.join(changed)}). "
            "Use them again, delete the folder, or choose another --out."
        )
    if data != fingerprint:
        raise DataError(
            f"{cell.folder}: the corpus has changed since this cell began. Delete it and train anew."
        )


def log(cell: Cell) -> Iterator[dict[str, Any]]:
    """Yield the records of the cell's log, but for a line that is still being written."""
    file = cell.folder / "log.jsonl"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    yield from map(json.loads, text.split("\n")[:-1])


def metrics(cell: Cell) -> dict[str, Any]:
    """Return the metrics.json of a finished cell: scores on dev, and costs."""
    record: dict[str, Any] = json.loads((cell.folder / "model" / "metrics.json").read_text(encoding="utf-8"))
    return record


def write_predictions(path: Path, gold: Sequence[Sentence], predicted: Sequence[Prediction]) -> None:
    """Write predictions as sentences with what was found in place of what is annotated."""
    jsonl.write(
        (
            replace(sentence, entities=_rounded(found.entities), triples=found.triples, extra={})
            for sentence, found in zip(gold, predicted, strict=True)
        ),
        path,
    )


def _rounded(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """Sums of exponentials may come to a probability of 1 and a bit in the last place."""
    return tuple(replace(entity, score=min(1.0, entity.score or 0.0)) for entity in entities)


def read_predictions(path: Path, gold: Sequence[Sentence]) -> list[Prediction]:
    """Read predictions for these sentences.

    Raises:
        DataError: they are for others.
    """
    found = list(jsonl.read(path))
    if [(s.lang, s.text) for s in found] != [(s.lang, s.text) for s in gold]:
        raise DataError(f"{path}: predictions for other sentences. Delete the file, and compare again.")
    return [Prediction(sentence.entities, sentence.triples) for sentence in found]


def _settings(recipe: Recipe) -> dict[str, Any]:
    settings = recipe.model_dump(mode="json", exclude=_NEVER_MATTERS)
    parts = Path(recipe.start).parts
    if CELLS in parts:  # weights of another cell, wherever the comparison's folder lies
        settings["start"] = "/".join(parts[len(parts) - parts[::-1].index(CELLS) - 1 :])
    return settings
