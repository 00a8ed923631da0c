"""A run's folder: who it belongs to, its log, and where its checkpoint and its stages' weights lie.

RUN/recipe.yaml          the resolved recipe        RUN/run.json      seed, data fingerprint, versions
RUN/log.jsonl            steps and evaluations      RUN/checkpoint.safetensors
RUN/<stage>.safetensors  each finished stage's best weights           RUN/model/  the result
RUN/tensorboard/, RUN/wandb/, RUN/tracking.id: of the trackers that the recipe names (mere.training.tracking)
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

import mere
from mere.config import Recipe
from mere.config.differences import differences
from mere.data.corpus import Corpus
from mere.errors import ConfigError, DataError, UserError
from mere.store.folder import write_atomically, write_json
from mere.types import Sentence

MAY_CHANGE = ("gradient_accumulation", "gradient_checkpointing", "dev_pieces_per_batch", "sharding")
"""Settings that change what a run needs, not what it comes to: after it ran out of memory it goes on with others."""


FOLLOWS: dict[str, Any] = {"tracking": []}
"""Settings that change nothing of a run, with their defaults."""


class RunFolder:
    """The files of one run."""

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
        settings = recipe.model_dump(mode="json")
        data = {"fingerprint": corpus.fingerprint(), "sizes": corpus.sizes()}
        if text:
            data["text"] = Corpus({"text": tuple(text)}).fingerprint()
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path}: is a file; --out names a folder. Choose another --out.")
        if not stored.is_file():
            self.path.mkdir(parents=True, exist_ok=True)
            versions = {
                "mere": mere.__version__,
                "torch": torch.__version__,
                "python": platform.python_version(),
            }
            record = {"recipe": settings, "data": data, "seed": recipe.seed}
            write_json(
                self.path / "run.json",
                {
                    **record,
                    "threads": torch.get_num_threads(),
                    "processes": num_processes,
                    "versions": versions,
                },
            )
            write_atomically(self.log_file, b"")
            write_atomically(stored, recipe.to_yaml().encode())
            return ""
        if not resume:
            raise UserError(
                f"{self.path}: holds a run already. Go on with --resume, or choose another --out."
            )
        before = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        # A setting that is newer than the run had its default then.
        begun = Recipe.from_tree(before["recipe"], where=str(stored)).model_dump(mode="json")
        changed = differences(begun | FOLLOWS, settings | FOLLOWS)
        if any(change.partition(":")[0].rpartition(".")[2] not in MAY_CHANGE for change in changed):
            raise ConfigError(
                f"{stored}: this run was begun with other settings ({', '.join(changed)}). Use them again."
            )
        if before["data"]["fingerprint"] != data["fingerprint"]:
            raise DataError(f"{recipe.data.where}: the corpus has changed since this run began. Train anew.")
        if before["data"].get("text") != data.get("text"):
            raise DataError(f"data.text {recipe.data.text}: it has changed since this run began. Train anew.")
        now = {"threads": torch.get_num_threads(), "processes": num_processes}
        changed += [
            f"{name}: {before.get(name, 1)} -> {number}"
            for name, number in now.items()
            if before.get(name, 1) != number
        ]
        return (
            f"since this run began, {', '.join(changed)}: weights agree to rounding only" if changed else ""
        )

    def refuse_unseen(self) -> None:
        """Refuse a folder that the run's first process has made where this one does not see it.

        Raises:
            UserError: it is not there.
        """
        if not (self.path / "recipe.yaml").is_file():
            raise UserError(
                f"{self.path}: another process of the run has made this folder, but it is not to be seen here. "
                "Choose an --out on a disk that all machines share."
            )

    def log_bytes(self) -> int:
        """Return how long the log is."""
        return self.log_file.stat().st_size
