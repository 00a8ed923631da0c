"""The log of a run as JSON lines, RUN/log.jsonl: what every run writes and the reports of mere read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mere.training.tracking.base import TrackedRun, Tracker


class JsonLines(Tracker):
    """One record per line, as it was given.

    Args:
        path: of the log. num_bytes: its length at the checkpoint that the run goes on from.
    """

    def __init__(self, path: Path, num_bytes: int):
        self._path = path
        self._num_bytes = num_bytes

    def start(self, run: TrackedRun) -> None:
        """Forget what was logged after the checkpoint: it will be logged again."""
        with self._path.open("rb+") as log:
            log.truncate(self._num_bytes)

    def log(self, record: Mapping[str, Any], step: int) -> None:
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record, ensure_ascii=False) + "\n")

    def file(self, path: Path) -> None:
        """Do nothing: the run's files lie beside the log."""

    def finish(self, result: Mapping[str, Any] | None) -> None:
        """Do nothing: the result lies in the model's folder."""
