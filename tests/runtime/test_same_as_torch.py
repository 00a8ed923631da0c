"""An exported model says what the model says: the same facts, scores within 1e-4, for every kind of model."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

import mere
from mere.data.examples import ExampleMaker
from mere.languages.to_onnx import export_onnx
from mere.models.backend import load_predictor
from mere.models.onnx import graphs_of
from mere.models.quantise import quantised
from mere.models.weights import load_model
from mere.store.folder import ModelFolder
from mere.types import Prediction
from tests import tiny

TEXTS = [sentence.text for sentence in tiny.SENTENCES] + ["Ada", "a " * 40, "👩‍🚀 Ada\r\nkam.", "شارع 5"]
QUANTISED = ("MatMulInteger", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "QGemm")
LANGS = [sentence.lang for sentence in tiny.SENTENCES] + [None, "de", None, "xx"]


def assert_same(ours: list[Prediction], theirs: list[Prediction]) -> None:
    assert sum(len(p.triples) + len(p.entities) for p in theirs) > 3, "or nothing would be compared"
    for one, other in zip(ours, theirs, strict=True):
        assert [t.key for t in one.triples] == [t.key for t in other.triples]
        assert [e.span for e in one.entities] == [e.span for e in other.entities]
        scores = [(a.score, b.score) for a, b in zip(one.triples, other.triples, strict=True)]
        np.testing.assert_allclose(*np.array(scores or [(0.0, 0.0)]).T, atol=1e-4)


def test_the_same_facts_and_scores(tiny_model: Path, tiny_export: Path) -> None:
    theirs = load_predictor(tiny_model)
    ours = mere.load(tiny_export).predictor
    for threshold in (None, 0.0):
        assert_same(
            ours.predict(TEXTS, LANGS, threshold=threshold), theirs.predict(TEXTS, LANGS, threshold=threshold)
        )


def test_a_batch_is_its_sentences_one_by_one(tiny_export: Path) -> None:
    predictor = mere.load(tiny_export).predictor
    together = predictor.predict(TEXTS, LANGS, threshold=0.0)
    alone = [
        predictor.predict([text], [lang], threshold=0.0)[0] for text, lang in zip(TEXTS, LANGS, strict=True)
    ]
    assert_same(alone, together)


def test_what_was_read_before_changes_no_bit(tiny_export: Path) -> None:
    fresh, used = mere.load(tiny_export).predictor, mere.load(tiny_export).predictor
    used.predict(["Ein anderer Satz davor.", *reversed(TEXTS)], ["de", *reversed(LANGS)], threshold=0.0)
    expected = fresh.predict(TEXTS, LANGS, threshold=0.0)
    assert used.predict(TEXTS, LANGS, threshold=0.0) == expected
    assert fresh.predict(TEXTS, LANGS, threshold=0.0) == expected


def operator_counts(graph: bytes) -> Counter[str]:
    """Return how often each operator occurs in a graph."""
    return Counter(node.op_type for node in onnx.load_from_string(graph).graph.node)


def free_dimensions(graph: bytes) -> dict[str, list[str | int]]:
    """Return the dimensions of a graph's inputs and outputs: a name where one is free, a number where it is fixed."""
    model = onnx.load_from_string(graph)
    return {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }


@pytest.fixture(scope="module")
def graphs(tiny_model: Path) -> dict[str, bytes]:
    stored = ModelFolder.read(tiny_model)
    return graphs_of(load_model(stored), num_features(stored))


def test_no_dimension_of_a_batch_is_frozen(graphs: dict[str, bytes]) -> None:
    for name, graph in graphs.items():
        for shape in free_dimensions(quantised(graph)).values():
            assert isinstance(shape[0], str), name
        dimensions = free_dimensions(graph)
        if name == "encode":
            assert dimensions["pieces"][:2] == dimensions["refined"][:2] == ["B", "P"]


def num_features(stored: ModelFolder) -> int:
    encoded = ExampleMaker(stored.pieces, stored.labels).text("a", None)[1]
    assert encoded is not None
    return int(encoded.pieces.shape[1])


def test_every_lstm_and_matrix_is_quantised(graphs: dict[str, bytes]) -> None:
    graph = graphs["encode"]
    before, after = operator_counts(graph), operator_counts(quantised(graph))
    assert before["LSTM"] == 1, "both directions of the one layer"
    assert after["DynamicQuantizeLSTM"] == before["LSTM"]
    assert after["LSTM"] == 0
    assert (
        sum(
            after[name] for name in ("MatMulInteger", "DynamicQuantizeLSTM", "DynamicQuantizeMatMul", "QGemm")
        )
        > after["DynamicQuantizeLSTM"]
    )


def test_an_8_bit_model_is_held_against_the_model(tiny_model: Path, tmp_path: Path) -> None:
    stored = ModelFolder.read(tiny_model)
    with pytest.raises(mere.UserError, match="there are no dev sentences: name a corpus"):
        export_onnx(stored, tmp_path / "none")
    done = export_onnx(stored, tmp_path / "int8", dev=tiny.SENTENCES)
    assert done.parity is not None
    assert done.parity.worst <= 0.5
    report = ModelFolder.read(tmp_path / "int8").metrics()["export"]
    assert report["parity"]["largest_loss"] == round(done.parity.worst, 2)
    assert "## Export" in (tmp_path / "int8" / "README.md").read_text(encoding="utf-8")


def test_one_that_loses_too_much_is_refused_unless_forced(tiny_model: Path, tmp_path: Path) -> None:
    stored = ModelFolder.read(tiny_model)
    with pytest.raises(
        mere.UserError, match=r"every 8-bit model loses more than -101 points .* Nothing was written"
    ):
        export_onnx(stored, tmp_path / "out", dev=tiny.SENTENCES, largest_loss=-101)
    assert not (tmp_path / "out").exists()
    assert (
        export_onnx(stored, tmp_path / "out", dev=tiny.SENTENCES, largest_loss=-101, force=True).parity
        is not None
    )


def test_it_needs_no_torch(tiny_export: Path) -> None:
    code = (
        "import sys, mere; d = mere.load(sys.argv[1])('Ada kam aus Wien.', 'de'); print(d.to_json());"
        "assert not {'torch', 'transformers', 'jaxtyping', 'onnx'} & set(sys.modules), sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny_export)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_graph_that_was_altered_is_named(tiny_export: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(tiny_export, folder)
    graph = next(folder.glob("graphs/*/encode.onnx"))
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(mere.ModelError, match=r"encode.onnx: not the file"):
        mere.load(folder)
