"""A finished run as analyses read it: its sentences, and the model as each stage left it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mere.config import Recipe, StageSettings
from mere.data.batching import collate
from mere.data.corpora import load_corpora
from mere.data.examples import Annotated, ExampleMaker
from mere.data.sampling import drawn
from mere.data.targets import Targets, targets_of
from mere.errors import UserError, nearest
from mere.models.delta import specialised
from mere.models.model import Model, build
from mere.models.tensors import TensorBatch, to_tensors
from mere.models.weights import load_weights, own_weights, read_tensors
from mere.store.folder import ModelFolder
from mere.training.folder import RunFolder
from mere.types import Sentence

CPU = torch.device("cpu")
START = "start"
"""Names the initial weights of a run as if they were a stage that all languages share."""


@dataclass(frozen=True)
class Network:
    """A model after a stage, and whether that stage used the aggregator and the switchers."""

    name: str
    model: Model
    use_aggregator: bool
    use_switcher: bool

    def batch(self, examples: Sequence[Annotated]) -> TensorBatch:
        """Return a batch of ungrouped sentences that takes the path of the stage."""
        batch = to_tensors(collate(examples), CPU)
        lang_id = batch.lang_id if self.use_switcher else torch.zeros_like(batch.lang_id)
        return dataclasses.replace(batch, group_size=int(self.use_aggregator), lang_id=lang_id)


@dataclass(frozen=True)
class AnalysedRun:
    """A finished run with its corpus.

    Args:
        train, dev: its sentences by language, in the languages' order.
    """

    path: Path
    recipe: Recipe
    stored: ModelFolder
    maker: ExampleMaker
    train: Mapping[str, Sequence[Sentence]]
    dev: Mapping[str, Sequence[Sentence]]

    @classmethod
    def open(cls, run: str | Path) -> AnalysedRun:
        """Open a run folder.

        Raises:
            ModelError: it has no finished model.
            DataError: its corpus is missing.
        """
        path = Path(run)
        stored = ModelFolder.read(RunFolder(path).model)
        recipe, langs = stored.recipe, stored.labels.languages
        corpus = load_corpora(recipe.data)
        train = drawn(corpus.sentences(recipe.data.train_split), recipe.data.limit, recipe.seed)
        has_dev = recipe.data.dev_split in corpus.splits
        dev = corpus.sentences(recipe.data.dev_split) if has_dev else ()
        return cls(
            path,
            recipe,
            stored,
            ExampleMaker(stored.pieces, stored.labels),
            *({lang: [s for s in part if s.lang == lang] for lang in langs} for part in (train, dev)),
        )

    @property
    def languages(self) -> tuple[str, ...]:
        return self.stored.labels.languages

    @property
    def shared_stages(self) -> list[StageSettings]:
        """The stages that train all languages together; "start" where only the initial weights are shared.

        Stages that learn from unlabelled text are left out: their models cannot extract yet.
        """
        learned = [stage for stage in self.recipe.stages if not stage.learns_from_text]
        stages = [stage for stage in learned if not stage.per_language]
        if stages or not self.recipe.start:
            return stages
        initial = {"name": START, "per_language": False, "lora": 0}
        return [self.recipe.stages[0].model_copy(update=initial)]

    def stage(self, name: str | None = None) -> StageSettings:
        """Return the shared stage of a name; by default the last one that uses no switcher.

        Raises:
            UserError: there is none.
        """
        stages = {stage.name: stage for stage in self.shared_stages}
        if name is not None and name not in stages:
            raise UserError(
                f'{self.path}: no stage "{name}" that all languages share.{nearest(name, stages)} '
                f"There are: {', '.join(stages) or 'none'}."
            )
        if not stages:
            raise UserError(
                f"{self.path}: no stage of this run is shared by all languages, so nothing can transfer between "
                "them. Analyse a run that has such a stage, and compare it with this one by --against."
            )
        if name is not None:
            return stages[name]
        without_switcher = [stage for stage in stages.values() if not stage.use_switcher]
        return (without_switcher or list(stages.values()))[-1]

    def network(self, stage: StageSettings) -> Network:
        """Return the model at the end of a shared stage."""
        model = build(self.recipe, self.stored.labels, self.stored.pieces)
        if all(other.per_language for other in self.recipe.stages):
            load_weights(model, self.stored)  # the weights that the languages' stages start from
        else:
            model.load_state_dict(read_tensors(RunFolder(self.path).weights(stage.name)), strict=True)
        return Network(stage.name, model.eval(), stage.use_aggregator, stage.use_switcher)

    def language_networks(self) -> dict[str, Network]:
        """Return the model of each language that has weights of its own, or of the run's only language."""
        last = self.recipe.stages[-1]
        model = build(self.recipe, self.stored.labels, self.stored.pieces)
        load_weights(model, self.stored)
        model.eval()
        if len(self.languages) == 1 and not self.stored.own:
            return {self.languages[0]: Network(last.name, model, last.use_aggregator, last.use_switcher)}
        return {
            lang: Network(
                last.name,
                specialised(model, own_weights(model, self.stored, lang)).eval(),
                last.use_aggregator,
                last.use_switcher,
            )
            for lang in self.stored.own
        }

    def examples(self, lang: str, limit: int, *, split: str = "train", seed: int = 0) -> list[Annotated]:
        """Return at most `limit` (0: all) of a language's sentences as examples, drawn by `seed`."""
        sentences = drawn(self.dev[lang] if split == "dev" else self.train[lang], limit, seed)
        return [example for example in map(self.maker, sentences) if example is not None]

    def targets(self, examples: Sequence[Annotated], rng: np.random.Generator) -> Targets:
        """Return the training targets of examples; `rng` draws the negative relations and pairs."""
        return targets_of(self.recipe, examples, rng)


MonolingualModels = dict[str, tuple[AnalysedRun, Network]]
"""Language -> a run, and that language's own model in it."""


def monolingual_models(run: AnalysedRun, path: str | Path) -> MonolingualModels:
    """Return the single-language models that another run has for languages of this one.

    Raises:
        UserError: it has none.
    """
    other = AnalysedRun.open(path)
    models = {lang: (other, net) for lang, net in other.language_networks().items() if lang in run.languages}
    if not models:
        raise UserError(
            f"{path}: no language of {run.path} has a model of its own in this run. --against takes runs with a "
            "stage that is per_language, or runs on one language."
        )
    return models


def one_model_per_language(runs: Sequence[MonolingualModels]) -> MonolingualModels:
    """Choose each language's model from one of several runs, in turn, so that neighbours come from different runs.

    Models of one run start from the same random weights; only models of different runs are independent.
    """
    chosen: MonolingualModels = {}
    for place, lang in enumerate(dict.fromkeys(lang for run in runs for lang in run)):
        with_lang = [run for run in runs if lang in run]
        chosen[lang] = with_lang[place % len(with_lang)][lang]
    return chosen
