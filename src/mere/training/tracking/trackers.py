"""The trackers of a run together: which a recipe names, and what happens when one fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mere.errors import UserError
from mere.training.tracking.base import TrackedRun, Tracker

_TRACKERS = {
    "tensorboard": ("TensorBoard", 'pip install "mere[tensorboard]"'),
    "mlflow": ("MLflow", "pip install mlflow"),
    "wandb": ("WandB", "pip install wandb"),
}
"""The class of each tracker, in the module of its name, and how to install what it needs."""


def trackers_of(names: Sequence[str]) -> dict[str, Tracker]:
    """Return the trackers of these names; each loads its package now.

    Raises:
        UserError: one is not installed, or cannot be loaded.
    """
    return {name: _loaded(name) for name in names}


def _loaded(name: str) -> Tracker:
    kind, install = _TRACKERS[name]
    try:
        tracker: Tracker = getattr(import_module(f"mere.training.tracking.{name}"), kind)()
    except ImportError as error:
        raise UserError(
            f"tracking: {name} cannot be loaded ({error}). Install it: {install}. "
            "Or train without it, with log.jsonl alone: --set tracking=[]"
        ) from None
    return tracker


class Trackers(Tracker):
    """Several trackers as one. One that fails is left out from then on: no run ends because of it.

    Args:
        log: the run's own log, whose errors are the run's; None: this process tracks nothing.
        others: by name, for the message. say: tells the user.
    """

    def __init__(self, log: Tracker | None, others: Mapping[str, Tracker], say: Callable[[str], None]):
        self._log = log
        self._others = dict(others)
        self._say = say

    def start(self, run: TrackedRun) -> None:
        self._each(lambda tracker: tracker.start(run))

    def log(self, record: Mapping[str, Any], step: int) -> None:
        self._each(lambda tracker: tracker.log(record, step))

    def file(self, path: Path) -> None:
        self._each(lambda tracker: tracker.file(path))

    def finish(self, result: Mapping[str, Any] | None) -> None:
        self._each(lambda tracker: tracker.finish(result))

    def _each(self, act: Callable[[Tracker], None]) -> None:
        if self._log is not None:
            act(self._log)
        for name, tracker in list(self._others.items()):
            try:
                act(tracker)
            except Exception as error:  # whatever its package raises: it is said, and costs no run
                del self._others[name]
                why = " ".join(f"{type(error).__name__}: {error}".split())
                self._say(
                    f"tracking: {name} failed ({why}) and is off from here on. "
                    "The run goes on, and its log.jsonl is whole."
                )
