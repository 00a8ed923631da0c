"""Graphs of pretrained encoders with attention, normalisation and activation each in one operator."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import ModelProto

_LIKE_BERT = ("bert", "camembert", "roberta", "xlm-roberta")
"""Families whose layers ONNX Runtime's optimiser knows; graphs of others stay as they are."""


def fused(graph: ModelProto, family: str, heads: int, dim: int) -> bytes:
    """Return a graph with its layers fused, where the family's are known; it computes the same.

    Args:
        family: as transformers names it. heads: of its attention. dim: width of its layers.
    """
    if family not in _LIKE_BERT:
        return graph.SerializeToString()
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions

    options = FusionOptions("bert")
    options.enable_embed_layer_norm = False  # takes the tables in, which are quantised row by row
    level = logging.root.level
    with TemporaryDirectory() as folder:
        file = Path(folder) / "graph.onnx"
        onnx.save(graph, file)
        logging.disable(logging.WARNING)
        try:
            done = optimizer.optimize_model(
                str(file),
                model_type="bert",
                num_heads=heads,
                hidden_size=dim,
                optimization_options=options,
                opt_level=0,
            )
        finally:
            logging.disable(logging.NOTSET)
            logging.root.setLevel(level)
    done.model.metadata_props.extend(p for p in graph.metadata_props if p not in done.model.metadata_props)
    return done.model.SerializeToString()
