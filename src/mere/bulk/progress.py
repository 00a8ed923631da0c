"""What a corpus run says while it works: a bar for a person, a line now and then for a log."""

from __future__ import annotations

import time
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

_LINE_EVERY_S = 10.0


class Listener(Protocol):
    """Hears how far a run is."""

    def say(self, words: str) -> None:
        """Tell one thing."""

    def advance(self, done: int, total: int, words: str) -> None:
        """Tell how much of the corpus is done, in bytes, and what came of it so far."""


class Silent:
    """Says nothing."""

    def say(self, words: str) -> None:
        """Say nothing."""

    def advance(self, done: int, total: int, words: str) -> None:
        """Show nothing."""


class Talk:
    """Talks on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True)
        columns = (
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[words]}"),
        )
        self._bar = Progress(*columns, console=self._console)
        self._task: Any = None
        self._began: tuple[float, int] | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        if self._task is not None:
            self._bar.stop()

    def say(self, words: str) -> None:
        self._console.print(words, highlight=False, markup=False)

    def advance(self, done: int, total: int, words: str) -> None:
        now = time.monotonic()
        if self._console.is_terminal:
            if self._task is None:
                self._task = self._bar.add_task("", total=total, completed=done, words=words)
                self._bar.start()
            self._bar.update(self._task, completed=done, words=words)
            return
        if self._began is None:  # what an earlier run did says nothing of this one's speed
            self._began = now, done
        if now - self._last_line < _LINE_EVERY_S:
            return
        self._last_line = now
        since, before = self._began
        left = f", {_clock((now - since) * (total - done) / (done - before))} left" if done > before else ""
        self.say(f"{100 * done / max(1, total):.1f} %{left}: {words}")


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
