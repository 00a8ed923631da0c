"""What every analysis of a run shares: the run, the sizes of its samples, the seed, and how models are scored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mere.data.examples import Annotated, ExampleMaker
from mere.models.backend import predictor_of
from mere.models.model import Model
from mere.models.tensors import targets_to_tensors
from mere.research.analysis.analysed_run import CPU, AnalysedRun, Network
from mere.research.analysis.fisher import Fisher, fisher
from mere.training.evaluation import evaluate_dev


@dataclass(frozen=True)
class SampleSizes:
    """How much of the data each analysis reads.

    Args:
        fisher, vectors, dev: sentences per language for the Fisher information, for representations, and for the
            scores after pruning; 0 takes all.
        steps, batch: of the gradient conflict: steps, and sentences in a batch.
        percent: of the parameters, in the top sets where one size is shown.
    """

    fisher: int = 500
    vectors: int = 200
    dev: int = 100
    steps: int = 20
    batch: int = 16
    percent: float = 10.0


@dataclass(frozen=True)
class TransferSettings:
    """How the runs of the transfer matrix are trained.

    Args:
        epochs: of each run. pairs: whether every two languages are trained together, beside single languages, all,
            and all but one. jobs: runs at a time, of one thread each.
    """

    epochs: float
    pairs: bool = True
    jobs: int = 1


@dataclass(frozen=True)
class AnalysisContext:
    """A run, how much of its data is read, and the seed of every draw; `progress` takes messages on the way."""

    run: AnalysedRun
    sizes: SampleSizes
    seed: int
    progress: Callable[[str], None]

    def fisher(self, network: Network, lang: str, run: AnalysedRun | None = None) -> Fisher:
        """Return a language's Fisher information in a model of this run, or of another one."""
        run = run or self.run
        examples = run.examples(lang, self.sizes.fisher, seed=self.seed)
        self.progress(
            f"Fisher information of {lang} in {run.path.name}/{network.name}, {len(examples)} sentences"
        )
        return fisher(
            network.model, examples, lang=lang, batch_of=network.batch, targets_of=run.targets, seed=self.seed
        )

    def score(
        self, model: Model, languages: Iterable[str], *, use_switcher: bool, maker: ExampleMaker | None = None
    ) -> dict[str, float]:
        """Return F1 on dev in per cent by language, the mean over tasks; NaN where there is nothing to score.

        Thresholds are calibrated for each model.

        Args:
            maker: of the model's own run, if it is another one; this run's by default.
        """
        limit = self.sizes.dev or None
        wanted = list(languages)
        sentences = [s for lang in wanted for s in self.run.dev[lang][:limit]]
        predictor = predictor_of(model, maker or self.run.maker)
        found = evaluate_dev(predictor, self.run.recipe.task, sentences, universal=not use_switcher)
        return {
            lang: 100 * float(np.mean([f1[lang] for f1 in found.f1.values() if lang in f1] or [math.nan]))
            for lang in wanted
        }

    def loss_of(self, network: Network) -> Callable[[Sequence[Annotated], np.random.Generator], Tensor]:
        """Return a function from a batch of ungrouped sentences to its loss, summed over the tasks."""

        def loss(examples: Sequence[Annotated], rng: np.random.Generator) -> Tensor:
            targets = targets_to_tensors(self.run.targets(examples, rng), CPU)
            losses = network.model.losses(network.batch(examples), targets)
            return torch.stack([value.float() for value in losses.values()]).sum()

        return loss
