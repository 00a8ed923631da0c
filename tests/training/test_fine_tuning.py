"""Fine-tuning goes on from a model's encoder, stored as weights or exported, with heads for other labels."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mere.errors import ModelError
from mere.languages.to_onnx import export_onnx
from mere.models.weights import encoder_weights
from mere.store.folder import ModelFolder
from mere.training.fine_tuning import fine_tuning_recipe
from mere.training.initialisation import initial_model
from mere.training.run import train
from tests.command import mere, refused

SHORT = ["stage1.steps=3", "stage1.evaluations=1", "task=triples"]


@pytest.fixture(scope="module")
def exports(tiny_model: Path, tiny_export: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    int8 = tmp_path_factory.mktemp("exports") / "int8"
    export_onnx(ModelFolder.read(tiny_model), int8, precision="int8", force=True)
    return {"fp32": tiny_export, "int8": int8}


def test_an_export_holds_the_encoder(tiny_model: Path, exports: dict[str, Path]) -> None:
    expected = encoder_weights(ModelFolder.read(tiny_model))
    for precision, folder in exports.items():
        found = encoder_weights(ModelFolder.read(folder))
        assert found.keys() == expected.keys()
        for name, tensor in found.items():
            step = 0 if precision == "fp32" else float(expected[name].abs().max()) / 127
            torch.testing.assert_close(tensor, expected[name], atol=0.51 * step, rtol=0)


def test_a_run_begins_with_the_encoder_and_reads_as_the_model_does(
    tiny_model: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    recipe = fine_tuning_recipe(str(tiny_model), overrides=[*SHORT, f"data.path={tiny_corpus}"])
    stored = ModelFolder.read(tiny_model)
    model = initial_model(recipe, stored.labels, stored.pieces, torch.device("cpu"))
    for name, tensor in encoder_weights(stored).items():
        assert torch.equal(model.state_dict()[name], tensor), name
    made = ModelFolder.read(train(recipe, tmp_path / "run", progress=False))
    assert made.pieces.to_json() == stored.pieces.to_json()


def test_by_the_command_line_from_an_export(
    exports: dict[str, Path], tiny_corpus: Path, tmp_path: Path
) -> None:
    settings = [item for value in [*SHORT, f"data.path={tiny_corpus}"] for item in ("--set", value)]
    done = mere("train", "--from", exports["int8"], *settings, "--out", tmp_path / "run", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert ModelFolder.read(tmp_path / "run" / "model").recipe.start == str(exports["int8"])


def test_what_cannot_be_started_from(tiny_model: Path, tmp_path: Path) -> None:
    refused(mere("train", "--out", tmp_path / "run"), "mere train --from names --out RUN")
    recipe = fine_tuning_recipe(str(tiny_model))
    other = recipe.model_copy(update={"encoder": recipe.encoder.model_copy(update={"layers": 3})})
    stored = ModelFolder.read(tiny_model)
    with pytest.raises(ModelError, match="its encoder is not the recipe's"):
        initial_model(other, stored.labels, stored.pieces, torch.device("cpu"))
