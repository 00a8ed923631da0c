"""What every analysis of one run needs: the run, the model of a stage, how much is looked at, and by which seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mere.data.examples import Annotated, ExampleMaker
from mere.models.model import Model
from mere.models.predictor import Predictor
from mere.models.tensors import targets_to_tensors
from mere.research.analysis.fisher import Fisher, fisher
from mere.research.analysis.subject import CPU, Network, Subject
from mere.training.evaluation import evaluate_dev


@dataclass(frozen=True)
class Budget:
    """How much is looked at.

    Args:
        fisher, vectors, dev: sentences per language for the Fisher information, for representations, and for the
            scores after pruning; 0 takes all.
        steps, sentences: of the gradient conflict: steps, and sentences in a batch.
        percent: size of the top sets where one is shown.
    """

    fisher: int = 500
    vectors: int = 200
    dev: int = 100
    steps: int = 20
    sentences: int = 16
    percent: float = 10.0


@dataclass(frozen=True)
class Training:
    """How the runs of the transfer matrix are trained.

    Args:
        epochs: of each run. pairs: whether every two languages are trained together as well as each alone, all,
            and all but one. jobs: runs at a time, of one thread each.
    """

    epochs: float
    pairs: bool = True
    jobs: int = 1


@dataclass(frozen=True)
class Looking:
    """A subject and how it is looked at; `say` is told what goes on."""

    subject: Subject
    budget: Budget
    seed: int
    say: Callable[[str], None]

    def fisher(self, network: Network, lang: str, subject: Subject | None = None) -> Fisher:
        """Return a language's information in a model of this run, or of another one."""
        subject = subject or self.subject
        examples = subject.examples(lang, self.budget.fisher, seed=self.seed)
        self.say(
            f"Fisher information of {lang} in {subject.path.name}/{network.name}, {len(examples)} sentences"
        )
        return fisher(
            network.model,
            examples,
            lang=lang,
            batch_of=network.batch,
            targets_of=subject.targets,
            seed=self.seed,
        )

    def score(
        self,
        model: Model,
        languages: Iterable[str],
        *,
        use_switcher: bool,
        maker: ExampleMaker | None = None,
    ) -> dict[str, float]:
        """Return F1 on dev in per cent by language, mean over the tasks; NaN where there is nothing to score.

        Thresholds are calibrated anew for every model that is scored.

        Args:
            maker: of a model of another run, which reads texts in its own way.
        """
        limit = self.budget.dev or None
        wanted = list(languages)
        sentences = [s for lang in wanted for s in self.subject.dev[lang][:limit]]
        predictor = Predictor(model, maker or self.subject.maker)
        found = evaluate_dev(predictor, self.subject.recipe.task, sentences, universal=not use_switcher)
        return {
            lang: 100 * float(np.mean([f1[lang] for f1 in found.f1.values() if lang in f1] or [math.nan]))
            for lang in wanted
        }

    def loss_of(self, network: Network) -> Callable[[Sequence[Annotated], np.random.Generator], Tensor]:
        """Return what gives the loss of a batch of sentences that stand alone."""

        def loss(examples: Sequence[Annotated], rng: np.random.Generator) -> Tensor:
            targets = targets_to_tensors(self.subject.targets(examples, rng), CPU)
            losses = network.model.losses(network.batch(examples), targets)
            return torch.stack([value.float() for value in losses.values()]).sum()

        return loss
