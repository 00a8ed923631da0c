"""A checkpoint: one safetensors file with everything a run needs to continue, replaced atomically.

Tensors hold the loop's state; the file's own JSON header holds the run's progress. A process that is killed, at any
moment, leaves the last whole checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from mere.errors import ModelError
from mere.models.weights import write_tensors

FORMAT = 2


@dataclass
class RunProgress:
    """How far a run has come: its place among the stage runs, and what they have cost so far.

    Args:
        stage_run: index of the stage run: a stage, or one language's turn in it.
        log_bytes: length of the log when the checkpoint was written.
        seconds: training time so far, evaluations included.
        best, since_best: best dev score of this stage so far, and how many evaluations ago it was.
    """

    stage_run: int = 0
    log_bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    best: float | None = None
    since_best: int = 0


def save_checkpoint(path: Path, state: Mapping[str, Tensor], progress: RunProgress) -> None:
    """Write a checkpoint atomically.

    Raises:
        TrainingError: it could not be written; the one before is untouched.
    """
    write_tensors(path, state, {"format": str(FORMAT), "progress": json.dumps(asdict(progress))})


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], RunProgress]:
    """Read a checkpoint and return its tensors and the run's progress.

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
            progress = RunProgress(**json.loads(metadata["progress"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: not a whole checkpoint ({error}). Delete the run folder, train anew."
        ) from None
    return tensors, progress
