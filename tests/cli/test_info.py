"""`mere info`: what it tells agrees with the folder's files, read by others; and it needs no torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from safetensors.torch import load_file

from tests.command import mere, refused, worked


def test_a_model_with_weights(tiny_model: Path) -> None:
    told = json.loads(worked(mere("info", tiny_model, "--json")).stdout)
    labels = json.loads((tiny_model / "labels.json").read_text(encoding="utf-8"))
    assert {key: told[key] for key in labels} == labels
    assert told["parameters"] == sum(
        t.numel()
        for file in tiny_model.rglob("*.safetensors")
        if file.name != "pieces.safetensors"
        for t in load_file(file).values()
    )
    assert told["bytes"] == sum(file.stat().st_size for file in tiny_model.rglob("*") if file.is_file())
    assert told["dev"] == json.loads((tiny_model / "metrics.json").read_text(encoding="utf-8"))["dev"]
    assert (told["form"], told["precision"], told["encoder"]) == ("weights", "fp32", "compact")
    assert (told["tasks"], told["licence"]) == (["triples"], "unknown")
    assert 0 <= told["thresholds"]["universal"] <= 1


def test_an_export(tiny_export: Path) -> None:
    told = json.loads(worked(mere("info", tiny_export, "--json")).stdout)
    assert (told["form"], told["precision"], told["parameters"]) == ("graphs", "fp32", None)
    assert told["bytes"] == sum(file.stat().st_size for file in tiny_export.rglob("*") if file.is_file())


def test_in_words(tiny_model: Path) -> None:
    lines = worked(mere("info", tiny_model)).stdout.splitlines()
    told = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in lines}
    assert told["languages"].startswith("5: ar, de, en, ja, te")
    assert told["types"] == "none"
    assert told["thresholds"].startswith("universal 0.")
    assert "parameters" in told["size"]


def test_it_needs_no_torch(tiny_model: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mere.store.info import ModelInfo; "
        "ModelInfo.read(Path(sys.argv[1])).lines(); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tiny_model], check=True)


def test_no_model(tmp_path: Path) -> None:
    refused(mere("info", tmp_path / "none"), "no such folder")
