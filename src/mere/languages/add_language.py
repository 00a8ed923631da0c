"""Adds a language to a finished model: its own switcher is trained, everything else stays as it is.

In a model without switchers the language gets weights of its own instead (mere.models.delta). The result is a whole
new folder, in which every other language predicts what it did, bit for bit; that is verified before the folder is
put in place (mere.languages.verify).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.data.examples import ExampleMaker, refuse_unreadable
from mere.errors import UserError, nearest
from mere.inference.predictor import Predictor
from mere.lang_codes import is_same
from mere.languages.defaults import AUTO, Choices, nearest_start, stage_for
from mere.languages.new_language import NewLanguageData, added_card, added_metrics
from mere.languages.verify import Verification, verify_unchanged
from mere.models.backend import predictor_of
from mere.models.delta import WHOLE, changed, compact, specialised
from mere.models.model import Model, build
from mere.models.weights import from_arrays, load_weights, to_arrays
from mere.nn.switcher import module_name
from mere.schema import UNIVERSAL
from mere.store.files import new_folder
from mere.store.folder import ModelConfig, ModelFolder, write_folder
from mere.training.calibrate import MIN_SENTENCES
from mere.training.costs import stored_bytes
from mere.training.evaluation import Evaluation, evaluate_dev
from mere.training.hardware import choose_device, choose_threads
from mere.training.loop import StageLoop
from mere.training.out_of_memory import reporting_out_of_memory
from mere.training.progress import Listener
from mere.training.source import BatchSource, TrainingData
from mere.training.trainable import select_parameters


@dataclass(frozen=True)
class Added:
    """A language that was added: the new folder, notes for the user, dev scores in percent, and the verification."""

    folder: Path
    notes: tuple[str, ...]
    dev: Mapping[str, float]
    verification: Verification


def add_language(
    model: str | Path,
    data: str | Path,
    lang: str,
    out: str | Path,
    choices: Choices | None = None,
    listener: Listener | None = None,
) -> Added:
    """Train a language's part of a model on a corpus and write the model with it to a new folder.

    Args:
        model: a model folder; it stays as it is. data: a corpus folder or file; only `lang` is learned.
        out: the folder of the new model; it must not exist.

    Raises:
        DataError, ModelError: the corpus or the model is wrong, or they do not fit each other.
        UserError: the model has the language, `out` is there, or a choice is not one for this model.
        TrainingError: the loss diverged, or another language would have changed; nothing is written.
    """
    folder = ModelFolder.read(model)
    _refuse_known(folder, lang)
    advice = (
        f"Free memory on the device, or leave the longest sentences of {lang} out. Nothing was written; the model is "
        "as it was."
    )
    with new_folder(Path(out)) as part, reporting_out_of_memory(f"adding {lang}", advice):
        addition = _Addition(folder, Corpus.load(data), lang, choices or Choices(), listener or Listener())
        addition.train()
        addition.write(part)
        addition.listener.say("comparing every other language's predictions before and after")
        verification = verify_unchanged(folder.path, part, addition.new.texts_to_compare(folder.pieces))
    return Added(Path(out), tuple(addition.notes), addition.dev_scores, verification)


def _refuse_known(folder: ModelFolder, lang: str) -> None:
    if any(is_same(lang, known) for known in folder.labels.languages):
        known = ", ".join(folder.labels.languages)
        raise UserError(
            f'{folder.path}: the model has the language "{lang}" already (it has {known}). '
            "To train it again, train the model again: mere train."
        )


class _Addition:
    """One language on its way into a model."""

    def __init__(self, folder: ModelFolder, corpus: Corpus, lang: str, choices: Choices, listener: Listener):
        self.folder, self.lang, self.choices, self.listener = folder, lang, choices, listener
        self.device = choose_device("auto")
        self.recipe: Recipe = folder.recipe
        self.notes: list[str] = []
        self.new = NewLanguageData.of(corpus, lang, folder, skip_unknown=choices.skip_unknown)
        self.notes += self.new.notes
        refuse_unreadable((*self.new.train, *self.new.dev), folder.pieces)
        before = folder.labels
        self.labels = replace(before, languages=(*before.languages, lang))
        self.maker = ExampleMaker(folder.pieces, self.labels)
        self.data = TrainingData(self.new.train, self.maker)
        torch.set_num_threads(choose_threads(self.recipe))
        torch.manual_seed(self.recipe.seed)
        self.model = build(self.recipe, before, folder.pieces)
        load_weights(self.model, folder)
        self.data.fit(self.model.limits, self.recipe.entities)
        self.model.to(self.device)
        self.stage = stage_for(lang, self.recipe, self.data.lengths, self.choices, str(folder.path))
        if self.model.switcher is None:
            how = f"low-rank changes, rank {self.stage.lora}" if self.stage.lora else "whole matrices"
            self.notes.append(
                f'the model has no switchers: "{lang}" gets weights of its own '
                f"({how} of {' and '.join(self.stage.train)})"
            )
        self.start = self._start()
        if self.model.switcher is not None:
            self.model.switcher.add(lang, None if self.start == UNIVERSAL else self.start)
            self.model.to(self.device)
        self.delta: dict[str, Tensor] = {}
        self.thresholds = dict(folder.thresholds)
        self.dev_scores: dict[str, float] = {}
        self.costs: dict[str, Any] = {}

    def _start(self) -> str:
        if self.model.switcher is None:
            return UNIVERSAL
        start, known = self.choices.start, self.model.switcher.languages
        if start == AUTO:
            losses = nearest_start(self.model, self.data, self.recipe, self.stage)
            ranked = sorted((loss, name) for name, loss in losses.items())
            start = ranked[0][1]
            shown = ", ".join(f"{name} {loss:.3f}" for loss, name in ranked)
            self.notes.append(f"begins from {start}, of the lowest loss on the sentences ({shown})")
        elif start != UNIVERSAL and start not in known:
            raise UserError(
                f"--from {start}: the model has no switcher of that name.{nearest(start, known)} "
                f"Say auto, universal, or one of {', '.join(known)}."
            )
        return start

    def _chosen(self) -> dict[str, torch.nn.Parameter]:
        """Freeze everything but what is the new language's, and return that."""
        if self.model.switcher is None:
            return select_parameters(self.model, self.stage.train)
        chosen = {}
        for name, parameter in self.model.named_parameters():
            is_bias = name.startswith(("entities.", "triples.")) and "bias" in name.rpartition(".")[2]
            is_new = name.startswith(f"switcher.of.{module_name(self.lang)}.") or (
                self.choices.head_bias and is_bias
            )
            parameter.requires_grad_(is_new)
            if is_new:
                chosen[name] = parameter
        return chosen

    def train(self) -> None:
        """Train, keep the best weights by dev, and leave the model with the shared weights as they were."""
        source = BatchSource(
            self.data,
            recipe=self.recipe,
            sampling=self.stage.sampling,
            epochs=self.stage.epochs,
            seed=[self.recipe.seed, len(self.labels.languages)],
        )
        loop = StageLoop(self.model, self.recipe, self.stage, source, chosen=self._chosen())
        before = loop.trainable.base_weights() | _copied(loop.trainable.whole)
        predictor = self._predictor()

        def score() -> float:
            with loop.holding_weights():
                return self._scored(predictor).macro

        evaluations = self.stage.evaluations if self.new.dev else 0
        stops = {max(1, round(len(source) * (i + 1) / evaluations)) for i in range(evaluations)}
        best, delta = -1.0, _copied(loop.delta())
        if evaluations:
            best = score()
        began = time.monotonic()
        with self.listener.stage(self.stage.name, len(source), 0) as bar:
            for report in loop.run():
                bar.step(report)
                if report.step in stops:
                    macro = score()
                    bar.evaluated(macro)
                    if macro > best:
                        best, delta = macro, _copied(loop.delta())
        if not evaluations:
            delta = _copied(loop.delta())
        self.costs = {
            "seconds": round(time.monotonic() - began, 1),
            "steps": loop.step,
            "trained": sum(parameter.numel() for parameter in loop.parameters.values()),
        }
        self._settle(before, delta)

    def _predictor(self, specialists: Mapping[str, Model] | None = None) -> Predictor:
        return predictor_of(
            self.model, self.maker, own=specialists, pieces_per_batch=self.recipe.dev_pieces_per_batch
        )

    def _scored(self, predictor: Predictor) -> Evaluation:
        """Score the new language's dev sentences."""
        return evaluate_dev(predictor, self.recipe.task, self.new.dev, universal=False)

    def _settle(self, before: Mapping[str, Tensor], delta: Mapping[str, Tensor]) -> None:
        """Keep the new switcher among the shared weights, and what else was trained as the language's difference."""
        prefix = f"{WHOLE}switcher.of.{module_name(self.lang)}."
        switcher = {key.removeprefix(WHOLE): t for key, t in delta.items() if key.startswith(prefix)}
        self.model.load_state_dict({**before, **switcher})
        rest = {key: tensor for key, tensor in delta.items() if not key.startswith(prefix)}
        self.delta = compact(before, rest)
        if not self.new.dev:
            self.notes.append(
                "no dev sentences: the last weights are kept, the threshold is the universal one"
            )
            return
        specialist = {self.lang: specialised(self.model, changed(self.model.state_dict(), self.delta))}
        predictor = self._predictor(specialist if self.delta else None)
        evaluation = self._scored(predictor)
        scored = [s for s in self.new.dev if s.relations_covered != frozenset()]
        if "triples" in self.recipe.task and scored:
            if len(scored) >= MIN_SENTENCES:
                self.thresholds[self.lang] = evaluation.thresholds[self.lang]
            else:
                self.notes.append(
                    f"{len(scored)} dev sentences are too few for a threshold of its own "
                    f"({MIN_SENTENCES} are needed): it is the universal one"
                )
        threshold = self.thresholds.get(self.lang, self.thresholds[UNIVERSAL])
        self.dev_scores = self.new.dev_scores(evaluation, predictor, threshold)

    def write(self, path: Path) -> None:
        """Write the whole folder; the files of other languages' own weights stay as they are."""
        deltas = {lang: from_arrays(self.folder.delta(lang)) for lang in self.folder.own}
        if self.delta:
            deltas[self.lang] = self.delta
        record = {
            "lang": self.lang,
            "from": self.start,
            "head_bias": self.choices.head_bias,
            "sentences": len(self.data.sentences),
            "dev_sentences": len(self.new.dev),
            "fingerprint": self.new.fingerprint,
            "stage": self.stage.model_dump(mode="json"),
            "notes": self.notes,
            **self.costs,
        }
        stored = stored_bytes(self.model, deltas)
        stored["parameters"] = sum(p.numel() for p in self.model.parameters())
        metrics = added_metrics(
            self.folder.metrics(), record, self.dev_scores, self.data.report.to_json(), stored
        )
        folder = self.folder
        write_folder(
            path,
            ModelConfig(self.recipe, self.labels, folder.pieces, self.thresholds, folder.longest_span),
            to_arrays(self.model.state_dict()),
            own={lang: to_arrays(delta) for lang, delta in deltas.items()},
            metrics=metrics,
            card=added_card(folder, self.labels, record, self.dev_scores),
        )


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
