"""A run's folder: who it belongs to, its log, and where its checkpoint and its stages' weights lie.

RUN/recipe.yaml          the resolved recipe        RUN/run.json      seed, data fingerprint, versions
RUN/log.jsonl            steps and evaluations      RUN/checkpoint.safetensors
RUN/<stage>.safetensors  each finished stage's best weights           RUN/model/  the result
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import torch

import mere
from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.errors import ConfigError, DataError, UserError
from mere.models.folder import write_atomically, write_json


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

    def claim(self, recipe: Recipe, corpus: Corpus, *, resume: bool, num_processes: int = 1) -> str:
        """Make the folder, or check that it is this very run's; return what the user should know, if anything.

        Raises:
            UserError: it is a file, or holds a run and `resume` was not asked for.
            ConfigError, DataError: it was begun with other settings, or on other data.
        """
        stored = self.path / "recipe.yaml"
        settings = recipe.model_dump(mode="json")
        data = {"fingerprint": corpus.fingerprint(), "sizes": corpus.sizes()}
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
        if begun != settings:
            changed = ", ".join(_differences(begun, settings))
            raise ConfigError(
                f"{stored}: this run was begun with other settings ({changed}). Use them again."
            )
        if before["data"]["fingerprint"] != data["fingerprint"]:
            raise DataError(f"{recipe.data.where}: the corpus has changed since this run began. Train anew.")
        now = {"threads": torch.get_num_threads(), "processes": num_processes}
        for name, number in now.items():
            if (begun_with := before.get(name, 1)) != number:
                return f"begun with {begun_with} {name}, now {number}: weights will agree to rounding only"
        return ""

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

    def log(self, record: dict[str, Any]) -> None:
        """Append a line to the log."""
        with self.log_file.open("a", encoding="utf-8") as log:
            log.write(json.dumps(record, ensure_ascii=False) + "\n")

    def log_bytes(self) -> int:
        return self.log_file.stat().st_size

    def cut_log(self, size: int) -> None:
        """Forget what was logged after a checkpoint: it will be logged again."""
        with self.log_file.open("rb+") as log:
            log.truncate(size)


def _differences(before: Any, now: Any, path: str = "") -> list[str]:
    """Name the settings in which two resolved recipes differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        pairs = [(before.get(key), now.get(key), f"{path}.{key}".lstrip(".")) for key in keys]
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = [(a, b, f"{path}{i}") for i, (a, b) in enumerate(zip(before, now, strict=True), start=1)]
    else:
        return [] if before == now else [f"{path}: {before} -> {now}"]
    return [difference for pair in pairs for difference in _differences(*pair)]
