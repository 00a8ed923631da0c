"""A model on disk: a folder of JSON and safetensors, read strictly, never pickled.

config.json           format version, the resolved recipe, how text is read, thresholds, the weights' digest
labels.json           relations, types, languages
model.safetensors     weights
pieces.safetensors    what the pieces learned from the corpus, where it is too large for config.json
pieces/…              a pretrained encoder's tokenizer and configuration
languages/…           per language, how its own weights differ from model.safetensors, if they do
metrics.json          scores on dev, if any
calibration.json      what scores become to be the share of right answers, if fitted (mere.inference.calibration)
graphs/…              an exported model's graphs and chains, in place of all weights (mere.store.export)
README.md             the model's card
SHA256SUMS            the SHA-256 of every file but the card (mere.store.files)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mere.config import Recipe
from mere.data.pieces import Pieces, load_pieces
from mere.errors import ConfigError, ModelError
from mere.files import write_whole
from mere.hub import again
from mere.schema import UNIVERSAL, Labels
from mere.store.files import (
    CARD,
    FORMAT,
    SUMS,
    Arrays,
    compare,
    read_arrays,
    read_json,
    read_sums,
    sha256,
    sums_text,
    write_arrays,
    write_bytes,
    write_json,
)

LONGEST_SPAN = 48
"""Pieces of the longest span that decoding names, of a model that was written before models said it."""


@dataclass(frozen=True)
class ModelConfig:
    """All of a model but its weights.

    Args:
        thresholds: least score of a triple per path (mere.schema).
        longest_span: pieces of the longest subject or object that decoding names.
    """

    recipe: Recipe
    labels: Labels
    pieces: Pieces
    thresholds: Mapping[str, float]
    longest_span: int


@dataclass(frozen=True)
class ModelFolder(ModelConfig):
    """A model's folder, its weights unread.

    Args:
        digest: SHA-256 of the weights. own: that of each language's own weights, of languages that have any.
        graphs: of an exported model, the SHA-256 of its files by name; empty: it has weights.
    """

    path: Path
    digest: str
    own: dict[str, str]
    graphs: dict[str, str]

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
            thresholds = {name or UNIVERSAL: float(value) for name, value in config["thresholds"].items()}
            _ = config["thresholds"][""]  # the universal path, which every folder has, is "" on disk
            recipe = Recipe.from_stored(config["recipe"], where=str(path / "config.json"))
            return cls(
                recipe,
                Labels.from_json(read_json(path / "labels.json")),
                _read_pieces(path, recipe, config["pieces"]),
                thresholds,
                int(config.get("longest_span", LONGEST_SPAN)),
                path,
                "" if "graphs" in config else config["weights_sha256"],
                dict(config["languages"]),
                dict(config.get("graphs", {})),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{path / 'config.json'}: the key {error} is missing. {again(path)}") from None
        except ConfigError as error:
            raise ModelError(str(error)) from None
        except ValueError as error:
            raise ModelError(f"{path / 'config.json'}: {error}. {again(path)}") from None

    def weights(self) -> dict[str, NDArray[Any]]:
        """Read the weights, or those that the languages share."""
        return read_arrays(self.path / "model.safetensors", self.digest)

    def delta(self, lang: str) -> dict[str, NDArray[Any]]:
        """Read how a language's own weights differ from the shared ones (mere.models.delta)."""
        return read_arrays(self.path / "languages" / f"{lang}.safetensors", self.own[lang])

    def metrics(self) -> dict[str, Any]:
        """Return what metrics.json holds; nothing where there is none."""
        file = self.path / "metrics.json"
        return read_json(file) if file.is_file() else {}

    def card(self) -> str:
        """Return the model's card; its name alone where there is none."""
        file = self.path / CARD
        return file.read_text(encoding="utf-8") if file.is_file() else f"# {self.path.name}\n"


def write_folder(
    folder: Path,
    config: ModelConfig,
    weights: Arrays,
    *,
    own: Mapping[str, Arrays] | None = None,
    metrics: Any,
    card: str,
) -> None:
    """Write a model folder.

    Args:
        own: per language how its weights differ from `weights` (mere.models.delta).
    """
    with writing(folder, config, metrics=metrics, card=card) as record:
        record["weights_sha256"] = _write_arrays(folder / "model.safetensors", weights)
        for lang, delta in (own or {}).items():
            (folder / "languages").mkdir(exist_ok=True)
            file = folder / "languages" / f"{lang}.safetensors"
            record["languages"][lang] = _write_arrays(file, delta)


@contextmanager
def writing(folder: Path, config: ModelConfig, *, metrics: Any, card: str) -> Iterator[dict[str, Any]]:
    """Write all of a folder but what the model computes with, which the caller writes and adds to the record.

    `config.json` comes last, so a folder that has it is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").unlink(missing_ok=True)
    digests: dict[str, str] = {}
    pieces = _write_pieces(folder, config.pieces, digests)
    digests["labels.json"] = write_json(folder / "labels.json", config.labels.to_json())
    digests["metrics.json"] = write_json(folder / "metrics.json", metrics)
    write_whole(folder / CARD, card.encode())
    record: dict[str, Any] = {
        "format": FORMAT,
        "sums": True,
        "recipe": config.recipe.model_dump(mode="json"),
        "pieces": pieces,
        "thresholds": {"" if name == UNIVERSAL else name: value for name, value in config.thresholds.items()},
        "longest_span": config.longest_span,
        "languages": {},
    }
    yield record
    if "weights_sha256" in record:
        digests["model.safetensors"] = record["weights_sha256"]
        digests |= {f"languages/{lang}.safetensors": d for lang, d in record["languages"].items()}
    digests |= record.get("graphs", {})
    last = (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode()
    digests["config.json"] = hashlib.sha256(last).hexdigest()
    write_whole(folder / SUMS, sums_text(digests).encode())
    write_whole(folder / "config.json", last)


def _read_pieces(folder: Path, recipe: Recipe, record: Mapping[str, Any]) -> Pieces:
    arrays = read_arrays(folder / "pieces.safetensors") if record["arrays"] else {}
    files = {
        name: compare(folder / "pieces" / name, digest).read_bytes()
        for name, digest in record["files"].items()
    }
    return load_pieces(recipe.encoder, record, arrays, files)


def _write_pieces(folder: Path, pieces: Pieces, digests: dict[str, str]) -> dict[str, Any]:
    """Write what the pieces learned; return their record for config.json, and add to `digests`."""
    arrays = pieces.arrays()
    if arrays:
        digests["pieces.safetensors"] = _write_arrays(folder / "pieces.safetensors", arrays)
    files = {}
    for name, data in pieces.files().items():
        (folder / "pieces").mkdir(exist_ok=True)
        files[name] = digests[f"pieces/{name}"] = write_bytes(folder / "pieces" / name, data)
    return {**pieces.to_json(), "arrays": sorted(arrays), "files": files}


def _write_arrays(path: Path, arrays: Arrays) -> str:
    write_arrays(path, arrays)
    return sha256(path)


def _compare_what_is_read(folder: Path) -> None:
    """Compare the files that SHA256SUMS lists, but for those whose digests config.json has as well."""
    for name, digest in read_sums(folder).items():
        if name != "model.safetensors" and not name.startswith(("languages/", "pieces/", "graphs/")):
            compare(folder / name, digest)
