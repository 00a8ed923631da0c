"""A model as prediction asks for it: the backend of ONNX Runtime (mere.inference.backend). No torch here."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mere.data.batching import Batch
from mere.data.examples import ExampleMaker
from mere.decoding.crf import Chain
from mere.decoding.entities import Emissions, EntityScores, LogProbs
from mere.decoding.limits import Limits
from mere.errors import ModelError
from mere.inference.backend import Float32, Int64
from mere.inference.predictor import Predictor
from mere.runtime.subwords import Packing, SubwordVectors
from mere.runtime.units import UnitVectors
from mere.schema import UNIVERSAL
from mere.store.export import read_graphs
from mere.store.files import Arrays
from mere.store.folder import ModelFolder

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

State = dict[str, Float32]
"""What the graph `encode` says of a batch, by name."""


class OnnxBackend:
    """Reads batches with exported graphs.

    Args:
        graphs: `encode`, `units` or `subwords` where one of them reads before it, and `tags` and `pairs` where there
            is a task of triples (mere.models.onnx).
        chains: of the CRFs, by names such as "entities.start".
        threads: of each call; 0: as many as the process may use.
    """

    def __init__(self, graphs: Mapping[str, bytes], chains: Arrays, *, threads: int = 0):
        sessions = {name: _session(graph, threads) for name, graph in graphs.items()}
        self._run = {name: session.run for name, session in sessions.items()}
        self._outputs = {name: [o.name for o in session.get_outputs()] for name, session in sessions.items()}
        self._inputs = {name: {i.name for i in session.get_inputs()} for name, session in sessions.items()}
        self._chains = chains
        self._units = UnitVectors(lambda units: self._call("units", units=units)["vectors"])
        self._subwords: SubwordVectors | None = None
        if "subwords" in sessions:
            packing = json.loads(sessions["subwords"].get_modelmeta().custom_metadata_map["packing"])
            self._subwords = SubwordVectors(
                lambda **given: self._call("subwords", **given)["states"], Packing(**packing)
            )

    @property
    def chain(self) -> Chain:
        return self._chain("triples")

    def encode(self, batch: Batch) -> State:
        pieces = batch.pieces
        if self._subwords is not None:
            pieces = self._subwords(pieces, batch.is_piece, batch.lang_id)
        elif "units" in self._run:
            pieces = self._units(pieces, batch.is_piece)
        return self._call("encode", pieces=pieces, is_piece=batch.is_piece, lang_id=batch.lang_id)

    def entities(self, state: State) -> EntityScores | None:
        if "entities" not in state:
            return None
        if "entities.start" in self._chains:
            return Emissions(state["entities"], self._chain("entities"))
        return LogProbs(state["entities"])

    def relations(self, state: State) -> Float32 | None:
        return state.get("relations")

    def tags(self, state: State, row: Int64, relation: Int64) -> Float32:
        asked = {"refined": state["refined"], "read": state["read"], "row": row, "relation": relation}
        return self._call("tags", **asked)["tags"]

    def pairs(self, state: State, row: Int64, relation: Int64, spans: Int64) -> Float32:
        asked = {"refined": state["refined"], "read": state["read"], "row": row, "relation": relation}
        return self._call("pairs", spans=spans, **asked)["pairs"]

    def _call(self, name: str, **arrays: Any) -> State:
        given = {key: array for key, array in arrays.items() if key in self._inputs[name]}
        return dict(zip(self._outputs[name], self._run[name](None, given), strict=True))

    def _chain(self, task: str) -> Chain:
        return Chain(*(self._chains[f"{task}.{part}"] for part in ("start", "transitions", "end")))


def _session(graph: bytes, threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = (
        threads or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    )
    options.inter_op_num_threads = 1
    options.add_session_config_entry(
        "session.intra_op.allow_spinning", "0"
    )  # a busy neighbour costs no factor
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no class in common
        raise ModelError(f"a graph of the model cannot be read by this ONNX Runtime: {error}") from None


def limits_of(stored: ModelFolder) -> Limits:
    """Return how far decoding looks at what a stored model says."""
    settings = {**stored.recipe.decoding.model_dump(), "longest_span": stored.longest_span}
    return Limits(relations=stored.recipe.triples.candidates, **settings)


def load_predictor(stored: ModelFolder, *, threads: int = 0) -> Predictor:
    """Return the predictor of an exported model.

    Raises:
        ModelError: a graph is missing, altered, or not for this ONNX Runtime.
    """
    shared, *own = (
        OnnxBackend(*read_graphs(stored, path), threads=threads) for path in (UNIVERSAL, *stored.own)
    )
    return Predictor(
        shared,
        ExampleMaker(stored.pieces, stored.labels),
        own=dict(zip(stored.own, own, strict=True)),
        thresholds=stored.thresholds,
        type_map=stored.recipe.data.types,
        limits=limits_of(stored),
    )
