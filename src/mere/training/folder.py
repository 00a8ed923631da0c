"""A run's folder: its recipe and data, its log, its checkpoint and the weights of its stages.

RUN/recipe.yaml          the resolved recipe        RUN/run.json      seed, data fingerprint, versions
RUN/log.jsonl            steps and evaluations      RUN/checkpoint.safetensors
RUN/<stage>.safetensors  each finished stage's best weights           RUN/model/  the result
RUN/tensorboard/, RUN/wandb/, RUN/tracking.id: of the trackers that the recipe names (mere.training.tracking)
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import mere
from mere.config import Recipe
from mere.config.tree import differences
from mere.data.corpus import Corpus
from mere.errors import ConfigError, DataError, UserError
from mere.files import write_whole
from mere.store.files import write_json
from mere.training.hardware import choose_device
from mere.types import Sentence

MAY_CHANGE = ("gradient_accumulation", "gradient_checkpointing", "dev_pieces_per_batch", "sharding", "device")
"""Settings with which a run may be resumed: they change where and how it is computed, not what it comes to."""


IGNORED: dict[str, Any] = {"tracking": []}
"""Settings that change nothing of a run, with their defaults."""


class RunFolder:
    """The files of one run, and the check that a folder belongs to it."""

    def __init__(self, path: Path):
        self.path = path
        self.checkpoint = path / "checkpoint.safetensors"
        self.model = path / "model"
        self.log_file = path / "log.jsonl"

    def weights(self, stage: str) -> Path:
        """The best weights of a finished stage."""
        return self.path / f"{stage}.safetensors"

    def candidate(self, stage: str) -> Path:
        """The best weights so far of a stage that is running."""
        return self.path / f"{stage}.best.safetensors"

    def claim(
        self,
        recipe: Recipe,
        corpus: Corpus,
        text: Sequence[Sentence] = (),
        *,
        resume: bool,
        num_processes: int = 1,
    ) -> str:
        """Make the folder, or check that it is this very run's; return what the user should know, if anything.

        Args:
            text: what is learned from without annotation.

        Raises:
            UserError: it is a file, or holds a run and `resume` was not asked for.
            ConfigError, DataError: it was begun with other settings, or on other data.
        """
        stored = self.path / "recipe.yaml"
        data = {"fingerprint": corpus.fingerprint(), "sizes": corpus.sizes()}
        if text:
            data["text"] = Corpus({"text": tuple(text)}).fingerprint()
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; --out names a folder. Choose another --out.")
        machine = {
            "threads": torch.get_num_threads(),
            "processes": num_processes,
            "device": choose_device(recipe.device).type,
        }
        if not stored.is_file():
            self._begin(recipe, data, machine)
            return ""
        if not resume:
            raise UserError(
                f"{self.path}: holds a run already. Continue it with --resume, or choose another --out."
            )
        return self._check_same_run(recipe, data, machine)

    def _begin(self, recipe: Recipe, data: Mapping[str, Any], machine: Mapping[str, Any]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        versions = {"mere": mere.__version__, "torch": torch.__version__, "python": platform.python_version()}
        record = {"recipe": recipe.model_dump(mode="json"), "data": data, "seed": recipe.seed}
        write_json(self.path / "run.json", {**record, **machine, "versions": versions})
        write_whole(self.log_file, b"")
        write_whole(self.path / "recipe.yaml", recipe.to_yaml().encode())

    def _check_same_run(self, recipe: Recipe, data: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
        """Check that the run was begun with these settings and data; return how its machine differs, if it does."""
        stored = self.path / "recipe.yaml"
        before = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        # A setting that is newer than the run had its default then.
        settings = Recipe.from_stored(before["recipe"], where=str(stored)).model_dump(mode="json")
        changed = differences(settings | IGNORED, recipe.model_dump(mode="json") | IGNORED)
        if any(change.partition(":")[0].rpartition(".")[2] not in MAY_CHANGE for change in changed):
            raise ConfigError(
                f"{stored}: this run was begun with other settings ({', '.join(changed)}). Use them again."
            )
        if before["data"]["fingerprint"] != data["fingerprint"]:
            raise DataError(f"{recipe.data.where}: the corpus has changed since this run began. Train anew.")
        if before["data"].get("text") != data.get("text"):
            raise DataError(f"data.text {recipe.data.text}: it has changed since this run began. Train anew.")
        was = {"processes": 1, "device": machine["device"], **before}
        changed += [
            f"{name}: {was[name]} -> {value}" for name, value in machine.items() if was[name] != value
        ]
        return (
            f"since this run began, {', '.join(changed)}: weights agree to rounding only" if changed else ""
        )

    def check_visible(self) -> None:
        """Check that the folder that the run's first process has made can be seen by this one.

        Raises:
            UserError: it cannot.
        """
        if not (self.path / "recipe.yaml").is_file():
            raise UserError(
                f"{self.path}: another process of the run has made this folder, but it cannot be seen here. "
                "Choose an --out on a disk that all machines share."
            )

    def log_bytes(self) -> int:
        """Return the length of the log in bytes."""
        return self.log_file.stat().st_size
