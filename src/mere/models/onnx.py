"""A model as graphs that ONNX Runtime reads: the five calls of prediction (mere.inference.backend), without torch.

    units      pieces -> a vector of each by itself; of encoders that begin so (mere.nn.encoders.base)
    subwords   windows of subwords -> their last hidden states; of pretrained encoders (mere.runtime.subwords)
    encode     pieces or the vectors of either, is_piece, lang_id -> refined pieces, and what each task says of all
    tags       refined pieces, read, row, relation -> scores of O, B, I for subjects and objects
    pairs      refined pieces, read, row, relation, spans -> probability of each pair

Rows are routed by `lang_id` inside `encode`, so a batch mixes languages as in torch. Batch and length stay free.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mere.errors import UserError
from mere.models.entities import EntityTask
from mere.models.entity_spans import SpansTask
from mere.models.entity_types import TypesTask
from mere.models.fuse import fused
from mere.models.model import Model
from mere.models.onnx_lstm import lstms_in_one_operator
from mere.models.tensors import TensorBatch
from mere.models.triples import TripleScores, TripleTask
from mere.nn.encoder_switchers import InsideSwitcher
from mere.nn.encoders import PretrainedEncoder
from mere.nn.encoders.base import UnitEncoder
from mere.nn.encoders.family import written_out
from mere.nn.routing import Route, routed
from mere.store.files import Arrays

OPSET = 17


def weights_in(graphs: Mapping[str, bytes]) -> dict[str, NDArray[np.float32]]:
    """Return the encoder's weights that graphs hold by name (`encoder.…`), those in 8 bits as floats."""
    found: dict[str, NDArray[np.float32]] = {}
    for graph in graphs.values():
        held = {tensor.name: tensor for tensor in onnx.load_from_string(graph).graph.initializer}
        for name, tensor in held.items():
            _, is_encoder, rest = name.rpartition("encoder.")
            if is_encoder and rest.removesuffix(".bytes").endswith((".weight", ".bias")):
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


class Subwords(nn.Module):
    """What a pretrained encoder says of windows of subwords, each row by its language."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, is_given: Tensor, lang_id: Tensor) -> Tensor:
        assert isinstance(self.model.encoder, PretrainedEncoder)
        with routed(_route(self.model, lang_id)):
            return self.model.encoder.states(ids, is_given)  # (W, S, D)


class Encode(nn.Module):
    """All that is said of a batch at once: refined pieces, entities, relations and how they were read.

    It is given pieces, or what a graph before it says of them.
    """

    def __init__(self, model: Model):
        super().__init__()
        self.model = model
        self.begins_with = _begins_with(model)

    def outputs(self) -> list[str]:
        """Return the names of what `forward` returns."""
        entities = ["entities"] if self.model.entities is not None else []
        triples = ["relations", "read"] if self.model.triples is not None else []
        return ["refined", *entities, *triples]

    def forward(self, pieces: Tensor, is_piece: Tensor, lang_id: Tensor) -> tuple[Tensor, ...]:
        batch = TensorBatch(pieces, is_piece, is_piece, lang_id)
        refined = self.model.refine(self._encoded(pieces, is_piece, lang_id), batch)  # (B, P, D)
        said = [refined]
        if isinstance(self.model.entities, TypesTask):
            said.append(self.model.entities.emissions(refined).log_softmax(-1))  # (B, P, 1 + K)
        elif isinstance(self.model.entities, EntityTask):
            said.append(self.model.entities.emissions(refined))  # (B, P, 1 + 2 K)
        if self.model.triples is not None:
            scores = self.model.triples(refined, batch)
            said += [scores.relations.sigmoid(), scores.read]  # (B, R), (B, R, D)
        return tuple(said)

    def _encoded(self, pieces: Tensor, is_piece: Tensor, lang_id: Tensor) -> Tensor:
        encoder = self.model.encoder
        if self.begins_with == "subwords":
            return pieces
        if self.begins_with == "units":
            assert isinstance(encoder, UnitEncoder)
            return encoder.in_context(pieces, is_piece)
        with routed(_route(self.model, lang_id)):
            return encoder(pieces, is_piece)


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
        UserError: the model has a part that no graph of free length holds.
    """
    _refuse(model)
    model = model.eval()
    pieces = torch.ones(2, 5, num_features, dtype=torch.int32)
    is_piece = torch.ones(2, 5, dtype=torch.bool)
    is_piece[1, 4] = False
    lang_id = torch.tensor([0, 1 if model.switcher is not None else 0])
    graphs: dict[str, bytes] = {}
    begins_with = _begins_with(model)
    if begins_with == "subwords":
        graphs["subwords"] = _subwords(model)
        pieces = torch.randn(2, 5, model.encoder.dim)
    elif begins_with == "units":
        assert isinstance(model.encoder, UnitEncoder)
        units = Units(model.encoder).eval()
        graphs["units"] = _graph(units, {"units": pieces[0]}, ["vectors"])
        with torch.no_grad():
            pieces = torch.stack([units(row) for row in pieces])
    encode = Encode(model).eval()
    inputs = {"pieces": pieces, "is_piece": is_piece, "lang_id": lang_id}
    with lstms_in_one_operator(model):
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


def _begins_with(model: Model) -> str:
    """Return the graph that reads pieces before `encode`: "units" or "subwords"; "": `encode` does."""
    if isinstance(model.encoder, PretrainedEncoder):
        return "subwords"
    is_alone = model.triples is None or model.triples.classifier is None  # else another encoder reads pieces
    is_alone = is_alone and not isinstance(model.switcher, InsideSwitcher)
    return "units" if isinstance(model.encoder, UnitEncoder) and is_alone else ""


def _route(model: Model, lang_id: Tensor) -> Route | None:
    """Return the route of rows through a switcher inside the encoder, if there is one."""
    return model.switcher.route_by_row(lang_id) if isinstance(model.switcher, InsideSwitcher) else None


def _refuse(model: Model) -> None:
    """Refuse a model that no graph of free length holds.

    Raises:
        UserError: says what would be held.
    """
    if isinstance(model.entities, SpansTask):
        raise UserError(
            "a model with entities.decoder=spans cannot be exported to ONNX: it writes entities step by step. "
            "Train one with entities.decoder=tags or types."
        )
    if model.triples is not None and isinstance(model.triples.classifier, PretrainedEncoder):
        raise UserError(
            "a model with triples.shared=false cannot be exported to ONNX with a pretrained encoder: it has two. "
            "Train one with triples.shared=true."
        )
    if isinstance(model.switcher, InsideSwitcher) and model.switcher.one_language_at_a_time:
        raise UserError(
            "this encoder's positions are those of a whole batch, so its languages cannot share a graph. "
            "Export one: --lang CODE, of a model with switcher.kind=lora."
        )


def _subwords(model: Model) -> bytes:
    """Return the graph of a pretrained backbone, with what packs its windows in the graph's metadata."""
    encoder = model.encoder
    assert isinstance(encoder, PretrainedEncoder)
    specials = encoder.checkpoint.specials
    ids = torch.full((2, 7), specials.unknown)
    is_given = torch.ones(2, 7, dtype=torch.bool)
    is_given[1, 5:] = False
    lang_id = torch.tensor([0, 1 if model.switcher is not None else 0])
    with written_out(encoder.backbone):
        inputs = {"ids": ids, "is_given": is_given, "lang_id": lang_id}
        graph = onnx.load_from_string(_graph(Subwords(model).eval(), inputs, ["states"]))
    packing = {
        "before": list(specials.before),
        "after": list(specials.after),
        "pad": encoder.pad,
        "size": encoder.size,
        "words": encoder.words,
    }
    onnx.helper.set_model_props(graph, {"packing": json.dumps(packing)})
    config = encoder.backbone.config
    return fused(graph, str(config.model_type), int(getattr(config, "num_attention_heads", 0)), encoder.dim)


def chains_of(model: Model) -> Arrays:
    """Return the chains of a model's CRFs as arrays, named "entities.start" and so on; none where it has none."""
    arrays: dict[str, NDArray[Any]] = {}
    if isinstance(model.entities, EntityTask):
        arrays |= {f"entities.{name}": array for name, array in vars(model.entities.crf.chain()).items()}
    if model.triples is not None:
        arrays |= {f"triples.{name}": array for name, array in vars(model.triples.crf.chain()).items()}
    return arrays


_AXES: Mapping[str, Mapping[int, str]] = {
    "ids": {0: "W", 1: "S"},
    "is_given": {0: "W", 1: "S"},
    "states": {0: "W", 1: "S"},
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
