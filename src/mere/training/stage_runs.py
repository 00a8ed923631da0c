"""The stage runs of a run: their batches, and the weights that each hands on by files in the run folder.

A stage run is a stage for all languages together, or one language's turn in it. While it runs, its best weights so
far are its candidate; when it is over they are its result: all weights, or how those of its language differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from mere.config import Recipe, StageSettings
from mere.models.delta import compact
from mere.models.weights import read_tensors, write_tensors
from mere.training.duration import Duration, share_of_stage
from mere.training.folder import RunFolder
from mere.training.loop import StageLoop
from mere.training.parallel.processes import Processes
from mere.training.source import BatchSource, TrainingData
from mere.training.text import TextData


@dataclass(frozen=True)
class StageRun:
    """A stage as it is run: for all languages together, or once for each.

    Args:
        can_extract: a stage before it has learned from annotations.
    """

    index: int
    stage: StageSettings
    lang: str | None
    can_extract: bool

    @property
    def name(self) -> str:
        return self.stage.name if self.lang is None else f"{self.stage.name}.{self.lang}"


def stage_runs_of(recipe: Recipe, languages: Sequence[str]) -> list[StageRun]:
    """Return the stage runs of a recipe in the order in which they are run."""
    return [
        StageRun(index, stage, lang, any(not before.learns_from_text for before in recipe.stages[:index]))
        for index, stage in enumerate(recipe.stages)
        for lang in (languages if stage.per_language else (None,))
    ]


def batches_of(
    stage_run: StageRun, number: int, recipe: Recipe, data: TrainingData, text: TextData | None
) -> tuple[BatchSource, Duration]:
    """Return the batches of a stage run, `number` among those of the run, and when it is over."""
    stage = stage_run.stage
    drawn_from: TrainingData | TextData = data if stage_run.lang is None else data.only(stage_run.lang)
    if stage.learns_from_text:
        assert text is not None
        drawn_from = text
    sizes = Counter(sentence.lang for sentence in data.sentences)
    steps, seconds = share_of_stage(stage, sizes, stage_run.lang)
    source = BatchSource(
        drawn_from,
        recipe=recipe,
        sampling=stage.sampling,
        epochs=stage.epochs,
        seed=[recipe.seed, number],
        steps=steps,
        is_endless=bool(seconds),
    )
    return source, Duration(len(source), seconds)


class StageRunWeights:
    """The results of a run's stage runs, in the run folder.

    Args:
        first: returns the weights that the run begins with.
    """

    def __init__(self, folder: RunFolder, recipe: Recipe, first: Callable[[], dict[str, Tensor]]):
        self._folder = folder
        self._recipe = recipe
        self._first = first

    def before(self, stage_run: StageRun) -> dict[str, Tensor]:
        """Return the weights that a stage run starts from: those of the stage before, or of the run's beginning."""
        if stage_run.index:
            return read_tensors(self._folder.weights(self._recipe.stages[stage_run.index - 1].name))
        return self._first()

    def after(self, stage_run: StageRun) -> dict[str, Tensor]:
        """Return the result of a finished stage run: all weights, or how those of its language differ."""
        return read_tensors(self._folder.weights(stage_run.name))

    def keep(self, stage_run: StageRun, loop: StageLoop, processes: Processes) -> None:
        """Store the current weights of a stage run as its candidate; the first process writes them."""
        kept = loop.weights() if stage_run.lang is None else loop.delta()
        kept = {name: tensor for name, tensor in kept.items() if not name.startswith("text.")}
        processes.by_first(lambda: write_tensors(self._folder.candidate(stage_run.name), kept))

    def close(self, stage_run: StageRun) -> None:
        """Turn the candidate of a stage run into its result."""
        best, final = self._folder.candidate(stage_run.name), self._folder.weights(stage_run.name)
        if best.is_file():  # else this stage_run was finished before, and `final` is what it left
            if stage_run.lang is not None:
                write_tensors(final, compact(self.before(stage_run), read_tensors(best)))
                best.unlink()
            else:
                best.replace(final)
