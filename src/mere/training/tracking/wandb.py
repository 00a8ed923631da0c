"""Weights & Biases: a run of the project that WANDB_PROJECT names, or "mere"; its own files go to RUN/wandb."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wandb

from mere.training.tracking.base import TrackedRun, Tracker, identity, scalars


class WandB(Tracker):
    """Logs the recipe as the run's config, numbers by step, and the result as its summary."""

    def start(self, run: TrackedRun) -> None:
        """Begin a run, or go on with it. A server forgets no step, so those that it has are not sent again."""
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "mere"),
            id=identity(run.folder),
            name=run.name,
            config=dict(run.settings),
            dir=str(run.folder),
            resume="allow",
        )
        self._since = self._run.step  # 0 for a new run

    def log(self, record: Mapping[str, Any], step: int) -> None:
        if step >= self._since:
            self._run.log(scalars(record), step=step)

    def file(self, path: Path) -> None:
        self._run.save(str(path), base_path=str(path.parent), policy="now")

    def finish(self, result: Mapping[str, Any] | None) -> None:
        self._run.summary.update(scalars(result or {}))
        self._run.finish(exit_code=int(result is None))
