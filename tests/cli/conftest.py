"""A real model folder with weights that nobody trained, and the command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mere.schema import UNIVERSAL

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SMALL = {
    "name": "untrained",
    "encoder": {"rows": 256, "row_dim": 8, "dim": 16, "layers": 1},
    "aggregator": {"layers": 1, "heads": 2},
    "switcher": {"width": 4},
    "triples": {"hidden": 8},
    "stages": [{"name": "unified"}],
}


@pytest.fixture(scope="session")
def untrained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose predictor finds something nearly everywhere at `--threshold 0`."""
    import torch

    from mere.config import Recipe
    from mere.data.features import Features
    from mere.data.pieces import HashedUnits
    from mere.data.units import Units
    from mere.models.model import build
    from mere.schema import Labels
    from tests.store.folders import write_model

    folder = tmp_path_factory.mktemp("untrained") / "model"
    labels = Labels(relations=("birth-place", "has-author"), types=(), languages=("de", "en", "ja"))
    recipe = Recipe.from_tree(SMALL)
    torch.manual_seed(3)
    return write_model(
        folder,
        build(recipe, labels),
        recipe=recipe,
        labels=labels,
        pieces=HashedUnits(Units(), Features(256)),
        thresholds={UNIVERSAL: 0.3},
        metrics={},
        card="# untrained\n",
    )


@pytest.fixture
def mere() -> Run:
    """Run `mere ARGS…` in a process of its own; text in and out is UTF-8."""

    def run(
        *args: object, stdin: str | bytes = "", cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "mere", *map(str, args)],
            input=stdin if isinstance(stdin, bytes) else stdin.encode(),
            capture_output=True,
            timeout=120,
            cwd=cwd,
            env={**os.environ, "COLUMNS": "120", "OMP_NUM_THREADS": "1"},
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    return run
