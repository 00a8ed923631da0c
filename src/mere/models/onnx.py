"""A model as graphs that ONNX Runtime reads: the five calls of prediction (mere.inference.backend), without torch.

    units    pieces -> a vector of each by itself; of encoders that begin so (mere.nn.encoders.base)
    encode   pieces or those vectors, is_piece, lang_id -> refined pieces, and what each task says of the whole batch
    tags     refined pieces, read, row, relation -> scores of O, B, I for subjects and objects
    pairs    refined pieces, read, row, relation, spans -> probability of each pair

Rows are routed by `lang_id` inside `encode`, so a batch mixes languages as in torch. Batch and length stay free.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mere.errors import UserError
from mere.models.entities import EntityTask
from mere.models.entity_spans import SpansTask
from mere.models.entity_types import TypesTask
from mere.models.model import Model
from mere.models.tensors import TensorBatch
from mere.models.triples import TripleScores, TripleTask
from mere.nn.encoders.base import UnitEncoder
from mere.store.files import Arrays

OPSET = 17


def weights_in(graphs: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    """Return the encoder's weights that graphs hold by name (`encoder.…`), those in 8 bits as floats."""
    import onnx

    found: dict[str, NDArray[np.float32]] = {}
    for graph in graphs.values():
        held = {tensor.name: tensor for tensor in onnx.load_from_string(graph).graph.initializer}
        for name, tensor in held.items():
            _, is_encoder, rest = name.rpartition("encoder.")
            if is_encoder and not name.endswith(".scale"):
                array = onnx.numpy_helper.to_array(tensor).astype(np.float32)
                if name.endswith(".bytes"):
                    scale = held[name.removesuffix(".bytes") + ".scale"]
                    array = array * onnx.numpy_helper.to_array(scale)
                found[f"encoder.{rest.removesuffix('.bytes')}"] = array
    return found


class Units(nn.Module):
    """What an encoder says of pieces that stand alone."""

    def __init__(self, encoder: UnitEncoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, pieces: Tensor) -> Tensor:
        return self.encoder.units(pieces)  # (K, E)


class Encode(nn.Module):
    """All that is said of a batch at once: refined pieces, entities, relations and how they were read.

    Args:
        units: the encoder, where it is given what it says of each piece by itself.
    """

    def __init__(self, model: Model, units: UnitEncoder | None):
        super().__init__()
        self.model = model
        self.units = units

    def outputs(self) -> list[str]:
        """Return the names of what `forward` returns."""
        entities = ["entities"] if self.model.entities is not None else []
        triples = ["relations", "read"] if self.model.triples is not None else []
        return ["refined", *entities, *triples]

    def forward(self, pieces: Tensor, is_piece: Tensor, lang_id: Tensor) -> tuple[Tensor, ...]:
        batch = TensorBatch(pieces, is_piece, is_piece, lang_id)
        encoded = self.model.encode(batch) if self.units is None else self.units.in_context(pieces, is_piece)
        refined = self.model.refine(encoded, batch)  # (B, P, D)
        said = [refined]
        if isinstance(self.model.entities, TypesTask):
            said.append(self.model.entities.emissions(refined).log_softmax(-1))  # (B, P, 1 + K)
        elif isinstance(self.model.entities, EntityTask):
            said.append(self.model.entities.emissions(refined))  # (B, P, 1 + 2 K)
        if self.model.triples is not None:
            scores = self.model.triples(refined, batch)
            said += [scores.relations.sigmoid(), scores.read]  # (B, R), (B, R, D)
        return tuple(said)


class Tags(nn.Module):
    """The tagger, asked for relations of sentences."""

    def __init__(self, task: TripleTask):
        super().__init__()
        self.task = task

    def forward(self, refined: Tensor, read: Tensor, row: Tensor, relation: Tensor) -> Tensor:
        return TripleScores(self.task, refined, read[..., 0], read).tags(row, relation)


class Pairs(nn.Module):
    """The pair scorer, asked for pairs of spans."""

    def __init__(self, task: TripleTask):
        super().__init__()
        self.task = task

    def forward(self, refined: Tensor, read: Tensor, row: Tensor, relation: Tensor, spans: Tensor) -> Tensor:
        return TripleScores(self.task, refined, read[..., 0], read).pairs(row, relation, spans).sigmoid()


def graphs_of(model: Model, num_features: int) -> dict[str, bytes]:
    """Return a model's graphs by name, in fp32.

    Args:
        num_features: F, numbers that describe a piece.

    Raises:
        UserError: the decoder writes entities one after the other, which no graph of free length does.
    """
    if isinstance(model.entities, SpansTask):
        raise UserError(
            "a model with entities.decoder=spans cannot be exported to ONNX: it writes entities step by step. "
            "Train one with entities.decoder=tags or types."
        )
    model = model.eval()
    pieces = torch.ones(2, 5, num_features, dtype=torch.int32)
    is_piece = torch.ones(2, 5, dtype=torch.bool)
    is_piece[1, 4] = False
    lang_id = torch.tensor([0, 1 if model.switcher is not None else 0])
    graphs = {}
    if (encoder := _reads_units(model)) is not None:
        units = Units(encoder).eval()
        graphs["units"] = _graph(units, {"units": pieces[0]}, ["vectors"])
        with torch.no_grad():
            pieces = torch.stack([units(row) for row in pieces])
    encode = Encode(model, encoder).eval()
    inputs = {"pieces": pieces, "is_piece": is_piece, "lang_id": lang_id}
    graphs["encode"] = _graph(encode, inputs, encode.outputs())
    if model.triples is not None:
        with torch.no_grad():
            said = dict(zip(encode.outputs(), encode(**inputs), strict=True))
        asked = {"refined": said["refined"], "read": said["read"]}
        asked |= {"row": torch.tensor([0, 1, 1]), "relation": torch.tensor([0, 0, 0])}
        spans = torch.tensor([[0, 1, 1, 3], [1, 2, 0, 1], [0, 2, 3, 4]])
        graphs["tags"] = _graph(Tags(model.triples).eval(), asked, ["tags"])
        graphs["pairs"] = _graph(Pairs(model.triples).eval(), {**asked, "spans": spans}, ["pairs"])
    return graphs


def _reads_units(model: Model) -> UnitEncoder | None:
    """Return the encoder, where it reads pieces by themselves first and nothing else reads them."""
    reads_alone = model.triples is None or model.triples.classifier is None
    return model.encoder if isinstance(model.encoder, UnitEncoder) and reads_alone else None


def chains_of(model: Model) -> Arrays:
    """Return the chains of a model's CRFs as arrays, named "entities.start" and so on; none where it has none."""
    arrays: dict[str, NDArray[Any]] = {}
    if isinstance(model.entities, EntityTask):
        arrays |= {f"entities.{name}": array for name, array in vars(model.entities.crf.chain()).items()}
    if model.triples is not None:
        arrays |= {f"triples.{name}": array for name, array in vars(model.triples.crf.chain()).items()}
    return arrays


_AXES: Mapping[str, Mapping[int, str]] = {
    "units": {0: "K"},
    "vectors": {0: "K"},
    "pieces": {0: "B", 1: "P"},
    "is_piece": {0: "B", 1: "P"},
    "lang_id": {0: "B"},
    "refined": {0: "B", 1: "P"},
    "entities": {0: "B", 1: "P"},
    "relations": {0: "B"},
    "read": {0: "B"},
    "row": {0: "N"},
    "relation": {0: "N"},
    "spans": {0: "N"},
    "tags": {0: "N", 2: "P"},
    "pairs": {0: "N"},
}
"""Which dimensions of each input and output are free."""


def _graph(module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> bytes:
    """Trace a module. The exporter by tracing is used on purpose: the other one freezes lengths of LSTMs."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        file = Path(folder) / "graph.onnx"
        warnings.simplefilter("ignore")  # of every `if` on a shape that is traced
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            file,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(_AXES[name]) for name in (*inputs, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
        return file.read_bytes()
