"""A training run from recipe to model folder, resumable at any moment to the same weights.

`train` is the whole of it: read the corpus, run the recipe's stages one after the other, keep the best weights of
each by dev score, calibrate, write the model. The files are RunFolder's (mere.training.folder).
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mere.config import DataSettings, Recipe, StageSettings
from mere.data.corpus import Corpus
from mere.data.examples import ExampleMaker, refuse_unreadable
from mere.data.features import Features
from mere.data.units import Units
from mere.errors import DataError, ModelError
from mere.models.card import card
from mere.models.folder import ModelFolder, read_tensors, write_tensors
from mere.models.predictor import TriplePredictor
from mere.models.triples import TripleModel, build
from mere.quickstart.corpus import quickstart_corpus
from mere.schema import Labels
from mere.training.calibrate import calibrate, predict_dev
from mere.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from mere.training.folder import RunFolder
from mere.training.loop import StageLoop, StepReport
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
    """Train what a recipe describes and return the folder of the model.

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
    return Run(resolved, Path(out), resume=resume, listener=Talk() if talk else Silent()).finish()


def load_corpus(settings: DataSettings) -> Corpus:
    """Load the corpus of a recipe; an empty path is the quick-start corpus."""
    if not settings.path:
        corpus = quickstart_corpus()
        return corpus if settings.languages is None else corpus.only(settings.languages)
    return Corpus.load(settings.path, languages=settings.languages)


@dataclass
class Evaluation:
    """What an evaluation on dev found: strict triple F1 per language at the thresholds that it calibrated."""

    thresholds: dict[str, float]
    f1: dict[str, float]

    @property
    def macro(self) -> float:
        return float(np.mean(list(self.f1.values())))


class Run:
    """One run folder and what trains in it."""

    def __init__(self, recipe: Recipe, out: Path, *, resume: bool, listener: Listener):
        self.recipe = recipe
        self.folder = RunFolder(out)
        self.listener = listener
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        listener.say("reading the corpus")
        self.corpus = load_corpus(recipe.data)
        train_sentences = self.corpus.sentences(recipe.data.train_split)
        found = Labels.from_sentences(train_sentences)
        self.labels = Labels(found.relations, (), found.languages)  # this task predicts no entity types
        if not self.labels.relations:
            raise DataError(
                f"{recipe.data.path or 'the corpus'}: no triple in the split {recipe.data.train_split}, so "
                f"there is nothing to learn. Run: mere check {recipe.data.path}"
            )
        self.dev = self._dev_sentences()
        units = Units.fit(train_sentences)
        refuse_unreadable(train_sentences, units)
        refuse_unreadable(self.dev, units)
        if warning := self.folder.claim(recipe, self.corpus, resume=resume):
            listener.say(warning)
        features = Features.fit(
            (sentence.text for sentence in train_sentences),
            units,
            rows=recipe.encoder.rows,
            min_count=recipe.encoder.min_count,
        )
        self.maker = ExampleMaker(units, features, self.labels)
        self.data = TrainingData(train_sentences, self.maker)
        torch.manual_seed(recipe.seed)
        self.model: TripleModel = build(recipe, self.labels).to(self.device)
        if recipe.start:
            start_from(self.model, Path(recipe.start))
        self.predictor = TriplePredictor(
            self.model, self.maker, candidates=recipe.triples.candidates, precision=recipe.precision
        )
        self.progress = Progress()
        self._state: dict[str, torch.Tensor] | None = None
        if resume and self.folder.checkpoint.is_file():
            self._state, self.progress = load_checkpoint(self.folder.checkpoint)
            self.folder.cut_log(self.progress.log_bytes)

    def finish(self) -> Path:
        """Run every stage that is not done and write the model folder."""
        folder = self.folder.model
        if (folder / "config.json").is_file():
            self.listener.say(f"{folder} is finished")
            return folder
        self._announce()
        for index in range(self.progress.stage, len(self.recipe.stages)):
            self._run_stage(index, self.recipe.stages[index])
        self._write_model(folder)
        self.folder.checkpoint.unlink(missing_ok=True)
        self.listener.say(f"model written to {folder}")
        return folder

    def _dev_sentences(self) -> tuple[Sentence, ...]:
        split = self.recipe.data.dev_split
        optional = split == DataSettings().dev_split  # a split that was asked for by name must be there
        dev = () if optional and split not in self.corpus.splits else self.corpus.sentences(split)
        if not dev:
            self.listener.say(
                f'no split "{split}": the last weights are kept and thresholds stay at their default'
            )
        return dev

    def _announce(self) -> None:
        lost = {lang: row for lang, row in self.data.report.to_json().items() if row["lost"]}
        if lost:
            shown = ", ".join(f"{lang} {row['lost']} of {row['triples']}" for lang, row in lost.items())
            self.listener.say(f"triples that no cut into units can represent: {shown}")
        if len(self.labels.languages) == 1:
            self.listener.say("one language only: there is nothing to share, and concatenation has no effect")
        if self.progress.stage == 0 and self._state is None:
            self.folder.log({"event": "alignment", "languages": self.data.report.to_json()})

    def _run_stage(self, index: int, stage: StageSettings) -> None:
        source = BatchSource(
            self.data,
            sampling=stage.sampling,
            task=self.recipe.triples,
            epochs=stage.epochs,
            seed=[self.recipe.seed, index],
        )
        if index and self._state is None:
            self.model.load_state_dict(read_tensors(self.folder.weights(self.recipe.stages[index - 1].name)))
        if self._state is None:
            torch.manual_seed(self.recipe.seed + 1000 * (index + 1))
        loop = StageLoop(self.model, self.recipe, stage, source)
        if self._state is not None:
            loop.load_state(self._state)
            self._state = None
        else:
            self.progress = Progress(index, 0, self.progress.seconds, self.progress.steps)
            if index and self.dev and stage.evaluations:
                self._evaluate(loop)  # what the stage before left behind is the first candidate
            self._save(loop)
        evaluate_at = {
            max(1, round(len(source) * (i + 1) / stage.evaluations))
            for i in range(stage.evaluations if self.dev else 0)
        }
        saved = time.monotonic()
        with self.listener.stage(stage.name, len(source), loop.step) as bar:
            for report in loop.run():
                bar.step(report)
                self._tick(stage, report.seconds)
                if report.step % LOG_EVERY == 0 or report.step == len(source):
                    self.folder.log({"event": "step", "stage": stage.name, **_rounded(report)})
                stop = False
                if report.step in evaluate_at:
                    began = time.perf_counter()
                    evaluation = self._evaluate(loop)
                    self._tick(stage, time.perf_counter() - began)
                    bar.evaluated(evaluation.macro)
                    stop = bool(stage.patience) and self.progress.since_best >= stage.patience
                if stop or report.step == len(source):
                    break
                if time.monotonic() - saved >= 60 * self.recipe.checkpoint_minutes:
                    self._save(loop)
                    saved = time.monotonic()
        self.progress.steps[stage.name] = loop.step
        best, final = self.folder.candidate(stage.name), self.folder.weights(stage.name)
        if not evaluate_at:
            write_tensors(best, loop.weights())
        if best.is_file():  # else this stage was finished before, and `final` is what it left
            best.replace(final)
        self.model.load_state_dict(read_tensors(final))

    def _tick(self, stage: StageSettings, seconds: float) -> None:
        self.progress.seconds[stage.name] = self.progress.seconds.get(stage.name, 0.0) + seconds

    def _save(self, loop: StageLoop) -> None:
        self.progress.log_bytes = self.folder.log_bytes()
        save_checkpoint(self.folder.checkpoint, loop.state(), self.progress)

    def _evaluate(self, loop: StageLoop) -> Evaluation:
        """Score the weights that would be kept now on dev; keep them if they are the best of the stage."""
        stage = loop.stage
        trained = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        weights = {name: tensor.clone() for name, tensor in loop.weights().items()}
        self.model.load_state_dict(weights)
        some = _first_per_language(self.dev, stage.dev_limit)
        evaluation = Evaluation(
            *calibrate(some, predict_dev(self.predictor, some, universal=not stage.use_switcher))
        )
        self.model.load_state_dict(trained)
        better = self.progress.best is None or evaluation.macro > self.progress.best
        self.progress.since_best = 0 if better else self.progress.since_best + 1
        if better:
            self.progress.best = evaluation.macro
            write_tensors(self.folder.candidate(stage.name), weights)
        self.folder.log(
            {
                "event": "evaluation",
                "stage": stage.name,
                "step": loop.step,
                "triple_f1/strict": {**_percent(evaluation.f1), "macro": round(100 * evaluation.macro, 2)},
                "best": better,
            }
        )
        return evaluation

    def _write_model(self, folder: Path) -> None:
        """Calibrate on all of dev, by the switchers and by the universal path, and write the folder."""
        switched = self.recipe.stages[-1].use_switcher
        thresholds, metrics = {"": self.predictor.thresholds[""]}, {}
        if self.dev:
            final = Evaluation(
                *calibrate(self.dev, predict_dev(self.predictor, self.dev, universal=not switched))
            )
            thresholds = final.thresholds
            metrics = {
                "dev": {"triple_f1/strict": {**_percent(final.f1), "macro": round(100 * final.macro, 2)}}
            }
            if switched:
                universal = calibrate(self.dev, predict_dev(self.predictor, self.dev, universal=True))
                thresholds[""] = universal[0][""]
                metrics["dev, universal path"] = {"triple_f1/strict": _percent(universal[1])}
        costs = {
            "seconds": {name: round(value, 1) for name, value in self.progress.seconds.items()},
            "steps": self.progress.steps,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "threads": torch.get_num_threads(),
        }
        record = {**metrics, "costs": costs, "alignment": self.data.report.to_json()}
        ModelFolder.write(
            folder,
            model=self.model,
            recipe=self.recipe,
            labels=self.labels,
            units=self.maker.units,
            known=self.maker.features.known,
            thresholds=thresholds,
            metrics=record,
            card=card(self.recipe, self.labels, self.corpus.sizes(), self.corpus.fingerprint(), record),
        )


def start_from(model: TripleModel, path: Path) -> None:
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


def _percent(f1: dict[str, float]) -> dict[str, float]:
    return {lang: round(100 * value, 2) for lang, value in f1.items()}


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
