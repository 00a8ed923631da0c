"""Cells as processes of one thread each: finished ones are kept, interrupted ones resumed, failed ones reported.

A cell is trained by `python -m mere train`, then `python -m mere.research.compare.predict` writes what its model
says of the split that is scored. A crash takes one cell with it. The lock of a cell is held by its process, not by us:
if we are killed and started again while it runs on, it is left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mere.research.compare import folder
from mere.research.compare.plan import Cell, Plan

POLL_SECONDS = 0.1
REPORT_SECONDS = 60.0
PATIENCE_SECONDS = 15.0
ERROR_LINES = 8
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Failure:
    """A cell that failed: the reason, and the last lines of its log."""

    cell: Cell
    why: str
    lines: tuple[str, ...] = ()


@dataclass
class _Job:
    """A cell that is running: its processes one after the other."""

    cell: Cell
    commands: list[list[str]]
    process: subprocess.Popen[bytes]
    output_from: int
    began: float = field(default_factory=time.monotonic)


def run_cells(
    plan: Plan, split: str | None, *, jobs: int, progress: Callable[[str], None], train: bool = True
) -> list[Failure]:
    """Bring every cell of the plan to its end, `jobs` at a time, and return those that failed.

    Args:
        split: whose sentences are predicted; None: nobody's.
        progress: called with a message when a cell starts, ends or fails.
        train: False only predicts where a model is finished.
    """
    cells = [cell for cell in plan.cells if train or folder.is_finished(cell)]
    waiting = [cell for cell in cells if _commands(cell, split)]
    if len(waiting) < len(cells):
        progress(f"{len(cells) - len(waiting)} of {len(plan.cells)} cells are finished already")
    return _Runner(waiting, split, jobs, progress).run()


class _Runner:
    def __init__(self, cells: Sequence[Cell], split: str | None, jobs: int, progress: Callable[[str], None]):
        self.waiting, self.split, self.jobs, self.progress = list(cells), split, jobs, progress
        self.total, self.done = len(cells), 0
        self.running: list[_Job] = []
        self.failures: dict[Path, Failure] = {}

    def run(self) -> list[Failure]:
        reported = time.monotonic()
        with self._stopping():
            while self.waiting or self.running:
                while len(self.running) < self.jobs and (cell := self._next()) is not None:
                    self._begin(cell)
                time.sleep(POLL_SECONDS)
                for job in list(self.running):
                    self._look_at(job)
                if self.running and time.monotonic() - reported >= REPORT_SECONDS:
                    self.progress(
                        "; ".join(f"{job.cell.name}: {_standing(job.cell)}" for job in self.running)
                    )
                    reported = time.monotonic()
        return list(self.failures.values())

    def _next(self) -> Cell | None:
        """Take the first waiting cell whose source is finished; give up those whose source failed."""
        for cell in list(self.waiting):
            source = cell.source.cell if cell.source else None
            if source is not None and source.folder in self.failures:
                self.waiting.remove(cell)
                self._fail(cell, f"it starts from {source.name}, which failed")
            elif source is None or folder.is_finished(source):
                self.waiting.remove(cell)
                return cell
        return None

    def _begin(self, cell: Cell) -> None:
        cell.folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.is_started(cell):
            folder.recipe_file(cell).write_text(cell.recipe.to_yaml(), encoding="utf-8")
        lock = os.open(folder.beside(cell, ".lock"), os.O_CREAT | os.O_RDWR, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            self._fail(cell, "another process is at work on it; wait for it or stop it, then run this again")
            return
        first, *rest = _commands(cell, self.split)
        log = folder.beside(cell, ".log")
        log_size = log.stat().st_size if log.exists() else 0
        self.running.append(_Job(cell, rest, _start(first, log, lock), log_size))
        os.close(lock)  # the process holds it on
        verb = "goes on" if folder.is_started(cell) else "begins"
        self.progress(f"{cell.name} {verb} ({self.done + len(self.running)} of {self.total})")

    def _look_at(self, job: _Job) -> None:
        status = job.process.poll()
        if status is None:
            return
        log = folder.beside(job.cell, ".log")
        if status == 0 and job.commands:
            lock = os.open(folder.beside(job.cell, ".lock"), os.O_RDWR)
            fcntl.flock(lock, fcntl.LOCK_EX)
            job.process = _start(job.commands.pop(0), log, lock)
            os.close(lock)
            return
        self.running.remove(job)
        if status == 0:
            self.done += 1
            minutes = (time.monotonic() - job.began) / 60
            self.progress(
                f"{job.cell.name} is finished after {minutes:.1f} min ({self.done} of {self.total})"
            )
            return
        why = f"killed by {_signal_name(-status)}" if status < 0 else f"exit status {status}"
        self._fail(job.cell, why, _last_lines(log, job.output_from))

    def _fail(self, cell: Cell, why: str, lines: tuple[str, ...] = ()) -> None:
        self.failures[cell.folder] = Failure(cell, why, lines)
        self.progress("\n  ".join([f"{cell.name} failed: {why}", *lines]))

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        """Whatever ends us but SIGKILL ends our processes first, as Ctrl-C would; what they saved stays."""
        is_main = threading.current_thread() is threading.main_thread()  # others may set no handler
        before = signal.signal(signal.SIGTERM, _interrupt) if is_main else None
        try:
            yield
        finally:
            if is_main:
                signal.signal(signal.SIGTERM, before)
            for job in self.running:
                job.process.send_signal(signal.SIGINT)
            end = time.monotonic() + PATIENCE_SECONDS
            for job in self.running:
                _wait_or_kill(job.process, max(0.0, end - time.monotonic()))


def _commands(cell: Cell, split: str | None) -> list[list[str]]:
    """Return what is left to do for a cell."""
    commands = []
    if not folder.is_finished(cell):
        recipe = str(folder.recipe_file(cell))
        commands.append(["-m", "mere", "train", recipe, "--out", str(cell.folder), "--resume", "--quiet"])
    if split is not None and not folder.predictions_file(cell, split).is_file():
        commands.append(["-m", "mere.research.compare.predict", str(cell.folder), split])
    return commands


def _start(arguments: Sequence[str], log: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start Python in a process group of its own, so that a terminal's Ctrl-C reaches it through us only."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **_ENVIRONMENT},
            pass_fds=(lock,),
            start_new_session=True,
        )


def _wait_or_kill(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _standing(cell: Cell) -> str:
    """Say how far a cell is, by its log."""
    last = None
    for record in folder.log(cell):
        last = record if record.get("event") == "step" else last
    return f"{last['stage']}, step {last['step']:,}" if last else "starting"


def _last_lines(log: Path, begin: int) -> tuple[str, ...]:
    text = log.read_bytes()[begin:].decode("utf-8", "replace")
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-ERROR_LINES:]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
