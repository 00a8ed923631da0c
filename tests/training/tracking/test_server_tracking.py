"""MLflow and Weights & Biases where they are installed: what their own readers find, with no server but files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mere.config import Recipe
from mere.training import run as run_module
from mere.training.run import train
from tests import tiny
from tests.training.interrupted import cut_off


@pytest.fixture
def recipe(tiny_corpus: Path) -> Recipe:
    stage = {"name": "s", "epochs": 3, "lr": 0.005, "evaluations": 2, "sampling": {"pieces_per_batch": 60}}
    return tiny.recipe(data={"path": str(tiny_corpus)}, stages=[stage], checkpoint_minutes=1e6)


def losses(run: Path) -> list[tuple[int, float]]:
    lines = (run / "log.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [record for record in map(json.loads, lines) if record["event"] == "step"]
    return [(record["step"], record["losses"]["tag"]) for record in steps]


def test_mlflow(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that breaks off and goes on is one run; its points are there once."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setattr(run_module, "LOG_EVERY", 2)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # mlflow-skinny has no other store of its own
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    recipe, out = recipe.model_copy(update={"tracking": ("mlflow",)}), tmp_path / "run"
    cut_off(recipe, out, 7)
    (broken,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert broken.info.status == "KILLED"
    train(recipe, out, resume=True)
    (found,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert (found.info.run_id, found.info.status) == (broken.info.run_id, "FINISHED")
    assert found.info.run_name == "tiny"
    assert found.data.params["stages.1.lr"] == "0.005"
    assert found.data.params["encoder.dim"] == "64"
    client = mlflow.MlflowClient()
    history = client.get_metric_history(found.info.run_id, "s/step/losses/tag")
    assert [(point.step, point.value) for point in history] == losses(out)
    metrics = json.loads((out / "model/metrics.json").read_text(encoding="utf-8"))
    for lang, f1 in metrics["dev"]["triple_f1/strict"].items():
        assert found.data.metrics[f"result/dev/triple_f1/strict/{lang}"] == f1
        assert len(client.get_metric_history(found.info.run_id, f"s/evaluation/triple_f1/strict/{lang}")) == 2
    kept = {file.path for file in client.list_artifacts(found.info.run_id)}
    assert kept == {"recipe.yaml", "metrics.json", "README.md"}


def test_weights_and_biases(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, where a run cannot go on: one that ends."""
    pytest.importorskip("wandb")
    monkeypatch.setattr(run_module, "LOG_EVERY", 2)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    out = tmp_path / "run"
    train(recipe.model_copy(update={"tracking": ("wandb",)}), out, progress=False)
    (folder,) = (out / "wandb").glob("offline-run-*")
    rows, summary = _wandb_rows(folder)
    assert [(row["_step"], row["s/step/losses/tag"]) for row in rows if "s/step/losses/tag" in row] == losses(
        out
    )
    metrics = json.loads((out / "model/metrics.json").read_text(encoding="utf-8"))
    for lang, f1 in metrics["dev"]["triple_f1/strict"].items():
        assert summary[f"result/dev/triple_f1/strict/{lang}"] == f1
    kept = {file.name for file in (folder / "files").iterdir()}
    assert {"recipe.yaml", "metrics.json", "README.md"} <= kept


def _wandb_rows(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return history and summary of an offline run: records of protobuf in a file of LevelDB's log format."""
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("run-*.wandb")
    data, place, payload = file.read_bytes(), 7, b""
    rows: list[dict[str, Any]] = []
    summary: dict[str, Any] = {}
    while place + 7 <= len(data):
        if 32768 - place % 32768 < 7:  # a block's last bytes are too few for a record's header
            place += 32768 - place % 32768
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        payload += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            record = wandb_internal_pb2.Record()
            record.ParseFromString(payload)
            payload = b""
            if record.history.item:
                rows.append(_values(record.history.item))
            summary |= _values(record.summary.update)
    return rows, summary


def _values(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
