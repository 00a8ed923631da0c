"""TensorBoard: event files in RUN/tensorboard. To look at them: tensorboard --logdir RUN"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from mere.training.tracking.base import TrackedRun, Tracker, scalars


class TensorBoard(Tracker):
    """Writes scalars, and files as text."""

    def start(self, run: TrackedRun) -> None:
        """Open a new event file, which tells its readers to forget the points from `since` on (`purge_step`).

        They never forget a text: files of a run that came to no checkpoint are deleted.
        """
        folder = run.folder / "tensorboard"
        for file in folder.glob("events.out.tfevents.*") if not run.since else ():
            file.unlink()
        self._writer = SummaryWriter(str(folder), purge_step=run.since)
        self._step = run.since

    def log(self, record: Mapping[str, Any], step: int) -> None:
        """Write the numbers of a record, to the disk: a checkpoint that follows must not know more than the file."""
        self._step = step
        self._write(record)
        self._writer.flush()

    def file(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        shown = text if path.suffix == ".md" else f"```\n{text}\n```"
        self._writer.add_text(path.name, shown, self._step)

    def finish(self, result: Mapping[str, Any] | None) -> None:
        self._write(result or {})
        self._writer.close()

    def _write(self, record: Mapping[str, Any]) -> None:
        for tag, value in scalars(record).items():
            self._writer.add_scalar(tag, value, self._step)
