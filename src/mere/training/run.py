"""A training run from recipe to model folder, resumable at any moment to the same weights.

`train` is the whole of it: read the corpus, run the recipe's stages one after the other, keep the best weights of
each by dev score, calibrate, write the model. The files are RunFolder's (mere.training.folder).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import mere.environment
from mere.config import Recipe
from mere.data.examples import ExampleMaker
from mere.data.sampling import evenly_spaced
from mere.models.backend import predictor_of
from mere.models.model import Model
from mere.training.checkpoint import RunProgress, load_checkpoint, save_checkpoint
from mere.training.costs import num_trained, switcher_size
from mere.training.duration import Duration
from mere.training.evaluation import Evaluation, evaluate_dev
from mere.training.folder import RunFolder
from mere.training.hardware import choose_device, choose_threads, resolve
from mere.training.initialisation import initial_model
from mere.training.loop import StageLoop
from mere.training.out_of_memory import advice, reporting_out_of_memory
from mere.training.parallel.processes import ONE_PROCESS, Processes, join_processes
from mere.training.parallel.sharding import shard_encoder
from mere.training.progress import Bar, Listener, ProgressBars
from mere.training.result import write_model
from mere.training.run_data import RunData
from mere.training.source import TrainingData
from mere.training.stage_runs import StageRun, StageRunWeights, batches_of, stage_runs_of
from mere.training.text import TextData
from mere.training.tracking import JsonLines, TrackedRun, Tracker, Trackers, trackers_of
from mere.types import Sentence

LOG_EVERY = 50
"""Steps between two lines of the log."""


def train(
    recipe: str | Path | Recipe,
    out: str | Path,
    overrides: Sequence[str] = (),
    *,
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Train what a recipe describes and return the folder of the model; with others that torchrun started, if any.

    Args:
        recipe: path of a recipe, or the recipe itself.
        out: the run folder; it must not hold another run.
        overrides: `key=value` settings on top of the recipe.
        resume: continue from the last checkpoint in `out`; a run that is finished is left as it is.
        progress: draw progress bars on stderr.

    Raises:
        ConfigError: the recipe is wrong, or is not the one that `out` was begun with.
        DataError: the corpus is wrong.
        TrainingError: the loss diverged or the disk is full; the last checkpoint is kept.
    """
    mere.environment.prepare()
    mere.environment.keep_freed_memory()
    resolved = recipe if isinstance(recipe, Recipe) else Recipe.read(recipe, overrides)
    with join_processes() as processes:
        listener = ProgressBars() if progress and processes.is_first else Listener()
        return Run(resolved, Path(out), resume=resume, listener=listener, processes=processes).finish()


class Run:
    """One run folder and what trains in it; of several processes the first writes, and all read."""

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        *,
        resume: bool,
        listener: Listener,
        processes: Processes = ONE_PROCESS,
    ):
        device = choose_device(recipe.device)
        self.recipe = recipe = resolve(recipe, device, out)
        self.folder = RunFolder(out)
        self.listener = listener
        self.processes = processes
        torch.set_num_threads(choose_threads(recipe))
        is_sharded = recipe.sharding == "full" and processes.size > 1
        self.device = torch.device("cpu") if is_sharded else device  # where models are built
        trackers: dict[str, Tracker] = {}  # of several processes only the first is followed
        processes.by_first(lambda: trackers.update(trackers_of(recipe.tracking)))
        listener.say("reading the corpus")
        self.run_data = RunData.read(recipe, processes)
        for note in self.run_data.notes:
            listener.say(note)
        if warning := processes.by_first(lambda: self._claim(resume)):
            listener.say(warning)
        self.folder.check_visible()
        maker = ExampleMaker(self.run_data.pieces, self.run_data.labels)
        self.data = TrainingData(self.run_data.train, maker)
        self.text = TextData(self.run_data.text, maker) if self.run_data.text else None
        self.stage_runs = stage_runs_of(recipe, self.run_data.labels.languages)
        self.weights = StageRunWeights(self.folder, recipe, lambda: self._initial_model().state_dict())
        with reporting_out_of_memory("the model", advice(recipe, recipe.stages[0])):
            self.model = self._initial_model()
        self.model.limits = self.data.fit(self.model.limits, recipe.entities)
        if is_sharded:
            self.processes = shard_encoder(self.model, processes, device)
            listener.say(str(self.processes))
        self.predictor = predictor_of(
            self.model, maker, precision=recipe.precision, pieces_per_batch=recipe.dev_pieces_per_batch
        )
        self.progress = RunProgress()
        self._state: dict[str, torch.Tensor] | None = None
        if resume and self.folder.checkpoint.is_file():
            self._state, self.progress = load_checkpoint(self.folder.checkpoint)
        log = JsonLines(self.folder.log_file, self.progress.log_bytes) if processes.is_first else None
        self.tracker = Trackers(log, trackers, listener.say)

    def _initial_model(self) -> Model:
        return initial_model(self.recipe, self.run_data.labels, self.run_data.pieces, self.device)

    def _claim(self, resume: bool) -> str:
        data = self.run_data
        return self.folder.claim(
            self.recipe, data.corpus, data.text, resume=resume, num_processes=self.processes.size
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
            for number in range(self.progress.stage_run, len(self.stage_runs)):
                stage_run = self.stage_runs[number]
                with reporting_out_of_memory(f"stage {stage_run.name}", advice(self.recipe, stage_run.stage)):
                    self._run_stage(number, stage_run)
            with reporting_out_of_memory("writing the model", advice(self.recipe, self.recipe.stages[-1])):
                result = self._write_model()
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
        if len(self.run_data.labels.languages) == 1:
            self.listener.say("one language only: there is nothing to share, and concatenation has no effect")
        if any(stage.use_switcher for stage in self.recipe.stages):
            words = "a language's switcher has {parameters:,} parameters, {of_encoder:.2%} of the encoder's"
            self.listener.say(words.format(**switcher_size(self.model)))
        if self.progress.stage_run == 0 and self._state is None:
            self._log({"event": "alignment", "languages": self.data.report.to_json()})

    def _run_stage(self, number: int, stage_run: StageRun) -> None:
        """Train a stage run from where it stands, keep its best weights, and leave them behind."""
        stage = stage_run.stage
        dev = [] if stage.learns_from_text else self.run_data.dev
        dev = [sentence for sentence in dev if stage_run.lang in (None, sentence.lang)]
        loop, duration = self._begin(number, stage_run, dev)
        evaluations = stage.evaluations if dev else 0
        with self.listener.stage(stage_run.name, duration.steps, loop.step) as bar:
            self._train(stage_run, loop, duration, dev if evaluations else [], bar)
        loop.forget_gradients()
        self.progress.steps[stage_run.name] = loop.step
        if not evaluations:
            self.weights.keep(stage_run, loop, self.processes)
        loop.free()
        self.model.end_text()
        self.processes.by_first(lambda: self.weights.close(stage_run))
        if stage_run.lang is None:
            self.processes.load(self.model, self.weights.after(stage_run))

    def _begin(self, number: int, stage_run: StageRun, dev: Sequence[Sentence]) -> tuple[StageLoop, Duration]:
        """Return the loop of a stage run, at its first step or at the checkpoint's, and how long it lasts."""
        stage = stage_run.stage
        source, duration = batches_of(stage_run, number, self.recipe, self.data, self.text)
        if self._state is None:
            if number:
                self.processes.load(self.model, self.weights.before(stage_run))
            torch.manual_seed(self.recipe.seed + 1000 * (number + 1))
        if stage.learns_from_text:
            self.model.begin_text()
        loop = StageLoop(self.model, self.recipe, stage, source, duration, processes=self.processes)
        loop.spent = self.progress.seconds.get(stage_run.name, 0.0)
        if self._state is not None:
            loop.load_state(self._state)
            self._state = None
            return loop, duration
        self.progress = RunProgress(number, 0, self.progress.seconds, self.progress.steps)
        if (stage_run.can_extract or self.recipe.start) and dev and stage.evaluations:
            self._evaluate(stage_run, loop, dev)  # what the stage before left behind is the first candidate
        self._save(loop)
        return loop, duration

    def _train(
        self, stage_run: StageRun, loop: StageLoop, duration: Duration, dev: Sequence[Sentence], bar: Bar
    ) -> None:
        """Make the steps of a stage run; log, evaluate on dev (if there is any) and save on the way."""
        stage, saved = stage_run.stage, loop.spent
        for report in loop.run():
            bar.step(report)
            self._spend(stage_run, loop, report.seconds)
            stop = duration.is_over(report.step, loop.spent)
            if report.step % LOG_EVERY == 0 or stop:
                self._log({"event": "step", "stage": stage_run.name, **report.to_json()})
                if (conflict := loop.take_conflict()) is not None:
                    self._log({"event": "conflict", "stage": stage_run.name, "step": report.step, **conflict})
            if dev and duration.evaluates(report.step, loop.spent, report.seconds, stage.evaluations):
                start = time.perf_counter()
                evaluation = self._evaluate(stage_run, loop, dev)
                self._spend(stage_run, loop, self.processes.agree(time.perf_counter() - start))
                bar.evaluated(evaluation.macro)
                stop |= bool(stage.patience) and self.progress.since_best >= stage.patience
            if stop:
                break
            if loop.spent - saved >= 60 * self.recipe.checkpoint_minutes:
                self._save(loop)
                saved = loop.spent

    def _spend(self, stage_run: StageRun, loop: StageLoop, seconds: float) -> None:
        loop.spent = self.progress.seconds.get(stage_run.name, 0.0) + seconds
        self.progress.seconds[stage_run.name] = loop.spent

    def _save(self, loop: StageLoop) -> None:
        def save() -> None:
            self.progress.log_bytes = self.folder.log_bytes()
            save_checkpoint(self.folder.checkpoint, state, self.progress)

        state = loop.state()
        self.processes.by_first(save)

    def _tracked(self) -> TrackedRun:
        """Return which run it is; after a checkpoint, whatever was tracked since will be tracked again."""
        since = 0
        if self._state is not None:
            since = sum(self.progress.steps.values()) + int(self._state["step"]) + 1
        return TrackedRun(self.recipe.name, self.folder.path, self.recipe.model_dump(mode="json"), since)

    def _log(self, record: dict[str, Any]) -> None:
        """Track a record at its step of the whole run."""
        self.tracker.log(record, sum(self.progress.steps.values()) + record.get("step", 0))

    def _evaluate(self, stage_run: StageRun, loop: StageLoop, dev: Sequence[Sentence]) -> Evaluation:
        """Score the weights that would be kept now on dev; keep them if they are the best of the stage run."""
        stage = stage_run.stage
        with loop.holding_weights():
            evaluation = evaluate_dev(
                self.predictor,
                self.recipe.task,
                evenly_spaced(dev, stage.dev_limit),
                universal=not stage.use_switcher,
                processes=self.processes,
            )
        better = self.progress.best is None or evaluation.macro > self.progress.best
        self.progress.since_best = 0 if better else self.progress.since_best + 1
        if better:
            self.progress.best = evaluation.macro
            self.weights.keep(stage_run, loop, self.processes)
        found = {"stage": stage_run.name, "step": loop.step, **evaluation.to_json(), "best": better}
        self._log({"event": "evaluation", **found})
        return evaluation

    def _write_model(self) -> dict[str, Any]:
        deltas = {
            stage_run.lang: self.weights.after(stage_run)
            for stage_run in self.stage_runs
            if stage_run.lang is not None
        }
        if deltas:  # what they differ from is what each of them began with
            self.model.load_state_dict(self.weights.before(self.stage_runs[-1]))
        costs = {
            "seconds": {name: round(value, 1) for name, value in self.progress.seconds.items()},
            "steps": self.progress.steps,
            "trained": {s.name: num_trained(self.model, s.stage) for s in self.stage_runs},
        }
        result = write_model(
            self.folder.model,
            self.recipe,
            self.run_data,
            self.data,
            self.model,
            deltas,
            costs,
            self.processes,
        )
        for name in ("metrics.json", "README.md"):
            self.tracker.file(self.folder.model / name)
        return result
