"""A model on disk: a folder of JSON and safetensors, read strictly, never pickled.

config.json           format version, the resolved recipe, how text is read, thresholds, the weights' digest
labels.json           relations, types, languages
model.safetensors     weights
pieces.safetensors    what the pieces learned from the corpus, where it is too large for config.json
pieces/…              a pretrained encoder's tokenizer and configuration
languages/…           per language, how its own weights differ from model.safetensors, if they do
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
from mere.data.pieces import Pieces, load_pieces
from mere.errors import ConfigError, ModelError, TrainingError
from mere.models.delta import changed
from mere.schema import Labels

FORMAT = 2
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
    pieces: Pieces
    thresholds: dict[str, float]
    digest: str
    own: dict[str, str]

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
            recipe = Recipe.from_tree(config["recipe"], where=str(path / "config.json"))
            file = path / "pieces.safetensors"
            tensors = read_tensors(file) if config["pieces"]["arrays"] else {}
            arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
            files = {n: _verified_file(path / "pieces" / n, d) for n, d in config["pieces"]["files"].items()}
            return cls(
                path,
                recipe,
                Labels.from_json(_read_json(path / "labels.json")),
                load_pieces(recipe.encoder, config["pieces"], arrays, files),
                thresholds,
                config["weights_sha256"],
                dict(config["languages"]),
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
        tensors = _verified(file, self.digest)
        try:
            model.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            raise ModelError(f"{file}: does not fit config.json: {error}. Copy the folder again.") from None

    def own_weights(self, model: nn.Module, lang: str) -> dict[str, Tensor]:
        """Return the tensors that a language has of its own, whole; `model` holds the shared ones."""
        delta = _verified(self.path / "languages" / f"{lang}.safetensors", self.own[lang])
        return changed(model.state_dict(), delta)

    @staticmethod
    def write(
        folder: Path,
        *,
        model: nn.Module,
        recipe: Recipe,
        labels: Labels,
        pieces: Pieces,
        thresholds: Mapping[str, float],
        metrics: Any,
        card: str,
        own: Mapping[str, Mapping[str, Tensor]] | None = None,
    ) -> None:
        """Write a model folder; `config.json` comes last, so a folder that has it is whole.

        Args:
            own: per language the differences of its weights from the model's (mere.models.delta).
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").unlink(missing_ok=True)
        digest = write_tensors(folder / "model.safetensors", model.state_dict())
        languages = {}
        for lang, delta in (own or {}).items():
            (folder / "languages").mkdir(exist_ok=True)
            languages[lang] = write_tensors(folder / "languages" / f"{lang}.safetensors", delta)
        arrays = {name: torch.from_numpy(array) for name, array in pieces.arrays().items()}
        if arrays:
            write_tensors(folder / "pieces.safetensors", arrays)
        files = {}
        for name, data in pieces.files().items():
            (folder / "pieces").mkdir(exist_ok=True)
            write_atomically(folder / "pieces" / name, data)
            files[name] = hashlib.sha256(data).hexdigest()
        write_json(folder / "labels.json", labels.to_json())
        write_json(folder / "metrics.json", metrics)
        write_atomically(folder / "README.md", card.encode())
        config = {
            "format": FORMAT,
            "recipe": recipe.model_dump(mode="json"),
            "pieces": {**pieces.to_json(), "arrays": sorted(arrays), "files": files},
            "thresholds": dict(thresholds),
            "weights_sha256": digest,
            "languages": languages,
        }
        write_json(folder / "config.json", config)


def _verified(file: Path, digest: str) -> dict[str, Tensor]:
    tensors = read_tensors(file)
    if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise ModelError(f"{file}: not the weights that config.json was written with. Copy the folder again.")
    return tensors


def _verified_file(file: Path, digest: str) -> bytes:
    if not file.is_file():
        raise ModelError(f"{file}: this file is missing. Copy the whole folder, or train again.")
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != digest:
        raise ModelError(f"{file}: not the file that config.json was written with. Copy the folder again.")
    return data


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
