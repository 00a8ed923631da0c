"""Exports of pretrained encoders say what torch says, for every family, and read subwords without transformers."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import mere
from mere.data.batching import collate
from mere.data.examples import ExampleMaker
from mere.data.pieces import fit_pieces
from mere.languages.to_onnx import WAYS, export_onnx
from mere.models.backend import TorchBackend
from mere.models.model import build
from mere.models.onnx import chains_of, graphs_of
from mere.models.weights import to_arrays
from mere.runtime.backend import OnnxBackend
from mere.schema import Labels
from mere.store.folder import ModelConfig, ModelFolder, write_folder
from tests import checkpoints, tiny

LABELS = Labels(("birth-place", "wrote"), ("PER", "LOC"), ("de", "en", "ja"))
TEXTS = [sentence.text for sentence in tiny.SENTENCES] + ["Ada", "lange Reihe " * 12]
LANGS = [sentence.lang for sentence in tiny.SENTENCES] + [None, "de"]
SETTINGS: list[dict[str, Any]] = [
    {"family": "bert", "words": "first"},
    {"family": "bert", "words": "none", "switcher": {"kind": "adapters", "width": 8}},
    {"family": "xlm-roberta", "words": "mean", "max_pieces": 16, "switcher": {"kind": "lora", "rank": 4}},
    {"family": "deberta-v2", "words": "first"},
    {"family": "modernbert", "words": "mean"},
    {"family": "distilbert", "words": "none", "max_pieces": 12},
    {"family": "t5", "words": "first"},
]


def built(
    folder: Path, family: str, switcher: dict[str, Any] | None = None, **encoder: Any
) -> tuple[Any, ...]:
    """Return a recipe, a model with random heads and switchers, and its pieces."""
    checkpoint = checkpoints.make(family, folder / family)
    recipe = tiny.recipe(
        task=["entities", "triples"],
        encoder={"name": str(checkpoint), **encoder},
        aggregator={"layers": 1, "heads": 4, "dropout": 0.0},
        switcher=switcher or {"width": 8},
    )
    pieces = fit_pieces(recipe.encoder, tiny.SENTENCES)
    torch.manual_seed(3)
    model = build(recipe, LABELS, pieces)
    model.start()
    with torch.no_grad():
        for parameter in (*model.switcher.parameters(), *model.aggregator.parameters()):
            parameter += 0.1 * torch.randn_like(parameter)
    return recipe, model.eval(), pieces


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Any, dict[str, bytes]]]:
    """Return a function that gives a family's model, its pieces and its graphs, made once."""

    @cache
    def made(family: str) -> tuple[Any, Any, dict[str, bytes]]:
        _, model, pieces = built(tmp_path_factory.mktemp("exported"), family, words="first")
        return model, pieces, graphs_of(model, pieces.read("Ada")[1].shape[1])

    return made


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: f"{s['family']}-{s['words']}")
def test_the_same_as_torch(tmp_path: Path, settings: dict[str, Any]) -> None:
    _, model, pieces = built(tmp_path, **settings)
    maker = ExampleMaker(pieces, LABELS)
    batch = collate([e for t, lang in zip(TEXTS, LANGS, strict=True) if (e := maker.text(t, lang)[1])])
    graphs = graphs_of(model, batch.pieces.shape[2])
    theirs, ours = TorchBackend(model), OnnxBackend(graphs, chains_of(model), threads=1)
    expected, found = theirs.encode(batch), ours.encode(batch)
    near = {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(
        found["refined"][batch.is_piece], expected.pieces.numpy()[batch.is_piece], **near
    )
    np.testing.assert_allclose(ours.relations(found), theirs.relations(expected), **near)
    row, relation = np.array([0, 5, 14]), np.array([1, 0, 1])
    tags = ours.tags(found, row, relation), theirs.tags(expected, row, relation)
    for place, index in enumerate(row):
        length = batch.is_piece[index].sum()
        np.testing.assert_allclose(*(one[place, :, :length] for one in tags), **near)
    alone = collate([maker.text(TEXTS[5], LANGS[5])[1]])
    np.testing.assert_allclose(
        ours.relations(ours.encode(alone))[0], ours.relations(found)[5], rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_attention_is_fused_and_everything_is_quantised(
    exported: Callable[[str], tuple[Any, Any, dict[str, bytes]]], family: str
) -> None:
    graph = exported(family)[2]["subwords"]
    assert operators(graph)["Attention"] == 2
    after = operators(WAYS["everything"]("subwords", graph))
    assert after["QAttention"] == 2
    assert after["MatMul"] == 0


def operators(graph: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


def test_8_bits_are_near(exported: Callable[[str], tuple[Any, Any, dict[str, bytes]]]) -> None:
    model, pieces, graphs = exported("xlm-roberta")
    maker = ExampleMaker(pieces, LABELS)
    batch = collate([maker.text(text, "de")[1] for text in TEXTS])
    eight = {name: WAYS["everything"](name, graph) for name, graph in graphs.items()}
    full, small = (OnnxBackend(g, chains_of(model), threads=1).encode(batch) for g in (graphs, eight))
    one, other = (state["refined"][batch.is_piece] for state in (full, small))
    cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert cosine.min() > 0.98


def test_an_export_needs_neither_torch_nor_transformers(tmp_path: Path) -> None:
    recipe, model, pieces = built(tmp_path, "bert", words="first")
    config = ModelConfig(recipe, LABELS, pieces, {"universal": 0.3}, 48)
    write_folder(tmp_path / "model", config, to_arrays(model.state_dict()), metrics={}, card="# tiny\n")
    export_onnx(ModelFolder.read(tmp_path / "model"), tmp_path / "export", precision="fp32")
    code = (
        "import sys, mere; d = mere.load(sys.argv[1])('Ada kam aus Wien. Sie blieb.', 'de'); print(d.to_json());"
        "assert not {'torch', 'transformers', 'onnx'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "export")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_languages_that_share_positions_are_refused(tmp_path: Path) -> None:
    _, model, pieces = built(tmp_path, "deberta-v2", {"kind": "lora", "rank": 4}, words="first")
    with pytest.raises(mere.UserError, match="--lang CODE"):
        graphs_of(model, pieces.read("Ada")[1].shape[1])
