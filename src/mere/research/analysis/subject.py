"""What is analysed: a finished run, its sentences, and its models as each stage left and used them."""

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
from mere.models.model import Model, build
from mere.models.tensors import TensorBatch, to_tensors
from mere.store.delta import specialised
from mere.store.folder import ModelFolder, read_tensors
from mere.training.folder import RunFolder
from mere.types import Sentence

CPU = torch.device("cpu")
START = "start"
"""The name of the weights that a run begins with, among its shared stages."""


@dataclass(frozen=True)
class Network:
    """A model, and which of its boxes the stage that left it there used."""

    name: str
    model: Model
    use_aggregator: bool
    use_switcher: bool

    def batch(self, examples: Sequence[Annotated]) -> TensorBatch:
        """Return sentences that stand alone (no group), by the path of the stage."""
        batch = to_tensors(collate(examples), CPU)
        lang_id = batch.lang_id if self.use_switcher else torch.zeros_like(batch.lang_id)
        return dataclasses.replace(batch, group_size=int(self.use_aggregator), lang_id=lang_id)


@dataclass(frozen=True)
class Subject:
    """A run that is finished.

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
    def open(cls, run: str | Path) -> Subject:
        """Open a run folder.

        Raises:
            ModelError: it has no finished model.
            DataError: its corpus is no longer there.
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
        """The stages that all languages share; "start" where the run begins with weights that another run shared.

        What learns from text alone cannot extract yet, and is none of them.
        """
        learned = [stage for stage in self.recipe.stages if not stage.learns_from_text]
        stages = [stage for stage in learned if not stage.per_language]
        if stages or not self.recipe.start:
            return stages
        given = {"name": START, "per_language": False, "lora": 0}
        return [self.recipe.stages[0].model_copy(update=given)]

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
                f"{self.path}: no stage of this run is shared by all languages, so there is no transfer to look "
                "for in it. Analyse a run that has one, and give this one with --against."
            )
        if name is not None:
            return stages[name]
        plain = [stage for stage in stages.values() if not stage.use_switcher]
        return (plain or list(stages.values()))[-1]

    def network(self, stage: StageSettings) -> Network:
        """Return the model that a shared stage left."""
        model = build(self.recipe, self.stored.labels, self.stored.pieces)
        if all(own.per_language for own in self.recipe.stages):
            self.stored.load_weights(model)  # what the languages began with
        else:
            model.load_state_dict(read_tensors(RunFolder(self.path).weights(stage.name)), strict=True)
        return Network(stage.name, model.eval(), stage.use_aggregator, stage.use_switcher)

    def own_networks(self) -> dict[str, Network]:
        """Return the model of each language that has one of its own; of a run on one language, that run's."""
        last = self.recipe.stages[-1]
        model = build(self.recipe, self.stored.labels, self.stored.pieces)
        self.stored.load_weights(model)
        model.eval()
        if len(self.languages) == 1 and not self.stored.own:
            return {self.languages[0]: Network(last.name, model, last.use_aggregator, last.use_switcher)}
        return {
            lang: Network(
                last.name,
                specialised(model, self.stored.own_weights(model, lang)).eval(),
                last.use_aggregator,
                last.use_switcher,
            )
            for lang in self.stored.own
        }

    def examples(self, lang: str, limit: int, *, split: str = "train", seed: int = 0) -> list[Annotated]:
        """Return at most `limit` of a language's sentences as examples (0: all), drawn by `seed`."""
        sentences = drawn(self.dev[lang] if split == "dev" else self.train[lang], limit, seed)
        return [example for example in map(self.maker, sentences) if example is not None]

    def targets(self, examples: Sequence[Annotated], rng: np.random.Generator) -> Targets:
        """Return what the examples teach, as in training; `rng` draws the wrong relations and pairs."""
        return targets_of(self.recipe, examples, rng)


Alone = dict[str, tuple[Subject, Network]]
"""Language -> a run, and the model of its own that the language has there."""


def own_models(subject: Subject, path: str | Path) -> Alone:
    """Return the models of their own that another run has for languages of this one.

    Raises:
        UserError: it has none.
    """
    other = Subject.open(path)
    found = {lang: (other, own) for lang, own in other.own_networks().items() if lang in subject.languages}
    if not found:
        raise UserError(
            f"{path}: no language of {subject.path} has a model of its own in this run. --against takes runs "
            "with a stage that is per_language, or on one language."
        )
    return found


def spread(runs: Sequence[Alone]) -> Alone:
    """Take each language's model from one of several runs, neighbours from unlike ones where runs have the same.

    Models of one run begin with the same random weights, so only those of unlike runs are independent.
    """
    chosen: Alone = {}
    for place, lang in enumerate(dict.fromkeys(lang for run in runs for lang in run)):
        having = [run for run in runs if lang in run]
        chosen[lang] = having[place % len(having)][lang]
    return chosen
