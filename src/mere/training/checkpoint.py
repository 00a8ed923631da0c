"""A checkpoint: one safetensors file with everything a run needs to go on, replaced atomically.

Tensors hold the loop's state; the file's own JSON header holds the run's progress. Whoever kills the process,
at any moment, finds the last whole checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from mere.errors import ModelError
from mere.store.folder import save_tensors

FORMAT = 2


@dataclass
class Progress:
    """Where a run stands.

    Args:
        leg: index of the leg: a stage, or one language's turn in it.
        log_bytes: length of the log when the checkpoint was written.
        seconds: training time so far, evaluations included.
        best: best dev score of this stage so far, and since how many evaluations there was no better one.
    """

    leg: int = 0
    log_bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    best: float | None = None
    since_best: int = 0


def save_checkpoint(path: Path, state: Mapping[str, Tensor], progress: Progress) -> None:
    """Write a checkpoint.

    Raises:
        TrainingError: it could not be written; the one before is untouched.
    """
    save_tensors(path, state, {"format": str(FORMAT), "progress": json.dumps(asdict(progress))})


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], Progress]:
    """Read a checkpoint.

    Raises:
        ModelError: it is cut short, or of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != str(FORMAT):
                raise ModelError(
                    f"{path}: checkpoint format {metadata.get('format')!r}, this mere reads {FORMAT}. "
                    "Start the run anew, or resume it with the version that wrote it."
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            progress = Progress(**json.loads(metadata["progress"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: not a whole checkpoint ({error}). Delete the run folder, train anew."
        ) from None
    return tensors, progress
