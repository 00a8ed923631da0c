"""`mere train recipes/quickstart.yaml --set encoder.name=FOLDER`, as it is typed, for every family of encoders."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("transformers")

from mere.config import PretrainedSettings, Recipe, read_tree
from tests import checkpoints, tiny
from tests.command import mere, worked

QUICKSTART = Path(__file__).parents[2] / "recipes" / "quickstart.yaml"
STAGES = ("warmup", "unified", "specific")


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_from_the_recipe_to_an_extraction(family: str, tiny_corpus: Path, tmp_path: Path) -> None:
    """A step of every stage; then the checkpoint goes, and the model reads a text."""
    folder, out = checkpoints.make(family, tmp_path / family), tmp_path / "run"
    fewer = [word for stage in STAGES for word in ("--set", f"{stage}.epochs=0.01")]
    small = [*fewer, "--set", f"data.path={tiny_corpus}", "--set", "threads=1", "--quiet"]
    done = worked(mere("train", QUICKSTART, "--set", f"encoder.name={folder}", "--out", out, *small))
    assert done.stdout == f"{out / 'model'}\n"
    left = ", ".join(read_tree(QUICKSTART)["encoder"])
    assert f"settings of compact are left behind ({left})" in done.stderr
    assert Recipe.read(out / "recipe.yaml").encoder == PretrainedSettings(name=str(folder))
    metrics = json.loads((out / "model" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["costs"]["steps"] == dict.fromkeys(STAGES, 1)
    shutil.rmtree(folder)
    text = tiny.SENTENCES[0].text
    read = worked(mere("extract", out / "model", "-", "--lang", "de", stdin=text.encode()))
    assert json.loads(read.stdout)["text"] == text
