"""A run that is cut off, as Ctrl-C does, after so many steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mere.config import Recipe
from mere.training.loop import StageLoop, StepReport
from mere.training.run import train


def cut_off(recipe: Recipe, out: Path, steps: int) -> None:
    """Train and be interrupted before the run's step `steps` + 1, which may be the first of a stage run."""
    run, done = StageLoop.run, 0

    def stops(self: StageLoop) -> Iterator[StepReport]:
        nonlocal done
        if done == steps:
            raise KeyboardInterrupt
        for report in run(self):
            done += 1
            yield report
            if done == steps:
                raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StageLoop, "run", stops)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, out, progress=False)
