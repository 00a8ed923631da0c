"""Graphs with 8-bit weights: matrices and LSTMs by dynamic quantisation, tables row by row.

ONNX Runtime quantises an LSTM only in a graph that it has optimised at its basic level; straight from the exporter it
leaves every LSTM as it is without a word. So graphs are optimised first, and what was quantised is counted.

Matrices have weights of 7 bits in 8: x86 processors without VNNI add two products in 16 bits, which full range
overflows, so that a model would say other things on another machine than on that which compared it.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

LEAST_TABLE = 1 << 14
"""Numbers of the smallest table whose rows are worth quantising."""


def quantised(graph: bytes, operators: Collection[str] = ("MatMul", "LSTM")) -> bytes:
    """Return a graph with 8-bit weights.

    Args:
        operators: whose weights are quantised; tables are always.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, eight = Path(folder) / "plain.onnx", Path(folder) / "eight.onnx"
        tables = _tables_in_bytes(onnx.load_from_string(optimised(graph)))
        onnx.save(tables, plain)
        if not operators:
            return plain.read_bytes()
        quantize_dynamic(
            plain,
            eight,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=list(operators),
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        return eight.read_bytes()


def optimised(graph: bytes) -> bytes:
    """Return a graph as ONNX Runtime's basic optimisations leave it."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "graph.onnx")
        options.log_severity_level = 3
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        return (Path(folder) / "graph.onnx").read_bytes()


def _tables_in_bytes(model: ModelProto) -> ModelProto:
    """Let every lookup in a large table of floats be one in bytes, times the scale of its row."""
    graph = model.graph
    tables = {tensor.name: tensor for tensor in graph.initializer if _is_large_table(tensor)}
    used = Counter(name for node in graph.node for name in node.input if name in tables)
    nodes: list[NodeProto] = []
    done: set[str] = set()
    for node in graph.node:
        name = node.input[0] if node.op_type == "Gather" else ""
        axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
        if name not in tables or axis or used[name] > 1:
            nodes.append(node)
            continue
        table = numpy_helper.to_array(tables[name]).astype(np.float32)
        scale = np.maximum(np.abs(table).max(-1, keepdims=True), 1e-12) / 127
        bytes_ = np.round(table / scale).astype(np.int8)
        graph.initializer.append(numpy_helper.from_array(bytes_, f"{name}.bytes"))
        graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}.scale"))
        done.add(name)
        out, indices = node.output[0], node.input[1]
        nodes += [
            helper.make_node("Gather", [f"{name}.bytes", indices], [f"{out}.bytes"], axis=0),
            helper.make_node("Gather", [f"{name}.scale", indices], [f"{out}.scale"], axis=0),
            helper.make_node("Cast", [f"{out}.bytes"], [f"{out}.float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{out}.float", f"{out}.scale"], [out]),
        ]
    kept = [tensor for tensor in graph.initializer if tensor.name not in done]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    return model


def _is_large_table(tensor: TensorProto) -> bool:
    return (
        tensor.data_type == TensorProto.FLOAT
        and len(tensor.dims) >= 2
        and int(np.prod(tensor.dims)) >= LEAST_TABLE
    )
