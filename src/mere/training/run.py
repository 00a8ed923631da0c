"""A training run from recipe to model folder, resumable at any moment to the same weights.

`train` is the whole of it: read the corpus, run the recipe's stages one after the other, keep the best weights of
each by dev score, calibrate, write the model. The files are RunFolder's (mere.training.folder).
"""

from __future__ import annotations

import os
import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mere.config import DataSettings, Recipe, StageSettings
from mere.data.corpus import Corpus
from mere.data.coverage import join_corpora, refuse_unknown_types
from mere.data.examples import ExampleMaker, refuse_unreadable
from mere.data.pieces import fit_pieces
from mere.errors import DataError, ModelError
from mere.models.card import card
from mere.models.delta import changed, compact, specialised
from mere.models.folder import ModelFolder, read_tensors, write_tensors
from mere.models.model import Model, build
from mere.models.predictor import Predictor
from mere.quickstart.corpus import quickstart_corpus
from mere.schema import Labels
from mere.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from mere.training.costs import num_trained, stored_bytes
from mere.training.evaluation import Evaluation, evaluate_dev, is_annotated
from mere.training.folder import RunFolder
from mere.training.limits import Limit, share_of
from mere.training.loop import StageLoop, StepReport
from mere.training.processes import ALONE, Processes, joined, own_device, refuse_too_many
from mere.training.source import BatchSource, TrainingData
from mere.training.talk import Listener, Silent, Talk
from mere.types import Sentence

# oneDNN keeps a compiled kernel for every shape of batch that it has met: with its default of 1024 they hold
# more memory than the model, the data and the activations together. Read before the first kernel is made.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")

LOG_EVERY = 50
"""Steps between two lines of the log."""


def train(
    recipe: str | Path | Recipe,
    out: str | Path,
    overrides: Sequence[str] = (),
    *,
    resume: bool = False,
    talk: bool = True,
) -> Path:
    """Train what a recipe describes and return the folder of the model; with others that torchrun started, if any.

    Args:
        recipe: path of a recipe, or the recipe itself.
        out: the run folder; it must not hold another run.
        overrides: `key=value` settings on top of the recipe.
        resume: go on from the last checkpoint in `out`; a run that is finished is left as it is.
        talk: draw progress on stderr.

    Raises:
        ConfigError: the recipe is wrong, or is not the one that `out` was begun with.
        DataError: the corpus is wrong.
        TrainingError: the loss diverged or the disk is full; the last checkpoint is kept.
    """
    resolved = recipe if isinstance(recipe, Recipe) else Recipe.read(recipe, overrides)
    with joined() as processes:
        listener = Talk() if talk and processes.is_first else Silent()
        return Run(resolved, Path(out), resume=resume, listener=listener, processes=processes).finish()


def load_corpus(settings: DataSettings) -> Corpus:
    """Load the corpora of a recipe as one; an empty path is the quick-start corpus.

    Raises:
        DataError: a corpus is wrong, or has none of the languages.
        ConfigError: a type that the recipe maps does not occur.
    """
    paths = (settings.path,) if isinstance(settings.path, str) else settings.path
    corpora = [Corpus.load(path) if path else quickstart_corpus() for path in paths]
    refuse_unknown_types(corpora, settings.types)
    corpus = join_corpora(corpora, settings.types)
    return corpus if settings.languages is None else corpus.only(settings.languages)


def drawn(sentences: Sequence[Sentence], limit: int, seed: int) -> Sequence[Sentence]:
    """Return `limit` sentences of each language, drawn by `seed`; a larger draw of a seed holds the smaller."""
    if not limit:
        return sentences
    kept: list[int] = []
    by_lang: dict[str, list[int]] = {}
    for index, sentence in enumerate(sentences):
        by_lang.setdefault(sentence.lang, []).append(index)
    for rows in by_lang.values():
        kept += np.random.default_rng(seed).permutation(rows)[:limit].tolist()
    return [sentences[index] for index in sorted(kept)]


def labels_of(recipe: Recipe, sentences: Sequence[Sentence]) -> Labels:
    """Return what a model of the recipe's tasks can name after training on `sentences`.

    Raises:
        DataError: there is nothing to learn for a task.
    """
    found = Labels.from_sentences(sentences)
    covered = {t for s in sentences if s.complete for t in s.types_covered or ()}
    types = tuple(sorted(covered)) if "entities" in recipe.task else ()
    relations = found.relations if "triples" in recipe.task else ()
    where = f"{recipe.data.where}: "
    if "triples" in recipe.task and not relations:
        raise DataError(
            f"{where}no triple in the split {recipe.data.train_split}, so there is nothing to learn. "
            f"Run: mere check {recipe.data.where}"
        )
    if "entities" in recipe.task and not types:
        raise DataError(
            f"{where}no source whose entities all have types in the split {recipe.data.train_split}, so there is "
            "nothing to learn for the task entities. Map mentions without a type: data.types={'*': ENTITY}."
        )
    return Labels(relations, types, found.languages)


@dataclass(frozen=True)
class Leg:
    """A stage as it is run: for all languages together, or one leg for each."""

    index: int
    stage: StageSettings
    lang: str | None

    @property
    def name(self) -> str:
        return self.stage.name if self.lang is None else f"{self.stage.name}.{self.lang}"


class Run:
    """One run folder and what trains in it; of several processes the first writes, and all read."""

    def __init__(
        self, recipe: Recipe, out: Path, *, resume: bool, listener: Listener, processes: Processes = ALONE
    ):
        self.recipe = recipe
        self.folder = RunFolder(out)
        self.listener = listener
        self.processes = processes
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        self.device = own_device()
        listener.say("reading the corpus")
        self.corpus = load_corpus(recipe.data)
        train_sentences = drawn(
            self.corpus.sentences(recipe.data.train_split), recipe.data.limit, recipe.seed
        )
        refuse_too_many(processes, len(train_sentences))
        self.labels = labels_of(recipe, train_sentences)
        self.dev = self._dev_sentences()
        pieces = fit_pieces(recipe.encoder, train_sentences)
        refuse_unreadable(train_sentences, pieces)
        refuse_unreadable(self.dev, pieces)
        if warning := processes.by_first(lambda: self._claim(resume)):
            listener.say(warning)
        self.folder.refuse_unseen()
        self.maker = ExampleMaker(pieces, self.labels)
        self.data = TrainingData(train_sentences, self.maker)
        self.legs = [
            Leg(index, stage, lang)
            for index, stage in enumerate(recipe.stages)
            for lang in (self.labels.languages if stage.per_language else (None,))
        ]
        self.model = self._new_model()
        self.predictor = Predictor(self.model, self.maker, precision=recipe.precision)
        self.progress = Progress()
        self._state: dict[str, torch.Tensor] | None = None
        if resume and self.folder.checkpoint.is_file():
            self._state, self.progress = load_checkpoint(self.folder.checkpoint)
            if processes.is_first:
                self.folder.cut_log(self.progress.log_bytes)

    def _claim(self, resume: bool) -> str:
        return self.folder.claim(self.recipe, self.corpus, resume=resume, num_processes=self.processes.size)

    def finish(self) -> Path:
        """Run every stage that is not done and write the model folder."""
        folder = self.folder.model
        if (folder / "config.json").is_file():
            self.listener.say(f"{folder} is finished")
            return folder
        self._announce()
        for number in range(self.progress.leg, len(self.legs)):
            self._run_leg(number, self.legs[number])
        self._write_model(folder)
        if self.processes.is_first:
            self.folder.checkpoint.unlink(missing_ok=True)
        self.listener.say(f"model written to {folder}")
        return folder

    def _dev_sentences(self) -> tuple[Sentence, ...]:
        split = self.recipe.data.dev_split
        optional = split == DataSettings().dev_split  # a split that was asked for by name must be there
        dev = () if optional and split not in self.corpus.splits else self.corpus.sentences(split)
        scored = tuple(sentence for sentence in dev if is_annotated(sentence, self.recipe.task))
        if not scored:
            why = (
                f'nothing in the split "{split}" is annotated for the task' if dev else f'no split "{split}"'
            )
            self.listener.say(f"{why}: the last weights are kept and thresholds stay at their default")
        return scored

    def _announce(self) -> None:
        report = self.data.report.to_json()
        for task in self.recipe.task:
            shown = [f"{lang} {row['lost_' + task]} of {row[task]}" for lang, row in report.items()]
            if any(row["lost_" + task] for row in report.values()):
                self.listener.say(f"{task} that no tagging of the pieces can represent: {', '.join(shown)}")
        if len(self.labels.languages) == 1:
            self.listener.say("one language only: there is nothing to share, and concatenation has no effect")
        if self.progress.leg == 0 and self._state is None:
            self._log({"event": "alignment", "languages": self.data.report.to_json()})

    def _run_leg(self, number: int, leg: Leg) -> None:
        stage = leg.stage
        sizes = Counter(sentence.lang for sentence in self.data.sentences)
        steps, seconds = share_of(stage, sizes, leg.lang)
        source = BatchSource(
            self.data if leg.lang is None else self.data.only(leg.lang),
            recipe=self.recipe,
            sampling=stage.sampling,
            epochs=stage.epochs,
            seed=[self.recipe.seed, number],
            steps=steps,
            is_endless=bool(seconds),
        )
        limit = Limit(len(source), seconds)
        dev = [sentence for sentence in self.dev if leg.lang in (None, sentence.lang)]
        if number and self._state is None:
            self.model.load_state_dict(self._before(leg))
        if self._state is None:
            torch.manual_seed(self.recipe.seed + 1000 * (number + 1))
        loop = StageLoop(self.model, self.recipe, stage, source, limit, processes=self.processes)
        loop.spent = self.progress.seconds.get(leg.name, 0.0)
        if self._state is not None:
            loop.load_state(self._state)
            self._state = None
        else:
            self.progress = Progress(number, 0, self.progress.seconds, self.progress.steps)
            if (leg.index or self.recipe.start) and dev and stage.evaluations:
                self._evaluate(leg, loop, dev)  # what the stage before left behind is the first candidate
            self._save(loop)
        evaluations = stage.evaluations if dev else 0
        saved = loop.spent
        with self.listener.stage(leg.name, len(source), loop.step) as bar:
            for report in loop.run():
                bar.step(report)
                self._tick(leg, report.seconds)
                loop.spent = self.progress.seconds[leg.name]
                stop = limit.is_over(report.step, loop.spent)
                if report.step % LOG_EVERY == 0 or stop:
                    self._log({"event": "step", "stage": leg.name, **_rounded(report)})
                    if (conflict := loop.take_conflict()) is not None:
                        self._log({"event": "conflict", "stage": leg.name, "step": report.step, **conflict})
                if limit.evaluates(report.step, loop.spent, report.seconds, evaluations):
                    began = time.perf_counter()
                    evaluation = self._evaluate(leg, loop, dev)
                    self._tick(leg, self.processes.agree(time.perf_counter() - began))
                    loop.spent = self.progress.seconds[leg.name]
                    bar.evaluated(evaluation.macro)
                    stop |= bool(stage.patience) and self.progress.since_best >= stage.patience
                if stop:
                    break
                if loop.spent - saved >= 60 * self.recipe.checkpoint_minutes:
                    self._save(loop)
                    saved = loop.spent
        self.progress.steps[leg.name] = loop.step
        if not evaluations:
            self._keep(leg, loop)
        self.processes.by_first(lambda: self._end(leg))
        if leg.lang is None:
            self.model.load_state_dict(read_tensors(self.folder.weights(leg.name)))

    def _end(self, leg: Leg) -> None:
        """Let the best weights of a leg be what it leaves behind."""
        best, final = self.folder.candidate(leg.name), self.folder.weights(leg.name)
        if best.is_file():  # else this leg was finished before, and `final` is what it left
            if leg.lang is not None:
                write_tensors(final, compact(self._before(leg), read_tensors(best)))
                best.unlink()
            else:
                best.replace(final)

    def _keep(self, leg: Leg, loop: StageLoop) -> None:
        """Keep what a leg has come to: all weights, or how those of its language differ."""
        kept = loop.weights() if leg.lang is None else loop.delta()
        self.processes.by_first(lambda: write_tensors(self.folder.candidate(leg.name), kept))

    def _before(self, leg: Leg) -> dict[str, torch.Tensor]:
        """Return the weights that a leg starts from: those of the stage before, or of the run's beginning."""
        if leg.index:
            return read_tensors(self.folder.weights(self.recipe.stages[leg.index - 1].name))
        return self._new_model().state_dict()

    def _new_model(self) -> Model:
        torch.manual_seed(self.recipe.seed)
        model = build(self.recipe, self.labels, self.maker.pieces)
        model.start()
        model = model.to(self.device)
        if self.recipe.start:
            start_from(model, Path(self.recipe.start))
        return model

    def _tick(self, leg: Leg, seconds: float) -> None:
        self.progress.seconds[leg.name] = self.progress.seconds.get(leg.name, 0.0) + seconds

    def _save(self, loop: StageLoop) -> None:
        def save() -> None:
            self.progress.log_bytes = self.folder.log_bytes()
            save_checkpoint(self.folder.checkpoint, loop.state(), self.progress)

        self.processes.by_first(save)

    def _log(self, record: dict[str, Any]) -> None:
        if self.processes.is_first:
            self.folder.log(record)

    def _score(self, predictor: Predictor, sentences: Sequence[Sentence], *, universal: bool) -> Evaluation:
        return evaluate_dev(
            predictor, self.recipe.task, sentences, universal=universal, processes=self.processes
        )

    def _evaluate(self, leg: Leg, loop: StageLoop, dev: Sequence[Sentence]) -> Evaluation:
        """Score the weights that would be kept now on dev; keep them if they are the best of the leg."""
        stage = leg.stage
        trained = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        weights = {name: tensor.clone() for name, tensor in loop.weights().items()}
        self.model.load_state_dict(weights)
        some = _first_per_language(dev, stage.dev_limit)
        evaluation = self._score(self.predictor, some, universal=not stage.use_switcher)
        self.model.load_state_dict(trained)
        better = self.progress.best is None or evaluation.macro > self.progress.best
        self.progress.since_best = 0 if better else self.progress.since_best + 1
        if better:
            self.progress.best = evaluation.macro
            self._keep(leg, loop)
        self._log(
            {
                "event": "evaluation",
                "stage": leg.name,
                "step": loop.step,
                **evaluation.to_json(),
                "best": better,
            }
        )
        return evaluation

    def _write_model(self, folder: Path) -> None:
        """Calibrate on all of dev, by the switchers and by the universal path, and write the folder."""
        last = self.recipe.stages[-1]
        own = self._own_weights() if last.per_language else {}
        specialists = {
            lang: specialised(self.model, changed(self.model.state_dict(), delta))
            for lang, delta in own.items()
        }
        predictor = Predictor(self.model, self.maker, own=specialists, precision=self.recipe.precision)
        by_language = last.use_switcher or last.per_language
        thresholds, metrics = {"": predictor.thresholds[""]}, {}
        if self.dev:
            final = self._score(predictor, self.dev, universal=not by_language)
            thresholds = dict(final.thresholds)
            metrics = {"dev": final.to_json()}
            if by_language:
                universal = self._score(predictor, self.dev, universal=True)
                thresholds[""] = universal.thresholds[""]
                metrics["dev, universal path"] = universal.to_json()
        costs = {
            "seconds": {name: round(value, 1) for name, value in self.progress.seconds.items()},
            "steps": self.progress.steps,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "trained": {leg.name: num_trained(self.model, leg.stage) for leg in self.legs},
            **stored_bytes(self.model, own),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "threads": torch.get_num_threads(),
        }
        record = {**metrics, "costs": costs, "alignment": self.data.report.to_json()}
        self.processes.by_first(
            lambda: ModelFolder.write(
                folder,
                model=self.model,
                recipe=self.recipe,
                labels=self.labels,
                pieces=self.maker.pieces,
                thresholds=thresholds,
                metrics=record,
                card=card(self.recipe, self.labels, self.corpus.sizes(), self.corpus.fingerprint(), record),
                own=own,
            )
        )

    def _own_weights(self) -> dict[str, dict[str, torch.Tensor]]:
        """Put the shared weights back into the model; return how each language's differ from them."""
        legs = [leg for leg in self.legs if leg.lang is not None]
        self.model.load_state_dict(self._before(legs[0]))
        return {leg.lang: read_tensors(self.folder.weights(leg.name)) for leg in legs if leg.lang is not None}


def start_from(model: Model, path: Path) -> None:
    """Load the weights of another run, strictly, but for the switcher: each run may have its own or none.

    Raises:
        ModelError: the file is missing or cut short, or holds the weights of another architecture or labels.
    """
    weights = read_tensors(path)
    own = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("switcher.")}
    shared = {name: tensor for name, tensor in weights.items() if not name.startswith("switcher.")}
    wrong = [
        n
        for n in own.keys() | shared.keys()
        if n not in own or n not in shared or own[n].shape != shared[n].shape
    ]
    if wrong:
        raise ModelError(
            f"{path}: these weights are of another model ({len(wrong)} names or shapes differ, first {min(wrong)}). "
            "Start from a run with the same encoder, aggregator, heads and relations."
        )
    model.load_state_dict(shared, strict=False)


def _rounded(report: StepReport) -> dict[str, Any]:
    record = asdict(report) | {"losses": {name: round(loss, 5) for name, loss in report.losses.items()}}
    del record["seconds"]
    return record | {"epoch": round(report.epoch, 3), "gradient_norm": round(report.gradient_norm, 4)}


def _first_per_language(sentences: Sequence[Sentence], limit: int) -> list[Sentence]:
    """An even sample of at most `limit` sentences of each language; 0 takes all."""
    by_lang: dict[str, list[Sentence]] = {}
    for sentence in sentences:
        by_lang.setdefault(sentence.lang, []).append(sentence)
    chosen: list[Sentence] = []
    for members in by_lang.values():
        size = min(limit or len(members), len(members))
        chosen += [members[i * len(members) // size] for i in range(size)]
    return chosen
