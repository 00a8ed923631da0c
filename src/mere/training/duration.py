"""How long a stage run trains: over the recipe's epochs, or for its share of the stage's steps or seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mere.config import StageSettings


@dataclass(frozen=True)
class Duration:
    """The length of a stage run, in steps or in seconds.

    Args:
        steps: of the stage run; where seconds count, a guess until the speed is known.
        seconds: of training and evaluation; 0: steps count.
    """

    steps: int
    seconds: float = 0.0

    def is_over(self, step: int, spent: float) -> bool:
        """Whether the stage run is over after `step` steps in `spent` seconds."""
        return spent >= self.seconds if self.seconds else step >= self.steps

    def total(self, step: int, spent: float) -> int:
        """Return the steps of the whole stage run, over which schedules run: as many as fit at the speed so far."""
        if not self.seconds:
            return self.steps
        if self.is_over(step, spent):
            return step
        projected = round(step * self.seconds / spent) if step and spent else self.steps
        return max(step + 1, projected)

    def evaluates(self, step: int, spent: float, took: float, evaluations: int) -> bool:
        """Whether one of the stage run's evenly spread evaluations follows a step that took `took` of the seconds."""
        if not self.seconds:
            return step in {max(1, round(self.steps * (i + 1) / evaluations)) for i in range(evaluations)}
        before, now = (evaluations * seconds / self.seconds for seconds in (spent - took, spent))
        return int(min(now, evaluations)) > int(before)


def share_of_stage(stage: StageSettings, sizes: Mapping[str, int], lang: str | None) -> tuple[int, float]:
    """Return how many of a stage's steps and seconds are a stage run's: a language's, in proportion to its sentences.

    Steps are whole and add up to the stage's; every language has one at least.
    """
    if lang is None:
        return stage.steps, stage.seconds
    langs, whole = sorted(sizes), sum(sizes.values())
    before = sum(sizes[name] for name in langs[: langs.index(lang)])
    begin, end = (round(stage.steps * done / whole) for done in (before, before + sizes[lang]))
    return max(min(1, stage.steps), end - begin), stage.seconds * sizes[lang] / whole
