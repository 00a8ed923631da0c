"""Model folders: written whole or not at all, read strictly, and every fault is one message with the file's name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mere.data.features import Features
from mere.data.pieces import HashedUnits
from mere.data.units import Units
from mere.errors import ModelError
from mere.models.backend import load_predictor, model_of
from mere.models.model import Model, build
from mere.models.weights import write_tensors
from mere.schema import UNIVERSAL, Labels
from mere.store.files import FORMAT
from mere.store.folder import ModelFolder
from tests import tiny
from tests.store.folders import resum, write_model

LABELS = Labels(("birth-place", "wrote"), ("PER",), ("de", "te"))
UNITS = Units(frozenset({"లో"}), ("Hangul",))
PIECES = HashedUnits(UNITS, Features(2048))
THRESHOLDS = {UNIVERSAL: 0.25, "de": 0.5}


def model(seed: int = 1) -> Model:
    torch.manual_seed(seed)
    return build(tiny.recipe(), LABELS)


def write(folder: Path, **changes: Any) -> Path:
    given: dict[str, Any] = {
        "model": model(),
        "recipe": tiny.recipe(),
        "labels": LABELS,
        "pieces": PIECES,
        "thresholds": THRESHOLDS,
        "metrics": {},
        "card": "# tiny\n",
    }
    return write_model(folder, **{**given, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("folder") / "model")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(whole, tmp_path / "model"))


def said(folder: Path) -> str:
    with pytest.raises(ModelError) as raised:
        load_predictor(folder)
    return str(raised.value)


def test_what_is_written_is_read_again(whole: Path) -> None:
    stored = ModelFolder.read(whole)
    assert (stored.recipe, stored.labels) == (tiny.recipe(), LABELS)
    assert isinstance(stored.pieces, HashedUnits)
    assert (stored.pieces.units, stored.pieces.features.rows) == (UNITS, 2048)
    assert stored.pieces.features.known is None
    assert stored.thresholds == THRESHOLDS
    loaded = load_predictor(whole)
    weights = model().state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model_of(loaded).state_dict().items())
    assert loaded.thresholds == THRESHOLDS
    assert loaded.own == {}
    triples = model_of(loaded).triples
    assert triples is not None
    assert triples.settings == tiny.recipe().triples
    assert {path.name for path in whole.iterdir()} == {
        "README.md", "SHA256SUMS", "config.json", "labels.json", "metrics.json", "model.safetensors",
    }  # fmt: skip


def test_no_such_folder(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert (
        said(nowhere)
        == f"{nowhere}: there is no such folder. Train a model first: mere train RECIPE --out RUN."
    )


@pytest.mark.parametrize("name", ["config.json", "labels.json", "model.safetensors"])
def test_a_file_is_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert said(folder).startswith(f"{folder / name}: this file is missing")


@pytest.mark.parametrize("name", ["config.json", "labels.json"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"format": 1, "rec', "not whole JSON ("),
        (b"", "not whole JSON ("),
        (b'{"a": "\xff"}', "not whole JSON ("),
        (b"[1]", "expected a JSON object, found list."),
    ],
)
def test_a_json_file_is_no_json_object(folder: Path, name: str, content: bytes, message: str) -> None:
    (folder / name).write_bytes(content)
    resum(folder)
    assert said(folder).startswith(f"{folder / name}: {message}")


@pytest.mark.parametrize("size", [0, 4, 100, -1, -1000])
def test_weights_that_are_cut_short(folder: Path, size: int) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    message = said(folder)
    assert message.startswith(f"{path}: not a whole safetensors file (")
    assert message.endswith("Copy it again, or train again.")


def test_weights_of_another_model(folder: Path) -> None:
    write_tensors(folder / "model.safetensors", model(seed=2).state_dict())
    assert said(folder) == (
        f"{folder / 'model.safetensors'}: not the file that the model was written with. Copy the folder again."
    )


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c.update(format=FORMAT + 1),
            f"format {FORMAT + 1}, this mere reads {FORMAT}. Train the model",
        ),
        (lambda c: c.pop("format"), f"format None, this mere reads {FORMAT}."),
        (lambda c: c.pop("pieces"), "the key 'pieces' is missing. Copy the folder again."),
        (lambda c: c["pieces"].pop("units"), "the key 'units' is missing."),
        (lambda c: c["pieces"].pop("arrays"), "the key 'arrays' is missing."),
        (lambda c: c.pop("languages"), "the key 'languages' is missing."),
        (lambda c: c.pop("thresholds"), "the key 'thresholds' is missing."),
        (lambda c: c["thresholds"].pop(""), "the key '' is missing."),
        (
            lambda c: c["thresholds"].update(de="high"),
            "could not convert string to float: 'high'. Copy the folder",
        ),
        (lambda c: c.pop("weights_sha256"), "the key 'weights_sha256' is missing."),
        (lambda c: c["recipe"].update(encodr={}), 'unknown key "encodr". Did you mean "encoder"?'),
        (lambda c: c["recipe"]["encoder"].update(dim=30), "encoder.dim 30 must be even and divisible"),
    ],
)
def test_a_config_that_is_of_another_version_or_lacks_something(
    folder: Path, change: Change, message: str
) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")
    resum(folder)
    assert said(folder).startswith(f"{path}: {message}")


def test_a_recipe_older_than_a_setting_takes_its_default(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    del config["recipe"]["triples"]["candidates"], config["recipe"]["stages"][0]["use_switcher"]
    path.write_text(json.dumps(config), encoding="utf-8")
    resum(folder)
    assert ModelFolder.read(folder).recipe == tiny.recipe()


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (Labels(("birth-place",), ("PER",), ("de", "te")), "triples.relation_head.query"),
        (Labels(("birth-place", "wrote"), ("PER",), ("de", "hi")), "switcher.of.hi"),
        (Labels(("birth-place", "wrote"), ("PER",), ("de",)), "switcher.of.te"),
    ],
)
def test_labels_of_another_model(folder: Path, labels: Labels, name: str) -> None:
    (folder / "labels.json").write_text(json.dumps(labels.to_json()), encoding="utf-8")
    resum(folder)
    message = said(folder)
    assert message.startswith(f"{folder / 'model.safetensors'}: does not fit config.json: ")
    assert name in message
    assert message.endswith("Copy the folder again.")


def test_labels_that_lack_a_list(folder: Path) -> None:
    (folder / "labels.json").write_text('{"relations": [], "types": []}', encoding="utf-8")
    resum(folder)
    assert said(folder) == "labels.json lacks 'languages'. Save the model again with this version."


def test_a_folder_that_was_not_finished_is_no_model(folder: Path) -> None:
    """`config.json` is taken away first and comes last, so new weights never stand beside an old one."""
    with pytest.raises(TypeError):
        write(folder, model=model(seed=2), metrics={"f1": object()})  # fails after the weights are written
    assert not (folder / "config.json").exists()
    assert said(folder).startswith(
        f"{folder / 'config.json'}: this file is missing, so {folder} is not a model"
    )
