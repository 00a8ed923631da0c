"""A training run from recipe to model folder, resumable at any moment to the same weights.

`train` is the whole of it: read the corpus, run the recipe's stages one after the other, keep the best weights of
each by dev score, calibrate, write the model. The files are RunFolder's (mere.training.folder).
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mere.config import Recipe
from mere.data.examples import ExampleMaker
from mere.data.sampling import spread
from mere.models.model import Model
from mere.models.predictor import Predictor
from mere.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from mere.training.costs import SwitcherSize
from mere.training.evaluation import Evaluation, evaluate_dev
from mere.training.folder import RunFolder
from mere.training.initialisation import first_model
from mere.training.loop import StageLoop
from mere.training.memory import told
from mere.training.out_of_memory import (
    advice_on_evaluation,
    advice_on_steps,
    advice_on_the_model,
    advice_on_writing,
    telling_what_to_turn,
)
from mere.training.parallel.processes import ALONE, Processes, joined, own_device
from mere.training.parallel.sharding import Sharding, sharded
from mere.training.progress import Listener, Silent, Talk
from mere.training.result import write_model
from mere.training.run_data import Material
from mere.training.source import TrainingData
from mere.training.stage_runs import Leg, LegWeights, batches_of, legs_of
from mere.training.text import TextData
from mere.training.tracking import JsonLines, TrackedRun, Tracker, Trackers, trackers_of
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
        device = own_device()
        is_sharded = recipe.sharding == "full" and processes.size > 1
        self.device = torch.device("cpu") if is_sharded else device  # where models are built
        trackers: dict[str, Tracker] = {}  # of several processes only the first is followed
        processes.by_first(lambda: trackers.update(trackers_of(recipe.tracking)))
        listener.say("reading the corpus")
        self.material = Material.read(recipe, processes)
        for note in self.material.notes:
            listener.say(note)
        if warning := processes.by_first(lambda: self._claim(resume)):
            listener.say(warning)
        self.folder.refuse_unseen()
        maker = ExampleMaker(self.material.pieces, self.material.labels)
        self.data = TrainingData(self.material.train, maker)
        self.text = TextData(self.material.text, maker) if self.material.text else None
        self.legs = legs_of(recipe, self.material.labels.languages)
        self.weights = LegWeights(self.folder, recipe, lambda: self._first_model().state_dict())
        self.model = self._first_model()
        self.sharding = Sharding({}, processes)
        if is_sharded:
            self.sharding = sharded(self.model, processes, device)
            listener.say(str(self.sharding))
        self.predictor = Predictor(
            self.model, maker, precision=recipe.precision, pieces_per_batch=recipe.dev_pieces_per_batch
        )
        self.progress = Progress()
        self._state: dict[str, torch.Tensor] | None = None
        if resume and self.folder.checkpoint.is_file():
            self._state, self.progress = load_checkpoint(self.folder.checkpoint)
        log = JsonLines(self.folder.log_file, self.progress.log_bytes) if processes.is_first else None
        self.tracker = Trackers(log, trackers, listener.say)

    def _first_model(self) -> Model:
        with telling_what_to_turn("the model", advice_on_the_model(self.recipe, self.device.type)):
            return first_model(self.recipe, self.material.labels, self.material.pieces, self.device)

    def _claim(self, resume: bool) -> str:
        material, size = self.material, self.processes.size
        return self.folder.claim(
            self.recipe, material.corpus, material.text, resume=resume, num_processes=size
        )

    def finish(self) -> Path:
        """Run every stage that is not done and write the model folder."""
        folder = self.folder.model
        if (folder / "config.json").is_file():
            self.listener.say(f"{folder} is finished")
            return folder
        run, result = self._tracked(), None
        self.tracker.start(run)
        if not run.since:
            self.tracker.file(self.folder.path / "recipe.yaml")
        try:
            self._announce()
            for number in range(self.progress.leg, len(self.legs)):
                leg = self.legs[number]
                with telling_what_to_turn(f"stage {leg.name}", advice_on_steps(self.recipe, leg.stage)):
                    self._run_leg(number, leg)
            advice = advice_on_writing(self.recipe, self.recipe.stages[-1])
            with telling_what_to_turn("writing the model", advice):
                result = self._write_model(folder)
        finally:
            self.tracker.finish(result)
        if self.processes.is_first:
            self.folder.checkpoint.unlink(missing_ok=True)
        self.listener.say(f"model written to {folder}")
        return folder

    def _announce(self) -> None:
        report = self.data.report.to_json()
        for task in self.recipe.task:
            shown = [f"{lang} {row['lost_' + task]} of {row[task]}" for lang, row in report.items()]
            if any(row["lost_" + task] for row in report.values()):
                self.listener.say(f"{task} that no tagging of the pieces can represent: {', '.join(shown)}")
        if len(self.material.labels.languages) == 1:
            self.listener.say("one language only: there is nothing to share, and concatenation has no effect")
        if any(stage.use_switcher for stage in self.recipe.stages):
            self.listener.say(str(SwitcherSize.of(self.model)))
        if self.progress.leg == 0 and self._state is None:
            self._log({"event": "alignment", "languages": self.data.report.to_json()})

    def _run_leg(self, number: int, leg: Leg) -> None:
        """Train a leg from where it stands, keep its best weights, and leave them behind."""
        stage = leg.stage
        source, limit = batches_of(leg, number, self.recipe, self.data, self.text)
        dev = [] if leg.learns_from_text else self.material.dev
        dev = [sentence for sentence in dev if leg.lang in (None, sentence.lang)]
        if number and self._state is None:
            self.sharding.load(self.model, self.weights.before(leg))
        if self._state is None:
            torch.manual_seed(self.recipe.seed + 1000 * (number + 1))
        if leg.learns_from_text:
            self.model.begin_text()
        loop = StageLoop(self.model, self.recipe, stage, source, limit, sharding=self.sharding)
        loop.spent = self.progress.seconds.get(leg.name, 0.0)
        if self._state is not None:
            loop.load_state(self._state)
            self._state = None
        else:
            self.progress = Progress(number, 0, self.progress.seconds, self.progress.steps)
            if (leg.can_extract or self.recipe.start) and dev and stage.evaluations:
                self._evaluate(leg, loop, dev)  # what the stage before left behind is the first candidate
            self._save(loop)
        if leg.lang in (None, self.material.labels.languages[0]):  # a stage's legs need about the same
            self.listener.say_at_work(lambda: told(loop))
        evaluations = stage.evaluations if dev else 0
        saved = loop.spent
        with self.listener.stage(leg.name, len(source), loop.step) as bar:
            for report in loop.run():
                bar.step(report)
                self._tick(leg, report.seconds)
                loop.spent = self.progress.seconds[leg.name]
                stop = limit.is_over(report.step, loop.spent)
                if report.step % LOG_EVERY == 0 or stop:
                    self._log({"event": "step", "stage": leg.name, **report.to_json()})
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
        loop.forget_gradients()
        self.progress.steps[leg.name] = loop.step
        if not evaluations:
            self.weights.keep(leg, loop, self.processes)
        loop.free()
        self.model.end_text()
        self.processes.by_first(lambda: self.weights.close(leg))
        if leg.lang is None:
            self.sharding.load(self.model, self.weights.after(leg))

    def _tick(self, leg: Leg, seconds: float) -> None:
        self.progress.seconds[leg.name] = self.progress.seconds.get(leg.name, 0.0) + seconds

    def _save(self, loop: StageLoop) -> None:
        def save() -> None:
            self.progress.log_bytes = self.folder.log_bytes()
            save_checkpoint(self.folder.checkpoint, state, self.progress)

        advice = advice_on_writing(self.recipe, loop.stage)
        with telling_what_to_turn(f"{loop.place}, writing the checkpoint", advice):
            state = loop.state()
            self.processes.by_first(save)

    def _tracked(self) -> TrackedRun:
        """Say which run it is; after a checkpoint, whatever was tracked since will be tracked again."""
        since = 0
        if self._state is not None:
            since = sum(self.progress.steps.values()) + int(self._state["step"]) + 1
        return TrackedRun(self.recipe.name, self.folder.path, self.recipe.model_dump(mode="json"), since)

    def _log(self, record: dict[str, Any]) -> None:
        """Track a record at its step of the whole run."""
        self.tracker.log(record, sum(self.progress.steps.values()) + record.get("step", 0))

    def _evaluate(self, leg: Leg, loop: StageLoop, dev: Sequence[Sentence]) -> Evaluation:
        """Score the weights that would be kept now on dev; keep them if they are the best of the leg."""
        stage = leg.stage
        advice = advice_on_evaluation(self.recipe)
        with telling_what_to_turn(f"{loop.place}, scoring dev", advice), loop.holding_weights():
            evaluation = evaluate_dev(
                self.predictor,
                self.recipe.task,
                spread(dev, stage.dev_limit),
                universal=not stage.use_switcher,
                sharding=self.sharding,
            )
        better = self.progress.best is None or evaluation.macro > self.progress.best
        self.progress.since_best = 0 if better else self.progress.since_best + 1
        if better:
            self.progress.best = evaluation.macro
            self.weights.keep(leg, loop, self.processes)
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

    def _write_model(self, folder: Path) -> dict[str, Any]:
        own = {leg.lang: self.weights.after(leg) for leg in self.legs if leg.lang is not None}
        if own:  # what they differ from is what each of them began with
            self.model.load_state_dict(self.weights.before(self.legs[-1]))
        result = write_model(
            folder,
            recipe=self.recipe,
            material=self.material,
            data=self.data,
            model=self.model,
            own=own,
            legs=self.legs,
            progress=self.progress,
            sharding=self.sharding,
        )
        for name in ("metrics.json", "README.md"):
            self.tracker.file(folder / name)
        return result
