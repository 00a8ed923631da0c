"""What a tracker is, and what trackers have in common: the name of a run, and the numbers of a record."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere.files import write_whole

_AXIS = ("event", "stage", "step", "num_steps")
"""Keys of a record that say where its numbers belong."""


@dataclass(frozen=True)
class TrackedRun:
    """The run that is tracked, and how far it is.

    Args:
        name: its name. folder: its folder. settings: its resolved recipe.
        since: the first step of the run still to be tracked; 0: nothing is yet. A run that goes on from a
            checkpoint may have been tracked further than that, and will do the same steps again.
    """

    name: str
    folder: Path
    settings: Mapping[str, Any]
    since: int


class Tracker(ABC):
    """Follows one run."""

    @abstractmethod
    def start(self, run: TrackedRun) -> None:
        """Begin to follow a run, or go on; no point may be there twice after that."""

    @abstractmethod
    def log(self, record: Mapping[str, Any], step: int) -> None:
        """Track what happened: a record of RUN/log.jsonl, at a step of the whole run."""

    @abstractmethod
    def file(self, path: Path) -> None:
        """Keep a file of the run: its recipe, its scores or its model's card."""

    @abstractmethod
    def finish(self, result: Mapping[str, Any] | None) -> None:
        """Close: the run has come to this (the model's metrics.json), or it broke off (None)."""


def scalars(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a record, each by its path: "unified/evaluation/triple_f1/strict/de".

    A record without an event is a run's result: "result/costs/seconds/unified". Tables (lists) are left out.
    """
    place = "/".join(str(record[key]) for key in ("stage", "event") if key in record) or "result"
    return dict(_leaves({key: value for key, value in record.items() if key not in _AXIS}, place))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}/{key}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def identity(folder: Path) -> str:
    """Return what tells a run from all others on a server, 32 hex digits: made once, then kept in its folder."""
    file = folder / "tracking.id"
    if not file.is_file():
        write_whole(file, uuid.uuid4().hex.encode())
    return file.read_text(encoding="ascii")
