"""A calibration put into a model folder that is being written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mere.store.card import with_part
from mere.store.files import CALIBRATION, CARD, SUMS, read_sums, sums_text, write_json


def write_calibration(folder: Path, record: Mapping[str, Any], said: str) -> None:
    """Write a calibration and its digest into a folder, and what its card says of it, if there is a calibration."""
    if not record:
        return
    digest = write_json(folder / CALIBRATION, record)
    if (folder / SUMS).is_file():  # folders written before the sums have none
        sums = sums_text({**read_sums(folder), CALIBRATION: digest})
        (folder / SUMS).write_text(sums, encoding="utf-8")
    card = folder / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else f"# {folder.name}\n"
    card.write_text(with_part(text, "## Calibration", said), encoding="utf-8")
