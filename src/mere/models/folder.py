"""A model on disk: a folder of JSON and safetensors, read strictly, never pickled.

config.json           format version, the resolved recipe, how text is cut, thresholds, the weights' digest
labels.json           relations, types, languages
model.safetensors     weights
features.safetensors  hashes of the features that are read, where rare ones are not
metrics.json          scores on dev, if any
README.md             the model's card
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mere.config import Recipe
from mere.data.units import Units
from mere.errors import ConfigError, ModelError, TrainingError
from mere.schema import Labels

FORMAT = 1
"""Raised whenever a folder written before could no longer be read."""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a full disk, finds the old one or the new one, never half of one.

    Raises:
        TrainingError: the disk is full or not writable; what was there before is still there.
    """
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=path.name, suffix=".tmp", delete=False
        ) as file:
            temporary = Path(file.name)
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    except OSError as error:
        raise TrainingError(
            f"{path}: could not be written ({error.strerror or error}). What was there is untouched. "
            "Free some space, then run the same command with --resume."
        ) from None


def write_json(path: Path, record: Any) -> None:
    write_atomically(path, (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode())


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Save tensors as safetensors, atomically; return the SHA-256 of the file."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        save_file({name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}, temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        digest = hashlib.sha256(temporary.read_bytes()).hexdigest()
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        temporary.unlink(missing_ok=True)
        raise TrainingError(
            f"{path}: could not be written ({error}). What was there is untouched. "
            "Free some space, then run the same command with --resume."
        ) from None
    return digest


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        ModelError: it is missing or cut short.
    """
    if not path.is_file():
        raise ModelError(f"{path}: this file is missing. Copy the whole folder, or train again.")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: not a whole safetensors file ({error}). Copy it again, or train again."
        ) from None


@dataclass(frozen=True)
class ModelFolder:
    """A model's folder without its weights."""

    path: Path
    recipe: Recipe
    labels: Labels
    units: Units
    thresholds: dict[str, float]
    digest: str
    known: frozenset[int] | None

    @classmethod
    def read(cls, folder: str | Path) -> ModelFolder:
        """Read and check `config.json` and `labels.json`.

        Raises:
            ModelError: names the file that is missing or wrong and what to do.
        """
        path = Path(folder)
        if not path.is_dir():
            raise ModelError(
                f"{path}: there is no such folder. Train a model first: mere train RECIPE --out RUN."
            )
        config = _read_json(path / "config.json")
        if config.get("format") != FORMAT:
            raise ModelError(
                f"{path / 'config.json'}: format {config.get('format')!r}, this mere reads {FORMAT}. "
                "Train the model again, or install the version that wrote it."
            )
        try:
            thresholds = {lang: float(value) for lang, value in config["thresholds"].items()}
            _ = thresholds[""]  # the universal path has one in every folder
            return cls(
                path,
                Recipe.from_tree(config["recipe"], where=str(path / "config.json")),
                Labels.from_json(_read_json(path / "labels.json")),
                Units.from_json(config["units"]),
                thresholds,
                config["weights_sha256"],
                _read_known(path / "features.safetensors") if config["rare_features_hidden"] else None,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{path / 'config.json'}: the key {error} is missing. Copy the folder again."
            ) from None
        except ConfigError as error:
            raise ModelError(str(error)) from None
        except ValueError as error:
            raise ModelError(f"{path / 'config.json'}: {error}. Copy the folder again.") from None

    def load_weights(self, model: nn.Module) -> None:
        """Load the weights into `model`, strictly: names, shapes and the digest must agree."""
        file = self.path / "model.safetensors"
        tensors = read_tensors(file)
        if hashlib.sha256(file.read_bytes()).hexdigest() != self.digest:
            raise ModelError(
                f"{file}: not the weights that config.json was written with. Copy the folder again."
            )
        try:
            model.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            raise ModelError(f"{file}: does not fit config.json: {error}. Copy the folder again.") from None

    @staticmethod
    def write(
        folder: Path,
        *,
        model: nn.Module,
        recipe: Recipe,
        labels: Labels,
        units: Units,
        known: frozenset[int] | None = None,
        thresholds: Mapping[str, float],
        metrics: Any,
        card: str,
    ) -> None:
        """Write a model folder; `config.json` comes last, so a folder that has it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").unlink(missing_ok=True)
        digest = write_tensors(folder / "model.safetensors", model.state_dict())
        if known is not None:
            hashes = torch.tensor(sorted(known), dtype=torch.int64)
            write_tensors(folder / "features.safetensors", {"known": hashes})
        write_json(folder / "labels.json", labels.to_json())
        write_json(folder / "metrics.json", metrics)
        write_atomically(folder / "README.md", card.encode())
        config = {
            "format": FORMAT,
            "recipe": recipe.model_dump(mode="json"),
            "units": units.to_json(),
            "rare_features_hidden": known is not None,
            "thresholds": dict(thresholds),
            "weights_sha256": digest,
        }
        write_json(folder / "config.json", config)


def _read_known(path: Path) -> frozenset[int]:
    return frozenset(read_tensors(path)["known"].tolist())


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelError(f"{path}: this file is missing, so {path.parent} is not a model folder.")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not whole JSON ({error}). Copy the folder again.") from None
    if not isinstance(record, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(record).__name__}.")
    return record
