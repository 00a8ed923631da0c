"""A recipe with regimes, and cells as training would leave them, made by hand; no figure is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from mere.research.compare.plan import Cell
from tests import tiny

SAMPLING = {"pieces_per_batch": 80}
SHARED = {
    "name": "shared",
    "train": ["encoder", "heads"],
    "epochs": 6,
    "evaluations": 1,
    "sampling": SAMPLING,
}
OWN = {**SHARED, "name": "own", "per_language": True, "epochs": 2}
REGIMES: dict[str, Any] = {
    "monolingual": {"stages": [{**OWN, "name": "alone", "epochs": 8}]},
    "naive": {"stages": [{**SHARED, "epochs": 8}]},
    "finetuned": {"stages": [SHARED, OWN]},
    "lora": {"start": "cells/finetuned/shared", "stages": [{**OWN, "name": "lora", "lora": 1}]},
}


def write_recipe(folder: Path, regimes: dict[str, Any] | None = None, **changes: Any) -> Path:
    tree = tiny.recipe().model_dump(mode="json", exclude={"stages", "regime"})
    tree = {**tree, "aggregator": {"layers": 0}, "switcher": {"width": 0}, **changes}
    path = folder / "recipe.yaml"
    path.write_text(
        yaml.safe_dump({**tree, "regimes": regimes or REGIMES}, sort_keys=False), encoding="utf-8"
    )
    return path


def finish(cell: Cell, costs: dict[str, Any], log: list[dict[str, Any]], fingerprint: str = "f") -> None:
    """Leave the files of a finished run."""
    (cell.folder / "model").mkdir(parents=True)
    (cell.folder / "recipe.yaml").write_text(cell.recipe.to_yaml(), encoding="utf-8")
    (cell.folder / "run.json").write_text(json.dumps({"data": {"fingerprint": fingerprint}}))
    (cell.folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in log))
    whole = {"parameters": 1000, "peak_memory_mb": 300, "threads": 1, **costs}
    (cell.folder / "model" / "metrics.json").write_text(json.dumps({"costs": whole}))
    (cell.folder / "model" / "model.safetensors").write_bytes(b"x" * 400)
    (cell.folder / "model" / "config.json").write_text("{}")


def step(stage: str, step: int, epoch: float, loss: float = 1.0) -> dict[str, Any]:
    return {"event": "step", "stage": stage, "step": step, "epoch": epoch, "losses": {"a": loss, "b": 1.0}}


def evaluation(stage: str, step: int, macro: float) -> dict[str, Any]:
    return {"event": "evaluation", "stage": stage, "step": step, "triple_f1/strict": {"macro": macro}}
