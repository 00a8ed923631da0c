"""Batches of a stage, a pure function of (seed, stage, epoch, batch): what makes an exact resume possible."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from mere.config import EntitiesSettings, Recipe, SamplingSettings
from mere.data.augment import DETOKENISED, STYLES, MentionSwap, hide_mentions, restyle
from mere.data.batching import Batch, collate
from mere.data.examples import AlignmentReport, Annotated, ExampleMaker
from mere.data.sampling import PlannedBatch, plan_epoch
from mere.data.targets import Targets, targets_of
from mere.decoding.limits import Limits
from mere.decoding.reach import as_long_as_training, count_beyond
from mere.training.text import TextData
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
        self.swap = MentionSwap(self.sentences, maker.labels.types)

    def fit(self, limits: Limits, entities: EntitiesSettings) -> Limits:
        """Return decoding's limits that reach the longest training mention; report what they leave out."""
        limits = as_long_as_training(limits, self.examples)
        languages = [sentence.lang for sentence in self.sentences]
        by_types = entities.decoder == "types"
        count_beyond(self.report, languages, self.examples, limits, by_types=by_types)
        return limits

    def only(self, lang: str) -> TrainingData:
        """Return the part of one language; its mentions are replaced by others of the language only."""
        part = copy.copy(self)
        rows = [i for i, sentence in enumerate(self.sentences) if sentence.lang == lang]
        part.sentences = [self.sentences[i] for i in rows]
        part.examples = [self.examples[i] for i in rows]
        part.lengths, part.lang_ids = self.lengths[rows], self.lang_ids[rows]
        part.swap = MentionSwap(part.sentences, self.maker.labels.types)
        return part

    def batch(
        self, planned: PlannedBatch, sampling: SamplingSettings, recipe: Recipe, rng: np.random.Generator
    ) -> tuple[Batch, Targets]:
        """Return the sentences of a planned batch as a stage draws them, and their targets."""
        examples = [self._example(index, sampling, rng) for index in planned.indices.tolist()]
        return collate(examples, planned.group_size), targets_of(recipe, examples, rng)

    def _example(self, index: int, sampling: SamplingSettings, rng: np.random.Generator) -> Annotated:
        example = self._rewritten(index, sampling, rng)
        share = sampling.mention_masking
        return hide_mentions(example, self.maker.pieces, rng, share) if share else example

    def _rewritten(self, index: int, sampling: SamplingSettings, rng: np.random.Generator) -> Annotated:
        """Return the example with its mentions swapped, in another style, spaced as in print, or as it is."""
        sentence = self.sentences[index]
        if sampling.mention_replacement and rng.random() < sampling.mention_replacement:
            sentence = self.swap(sentence, rng)
        if sampling.restyling and rng.random() < sampling.restyling:
            sentence = restyle(sentence, list(STYLES)[int(rng.integers(len(STYLES)))])
        if sampling.detokenisation and rng.random() < sampling.detokenisation:
            sentence = restyle(sentence, DETOKENISED)
        made = None if sentence is self.sentences[index] else self.maker(sentence)
        return self.examples[index] if made is None else made


class BatchSource:
    """The batches of one stage, by step number.

    Args:
        data: the training data, or texts. recipe: says the tasks. sampling: the stage's settings.
        epochs: may be a fraction. seed: seeds of the run and the stage.
        steps: how many instead, over as many epochs as they take; 0: by epochs.
        is_endless: batches follow after the last epoch too, which `len` does not count.
    """

    def __init__(
        self,
        data: TrainingData | TextData,
        *,
        recipe: Recipe,
        sampling: SamplingSettings,
        epochs: float,
        seed: Sequence[int],
        steps: int = 0,
        is_endless: bool = False,
    ):
        self.data = data
        self.sampling = sampling
        self.recipe = recipe
        self.epochs = epochs
        self.seed = list(seed)
        self._plan = lru_cache(maxsize=2)(self._make_plan)
        self._ends: list[int] = []  # step at which each epoch ends
        self._groups_from = sampling.group_after * epochs
        if steps:
            self._groups_from = sampling.group_after * steps / len(self._make_plan(0))
            self.epochs = self._extend_to(steps)
        else:
            self._extend_by(math.ceil(epochs) if is_endless else epochs)
        self._num_steps = self._ends[-1]
        self._is_endless = is_endless
        if is_endless:
            self.epochs = math.inf

    def _extend_by(self, epochs: float) -> None:
        for epoch in range(math.ceil(epochs)):
            steps = len(self._make_plan(epoch))
            if epoch + 1 > epochs:
                steps = max(1, round(steps * (epochs - epoch)))
            self._ends.append((self._ends[-1] if self._ends else 0) + steps)

    def _extend_to(self, steps: int) -> float:
        """Plan epochs until there are so many steps, the last epoch cut there; return how many epochs that is."""
        while True:
            epoch, begin = len(self._ends), self._ends[-1] if self._ends else 0
            length = len(self._make_plan(epoch))
            self._ends.append(min(begin + length, steps))
            if self._ends[-1] == steps:
                return epoch + (steps - begin) / length

    def __len__(self) -> int:
        """Return the number of steps."""
        return self._num_steps

    def epoch_at(self, step: int) -> float:
        """Return how many epochs are done after `step` steps."""
        epoch = next((e for e, end in enumerate(self._ends) if step < end), len(self._ends) - 1)
        begin = self._ends[epoch - 1] if epoch else 0
        length = min(1.0, self.epochs - epoch)
        return epoch + length * (step - begin) / (self._ends[epoch] - begin)

    def __getitem__(self, step: int) -> tuple[Batch, Targets]:
        """Return the batch of a step and its targets; the same at every call."""
        while self._is_endless and step >= self._ends[-1]:
            self._ends.append(self._ends[-1] + len(self._make_plan(len(self._ends))))
        epoch = next(e for e, end in enumerate(self._ends) if step < end)
        planned = self._plan(epoch)[step - (self._ends[epoch - 1] if epoch else 0)]
        rng = np.random.default_rng([*self.seed, epoch, step])
        return self.data.batch(planned, self.sampling, self.recipe, rng)

    def _make_plan(self, epoch: int) -> list[PlannedBatch]:
        return plan_epoch(
            self.data.lengths,
            self.data.lang_ids,
            np.random.default_rng([*self.seed, epoch]),
            temperature=self.sampling.temperature,
            pieces_per_batch=self.sampling.pieces_per_batch,
            group_size=self.sampling.group_size if epoch >= self._groups_from else 1,
            group_share=self.sampling.group_share,
        )
