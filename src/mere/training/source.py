"""Batches of a stage, a pure function of (seed, stage, epoch, batch): what makes an exact resume possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from mere.config import SamplingSettings, TriplesSettings
from mere.data.augment import MentionSwap, hide_mentions
from mere.data.batching import Batch, Targets, collate, targets
from mere.data.examples import AlignmentReport, Example, ExampleMaker
from mere.data.sampling import PlannedBatch, plan_epoch
from mere.types import Sentence


class TrainingData:
    """The training sentences as examples, made once and shared by all stages."""

    def __init__(self, sentences: Sequence[Sentence], maker: ExampleMaker):
        self.maker = maker
        self.report = AlignmentReport()
        made = [(sentence, maker(sentence, self.report)) for sentence in sentences]
        kept = [(sentence, example) for sentence, example in made if example is not None]
        self.sentences = [sentence for sentence, _ in kept]
        self.examples = [example for _, example in kept]
        self.lengths = np.array([len(example.pieces) for example in self.examples], dtype=np.int64)
        self.lang_ids = np.array([example.lang_id for example in self.examples], dtype=np.int64)
        self.swap = MentionSwap(self.sentences)


class BatchSource:
    """The batches of one stage, by step number.

    Args:
        data: the training data. sampling, task: the stage's and the task's settings.
        epochs: may be a fraction. seed: seeds of the run and the stage.
    """

    def __init__(
        self,
        data: TrainingData,
        *,
        sampling: SamplingSettings,
        task: TriplesSettings,
        epochs: float,
        seed: Sequence[int],
    ):
        self.data = data
        self.sampling = sampling
        self.task = task
        self.epochs = epochs
        self.seed = list(seed)
        self._plan = lru_cache(maxsize=2)(self._make_plan)
        self._ends: list[int] = []  # step at which each epoch ends
        for epoch in range(math.ceil(epochs)):
            steps = len(self._make_plan(epoch))
            if epoch + 1 > epochs:
                steps = max(1, round(steps * (epochs - epoch)))
            self._ends.append((self._ends[-1] if self._ends else 0) + steps)

    def __len__(self) -> int:
        """Return the number of steps."""
        return self._ends[-1]

    def epoch_at(self, step: int) -> float:
        """Return how many epochs are done after `step` steps."""
        epoch = next((e for e, end in enumerate(self._ends) if step < end), len(self._ends) - 1)
        begin = self._ends[epoch - 1] if epoch else 0
        length = min(1.0, self.epochs - epoch)
        return epoch + length * (step - begin) / (self._ends[epoch] - begin)

    def __getitem__(self, step: int) -> tuple[Batch, Targets]:
        """Return the batch of a step and its targets; the same whenever it is asked for."""
        epoch = next(e for e, end in enumerate(self._ends) if step < end)
        planned = self._plan(epoch)[step - (self._ends[epoch - 1] if epoch else 0)]
        rng = np.random.default_rng([*self.seed, epoch, step])
        examples = [self._example(index, rng) for index in planned.indices.tolist()]
        batch = collate(examples, planned.group_size)
        wanted = targets(
            examples,
            rng,
            negatives=self.task.negatives,
            incomplete_negative=self.task.incomplete_negative,
        )
        return batch, wanted

    def _example(self, index: int, rng: np.random.Generator) -> Example:
        example = self._swapped(index, rng)
        share = self.sampling.mention_hide
        return hide_mentions(example, rng, share) if share else example

    def _swapped(self, index: int, rng: np.random.Generator) -> Example:
        if self.sampling.mention_swap and rng.random() < self.sampling.mention_swap:
            swapped = self.data.maker(self.data.swap(self.data.sentences[index], rng))
            if swapped is not None:
                return swapped
        return self.data.examples[index]

    def _make_plan(self, epoch: int) -> list[PlannedBatch]:
        begun = epoch >= self.sampling.concat_after * self.epochs
        return plan_epoch(
            self.data.lengths,
            self.data.lang_ids,
            np.random.default_rng([*self.seed, epoch]),
            temperature=self.sampling.temperature,
            units_per_batch=self.sampling.units_per_batch,
            concat=self.sampling.concat if begun else 1,
            concat_share=self.sampling.concat_share,
        )
