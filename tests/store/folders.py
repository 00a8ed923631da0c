"""Model folders as tests write them, and those that a test has changed on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mere.models.model import Model
from mere.models.weights import to_arrays
from mere.store.files import CARD, SUMS, sha256, sums_text
from mere.store.folder import ModelConfig, write_folder


def write_model(folder: Path, model: Model, **given: Any) -> Path:
    """Write the folder of a model; `given` has what config.json holds, and the metrics, card and own weights."""
    config = ModelConfig(
        longest_span=model.limits.longest_span,
        **{name: given[name] for name in ("recipe", "labels", "pieces", "thresholds")},
    )
    write_folder(
        folder,
        config,
        to_arrays(model.state_dict()),
        own={lang: to_arrays(delta) for lang, delta in given.get("own", {}).items()},
        metrics=given.get("metrics", {}),
        card=given.get("card", ""),
    )
    return folder


def resum(folder: Path) -> Path:
    """Write SHA256SUMS anew, as of a model that was always like this."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in (CARD, SUMS)]
    digests = {path.relative_to(folder).as_posix(): sha256(path) for path in files}
    (folder / SUMS).write_text(sums_text(digests), encoding="utf-8")
    return folder
