"""Progress of a run while it trains: bars on stderr, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mere.training.loop import StepReport


class Bar:
    """The progress of one stage; this one shows nothing."""

    def step(self, report: StepReport) -> None:
        """Show one optimiser step."""

    def evaluated(self, macro: float) -> None:
        """Show the macro strict F1 on dev, in [0, 1]."""


class Listener:
    """Is told what a run does; this one shows nothing."""

    def say(self, words: str) -> None:
        """Take one message."""

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        """Follow a stage of `num_steps` steps, `done` of which lie behind."""
        yield Bar()


class _RichBar(Bar):
    def __init__(self, progress: Progress, task: int):
        self._progress = progress
        self._task = task
        self._losses: dict[str, float] = {}
        self._sentences = self._seconds = 0.0
        self._dev = ""

    def step(self, report: StepReport) -> None:
        for name, loss in report.losses.items():
            self._losses[name] = 0.95 * self._losses.get(name, loss) + 0.05 * loss
        self._sentences += report.sentences
        self._seconds += report.seconds
        if report.step % 5 and report.step < report.num_steps:
            return
        losses = " ".join(f"{name} {loss:.2f}" for name, loss in self._losses.items())
        speed = f"{self._sentences / max(1e-9, self._seconds):.0f} sentences/s"
        words = f"epoch {report.epoch:.1f}  {losses}  {speed}{self._dev}"
        self._progress.update(self._task, completed=report.step, total=report.num_steps, words=words)  # type: ignore[arg-type]

    def evaluated(self, macro: float) -> None:
        self._dev = f"  dev F1 {100 * macro:.1f}"


class ProgressBars(Listener):
    """Draws bars on stderr: loss per task, sentences per second, time left."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def say(self, words: str) -> None:
        self._console.print(words, highlight=False)

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[words]}"),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=num_steps, completed=done, words="")
            yield _RichBar(progress, task)
