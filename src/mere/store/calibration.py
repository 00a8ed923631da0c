"""A calibration put into a model folder that is being written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mere.schema import UNIVERSAL
from mere.store.card import with_part
from mere.store.files import CALIBRATION, CARD, SUMS, read_json, read_sums, sums_text, write_json


def write_calibration(folder: Path, record: Mapping[str, Any], said: str) -> None:
    """Write a calibration and its digest into a folder, and what its card says of it, if there is a calibration."""
    if not record:
        return
    _note(folder, CALIBRATION, write_json(folder / CALIBRATION, record))
    card = folder / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {folder.name}\n"
    card.write_text(with_part(text, "## Calibration", said), encoding="utf-8")


def write_thresholds(folder: Path, thresholds: Mapping[str, float]) -> None:
    """Write other thresholds, by path, into a folder's configuration."""
    config = read_json(folder / "config.json")
    config["thresholds"] = {
        "" if path == UNIVERSAL else path: round(value, 4) for path, value in thresholds.items()
    }
    _note(folder, "config.json", write_json(folder / "config.json", config))


def _note(folder: Path, name: str, digest: str) -> None:
    if (folder / SUMS).is_file():  # folders written before the sums have none
        sums = sums_text({**read_sums(folder), name: digest})
        (folder / SUMS).write_text(sums, encoding="utf-8")
