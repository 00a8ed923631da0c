"""An exported model on disk: a model folder with graphs in place of weights.

graphs/<path>/<name>.onnx            what each path computes (mere.models.onnx); paths are those of mere.schema
graphs/<path>/chains.safetensors     the chains of its CRFs
encoder.safetensors                  what of the encoder no graph holds by name, for training that starts from it
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere.errors import ModelError
from mere.hub import again
from mere.schema import UNIVERSAL
from mere.store.files import Arrays, compare, read_arrays, sha256, write_arrays, write_bytes
from mere.store.folder import ModelConfig, ModelFolder, writing

CHAINS = "chains.safetensors"
ENCODER = "encoder.safetensors"


@dataclass(frozen=True)
class Graphs:
    """What an exported model computes with.

    Args:
        precision: in words. graphs: per path the graphs by name. chains: per path those of its CRFs.
        encoder: weights of the encoder that no graph holds by name; none: training cannot start from the export.
    """

    precision: str
    graphs: Mapping[str, Mapping[str, bytes]]
    chains: Mapping[str, Arrays]
    encoder: Arrays


def write_export(folder: Path, config: ModelConfig, graphs: Graphs, *, metrics: Any, card: str) -> None:
    """Write an exported model's folder."""
    with writing(folder, config, metrics=metrics, card=card) as record:
        digests = record["graphs"] = {}
        record["precision"] = graphs.precision
        if graphs.encoder:
            write_arrays(folder / ENCODER, graphs.encoder)
            digests[ENCODER] = sha256(folder / ENCODER)
        for path, files in graphs.graphs.items():
            place = folder / "graphs" / path
            place.mkdir(parents=True)
            for name, graph in files.items():
                digests[f"graphs/{path}/{name}.onnx"] = write_bytes(place / f"{name}.onnx", graph)
            write_arrays(place / CHAINS, graphs.chains[path])
            digests[f"graphs/{path}/{CHAINS}"] = sha256(place / CHAINS)
            if path != UNIVERSAL:
                record["languages"][path] = ""


def read_graphs(stored: ModelFolder, path: str = UNIVERSAL) -> tuple[dict[str, bytes], Arrays]:
    """Return the graphs of a path by name, and the chains of its CRFs.

    Raises:
        ModelError: a file is missing or altered.
    """
    place = f"graphs/{path}/"
    names = [name for name in stored.graphs if name.startswith(place) and name.endswith(".onnx")]
    if not names:
        raise ModelError(f"{stored.path}: has no graphs of {path}. {again(stored.path)}")
    graphs = {
        Path(name).stem: compare(stored.path / name, stored.graphs[name]).read_bytes() for name in names
    }
    return graphs, read_arrays(stored.path / place / CHAINS, stored.graphs[place + CHAINS])
