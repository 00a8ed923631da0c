"""The legs of a run: their batches, and the weights that each hands on by files in the run folder.

A leg is a stage for all languages together, or one language's turn in it. While it runs, its best weights so far
are its candidate; when it is over they are what it leaves behind: all of them, or how a language's differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from mere.config import Recipe, StageSettings
from mere.store.delta import compact
from mere.store.folder import read_tensors, write_tensors
from mere.training.duration import Limit, share_of
from mere.training.folder import RunFolder
from mere.training.loop import StageLoop
from mere.training.parallel.processes import Processes
from mere.training.source import BatchSource, TrainingData
from mere.training.text import TextData


@dataclass(frozen=True)
class Leg:
    """A stage as it is run: for all languages together, or one leg for each.

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

    @property
    def learns_from_text(self) -> bool:
        return self.stage.learns_from_text


def legs_of(recipe: Recipe, languages: Sequence[str]) -> list[Leg]:
    """Return the legs of a recipe in the order in which they are run."""
    return [
        Leg(index, stage, lang, any(not before.learns_from_text for before in recipe.stages[:index]))
        for index, stage in enumerate(recipe.stages)
        for lang in (languages if stage.per_language else (None,))
    ]


def batches_of(
    leg: Leg, number: int, recipe: Recipe, data: TrainingData, text: TextData | None
) -> tuple[BatchSource, Limit]:
    """Return the batches of a leg, `number` among those of the run, and when it is over."""
    stage = leg.stage
    own: TrainingData | TextData = data if leg.lang is None else data.only(leg.lang)
    if leg.learns_from_text:
        assert text is not None
        own = text
    sizes = Counter(sentence.lang for sentence in data.sentences)
    steps, seconds = share_of(stage, sizes, leg.lang)
    source = BatchSource(
        own,
        recipe=recipe,
        sampling=stage.sampling,
        epochs=stage.epochs,
        seed=[recipe.seed, number],
        steps=steps,
        is_endless=bool(seconds),
    )
    return source, Limit(len(source), seconds)


class LegWeights:
    """What the legs of a run leave behind.

    Args:
        first: returns the weights that the run begins with.
    """

    def __init__(self, folder: RunFolder, recipe: Recipe, first: Callable[[], dict[str, Tensor]]):
        self._folder = folder
        self._recipe = recipe
        self._first = first

    def before(self, leg: Leg) -> dict[str, Tensor]:
        """Return the weights that a leg starts from: those of the stage before, or of the run's beginning."""
        if leg.index:
            return read_tensors(self._folder.weights(self._recipe.stages[leg.index - 1].name))
        return self._first()

    def after(self, leg: Leg) -> dict[str, Tensor]:
        """Return what a finished leg left behind: all weights, or how those of its language differ."""
        return read_tensors(self._folder.weights(leg.name))

    def keep(self, leg: Leg, loop: StageLoop, processes: Processes) -> None:
        """Make what a leg has come to its candidate; the first process writes it."""
        kept = loop.weights() if leg.lang is None else loop.delta()
        kept = {name: tensor for name, tensor in kept.items() if not name.startswith("text.")}
        processes.by_first(lambda: write_tensors(self._folder.candidate(leg.name), kept))

    def close(self, leg: Leg) -> None:
        """Let the candidate of a leg be what it leaves behind."""
        best, final = self._folder.candidate(leg.name), self._folder.weights(leg.name)
        if best.is_file():  # else this leg was finished before, and `final` is what it left
            if leg.lang is not None:
                write_tensors(final, compact(self.before(leg), read_tensors(best)))
                best.unlink()
            else:
                best.replace(final)
