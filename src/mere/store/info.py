"""What a model's folder says of the model, its weights unread: for `mere info`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import safe_open

from mere.schema import UNIVERSAL
from mere.store.card import split_front_matter
from mere.store.files import PATTERNS, read_json
from mere.store.folder import ModelFolder

_DTYPES = {"F32": "fp32", "F16": "fp16", "BF16": "bf16", "F64": "fp64", "I8": "int8"}


@dataclass(frozen=True)
class ModelInfo:
    """A model in words and numbers.

    Args:
        form: "weights", which torch reads, or "graphs", an export that needs none.
        encoder: its kind, or the pretrained encoder's name.
        own_weights: languages that have weights of their own beside the shared ones.
        parameters: of all weights; None for graphs.
        precision: of its numbers, in words. bytes: of all files of the folder.
        thresholds: least score of a triple per path.
        dev: scores per metric and language on dev, in percent.
    """

    name: str
    tasks: tuple[str, ...]
    form: str
    encoder: str
    languages: tuple[str, ...]
    own_weights: tuple[str, ...]
    relations: tuple[str, ...]
    types: tuple[str, ...]
    parameters: int | None
    precision: str
    bytes: int
    licence: str
    thresholds: Mapping[str, float]
    dev: Mapping[str, Mapping[str, float]]

    @classmethod
    def read(cls, folder: Path) -> ModelInfo:
        """Read a model's folder.

        Raises:
            ModelError: the folder or a file in it is missing, cut short, or of another version.
        """
        stored = ModelFolder.read(folder)
        front, _ = split_front_matter(stored.card())
        parameters, precision = _numbers(stored)
        return cls(
            name=stored.recipe.name,
            tasks=tuple(stored.recipe.task),
            form="graphs" if stored.graphs else "weights",
            encoder=stored.recipe.encoder.name,
            languages=stored.labels.languages,
            own_weights=tuple(stored.own),
            relations=stored.labels.relations,
            types=stored.labels.types,
            parameters=parameters,
            precision=precision,
            bytes=sum(file.stat().st_size for pattern in PATTERNS for file in folder.glob(pattern)),
            licence=str(front.get("license_name") or front.get("license") or "unknown"),
            thresholds=stored.thresholds,
            dev=stored.metrics().get("dev", {}),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[tuple[str, str]]:
        """Return what there is to say, as pairs of a heading and a line."""
        own = f"; own weights: {', '.join(self.own_weights)}" if self.own_weights else ""
        size = f"{self.bytes / 1e6:,.1f} MB in {self.form}, {self.precision}"
        if self.parameters is not None:
            size += f", {self.parameters:,} parameters"
        lines = [
            ("model", f"{self.name}: {', '.join(self.tasks)}"),
            ("encoder", self.encoder),
            ("size", size),
            ("licence of the data", self.licence),
            ("languages", _counted(self.languages) + own),
            ("relations", _counted(self.relations)),
            ("types", _counted(self.types)),
        ]
        if "triples" in self.tasks:
            others = {path: value for path, value in self.thresholds.items() if path != UNIVERSAL}
            each = {UNIVERSAL: self.thresholds[UNIVERSAL], **dict(sorted(others.items()))}
            lines.append(("thresholds", ", ".join(f"{path} {value:.2f}" for path, value in each.items())))
        for metric, scores in self.dev.items():
            said = ", ".join(f"{scope} {value:.1f}" for scope, value in scores.items())
            lines.append((f"dev {metric}", f"{said} (percent)"))
        return lines


def _counted(names: tuple[str, ...]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else "none"


def _numbers(stored: ModelFolder) -> tuple[int | None, str]:
    """Return how many parameters there are and in which precision, from the heads of the weights' files."""
    if stored.graphs:
        return None, str(read_json(stored.path / "config.json").get("precision", "unknown"))
    files = [stored.path / "model.safetensors", *(stored.path / "languages").glob("*.safetensors")]
    count, dtypes = 0, set[str]()
    for file in files:
        with safe_open(file, framework="numpy") as arrays:
            for name in arrays.keys():  # noqa: SIM118  (no mapping)
                array = arrays.get_slice(name)
                count += math.prod(array.get_shape())
                dtypes.add(array.get_dtype())
    floats = sorted(_DTYPES[dtype] for dtype in dtypes if dtype in _DTYPES)
    return count, " and ".join(floats)
