"""A model on disk: a folder of JSON and safetensors, read strictly, never pickled.

config.json           format version, the resolved recipe, how text is read, thresholds, the weights' digest
labels.json           relations, types, languages
model.safetensors     weights
pieces.safetensors    what the pieces learned from the corpus, where it is too large for config.json
pieces/…              a pretrained encoder's tokenizer and configuration
languages/…           per language, how its own weights differ from model.safetensors, if they do
metrics.json          scores on dev, if any
README.md             the model's card
SHA256SUMS            the SHA-256 of every file but the card (mere.store.files)
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
from mere.config.renames import with_present_names
from mere.data.pieces import Pieces, load_pieces
from mere.errors import ConfigError, ModelError, TrainingError
from mere.hub import again
from mere.schema import UNIVERSAL, Labels
from mere.store.delta import changed
from mere.store.files import CARD, FORMAT, SUMS, WHOLE, compare, read_json, read_sums, sha256, sums_text


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
            "Free some space, then run the same command again (mere train with --resume)."
        ) from None


def write_json(path: Path, record: Any) -> str:
    """Write a record atomically; return the SHA-256 of the file."""
    return _write_bytes(path, _json(record))


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Save tensors as safetensors, atomically; return the SHA-256 of the file."""
    save_tensors(path, tensors)
    return sha256(path)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Save tensors as safetensors, atomically, with `metadata` in the file's own header.

    Raises:
        TrainingError: the disk is full or not writable; what was there before is still there.
    """
    temporary = path.with_name(path.name + ".tmp")
    own = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    try:
        save_file(own, temporary, metadata)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        temporary.unlink(missing_ok=True)
        raise TrainingError(
            f"{path}: could not be written ({error}). What was there is untouched. "
            "Free some space, then run the same command again (mere train with --resume)."
        ) from None


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        ModelError: it is missing or cut short.
    """
    if not path.is_file():
        raise ModelError(f"{path}: this file is missing. {again(path, WHOLE)}")
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path}: not a whole safetensors file ({error}). {again(path, 'Copy it again, or train again.')}"
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
        config = read_json(path / "config.json")
        if config.get("format") != FORMAT:
            raise ModelError(
                f"{path / 'config.json'}: format {config.get('format')!r}, this mere reads {FORMAT}. "
                "Train the model again, or install the version that wrote it."
            )
        if config.get("sums") or (path / SUMS).is_file():  # folders written before the sums have none
            _compare_what_is_read(path)
        try:
            thresholds = {path or UNIVERSAL: float(value) for path, value in config["thresholds"].items()}
            _ = config["thresholds"][""]  # the universal path, which every folder has, is "" on disk
            recipe = Recipe.from_tree(with_present_names(config["recipe"]), where=str(path / "config.json"))
            file = path / "pieces.safetensors"
            tensors = read_tensors(file) if config["pieces"]["arrays"] else {}
            arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
            files = {
                n: compare(path / "pieces" / n, d).read_bytes() for n, d in config["pieces"]["files"].items()
            }
            return cls(
                path,
                recipe,
                Labels.from_json(read_json(path / "labels.json")),
                load_pieces(recipe.encoder, config["pieces"], arrays, files),
                thresholds,
                config["weights_sha256"],
                dict(config["languages"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path / 'config.json'}: the key {error} is missing. {again(path)}") from None
        except ConfigError as error:
            raise ModelError(str(error)) from None
        except ValueError as error:
            raise ModelError(f"{path / 'config.json'}: {error}. {again(path)}") from None

    def load_weights(self, model: nn.Module) -> None:
        """Load the weights into `model`, strictly: names, shapes and the digest must agree."""
        file = self.path / "model.safetensors"
        tensors = _verified(file, self.digest)
        try:
            model.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            raise ModelError(f"{file}: does not fit config.json: {error}. {again(self.path)}") from None

    def own_weights(self, model: nn.Module, lang: str) -> dict[str, Tensor]:
        """Return the tensors that a language has of its own, whole; `model` holds the shared ones."""
        return changed(model.state_dict(), self.delta(lang))

    def delta(self, lang: str) -> dict[str, Tensor]:
        """Return how a language's own weights differ from the shared ones (mere.store.delta)."""
        return _verified(self.path / "languages" / f"{lang}.safetensors", self.own[lang])

    def metrics(self) -> dict[str, Any]:
        """Return what metrics.json holds; nothing where there is none."""
        file = self.path / "metrics.json"
        return read_json(file) if file.is_file() else {}

    def card(self) -> str:
        """Return the model's card; its name alone where there is none."""
        file = self.path / CARD
        return file.read_text(encoding="utf-8") if file.is_file() else f"# {self.path.name}\n"

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
            own: per language the differences of its weights from the model's (mere.store.delta).
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").unlink(missing_ok=True)
        digests = {"model.safetensors": write_tensors(folder / "model.safetensors", model.state_dict())}
        languages = {}
        for lang, delta in (own or {}).items():
            (folder / "languages").mkdir(exist_ok=True)
            languages[lang] = write_tensors(folder / "languages" / f"{lang}.safetensors", delta)
            digests[f"languages/{lang}.safetensors"] = languages[lang]
        arrays = {name: torch.from_numpy(array) for name, array in pieces.arrays().items()}
        if arrays:
            digests["pieces.safetensors"] = write_tensors(folder / "pieces.safetensors", arrays)
        files = {}
        for name, data in pieces.files().items():
            (folder / "pieces").mkdir(exist_ok=True)
            files[name] = digests[f"pieces/{name}"] = _write_bytes(folder / "pieces" / name, data)
        digests["labels.json"] = write_json(folder / "labels.json", labels.to_json())
        digests["metrics.json"] = write_json(folder / "metrics.json", metrics)
        write_atomically(folder / CARD, card.encode())
        config = _json(
            {
                "format": FORMAT,
                "sums": True,
                "recipe": recipe.model_dump(mode="json"),
                "pieces": {**pieces.to_json(), "arrays": sorted(arrays), "files": files},
                "thresholds": {"" if path == UNIVERSAL else path: t for path, t in thresholds.items()},
                "weights_sha256": digests["model.safetensors"],
                "languages": languages,
            }
        )
        digests["config.json"] = hashlib.sha256(config).hexdigest()
        write_atomically(folder / SUMS, sums_text(digests).encode())
        write_atomically(folder / "config.json", config)


def _json(record: Any) -> bytes:
    return (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode()


def _write_bytes(path: Path, data: bytes) -> str:
    write_atomically(path, data)
    return hashlib.sha256(data).hexdigest()


def _compare_what_is_read(folder: Path) -> None:
    """Compare the files that SHA256SUMS lists, but for those whose digests config.json has as well."""
    for name, digest in read_sums(folder).items():
        if name != "model.safetensors" and not name.startswith(("languages/", "pieces/")):
            compare(folder / name, digest)


def _verified(file: Path, digest: str) -> dict[str, Tensor]:
    tensors = read_tensors(file)
    compare(file, digest)
    return tensors
