"""The wheel, installed alone into a bare environment, reads texts: no torch there, and nothing of ours on the path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pip(*args: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_bare_environment_reads_texts(tiny_model: Path, tmp_path: Path) -> None:
    from mere.languages.to_onnx import export_onnx
    from mere.store.folder import ModelFolder

    export_onnx(ModelFolder.read(tiny_model), tmp_path / "export", precision="fp32")
    pip("wheel", "--no-deps", "--wheel-dir", tmp_path, ".")
    (wheel,) = tmp_path.glob("mere-*.whl")
    venv.create(tmp_path / "bare")
    python = tmp_path / "bare" / "bin" / "python"
    pip("--python", python, "install", "--no-compile", "-c", "constraints.txt", wheel)
    alone = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def run(*args: object, stdin: str = "") -> str:
        done = subprocess.run(
            [python, *map(str, args)], cwd=tmp_path, env=alone, input=stdin, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    text = "Ada kam aus Wien."
    record = json.loads(run("-m", "mere", "extract", tmp_path / "export", "-", stdin=f"{text}\n"))
    assert record["text"] == text
    loads = "import sys, mere; mere.load(sys.argv[1])('Ada.'); print({'torch', 'transformers'} & set(sys.modules))"
    assert run("-c", loads, tmp_path / "export") == "set()\n"
    assert "torch" not in pip("--python", python, "list")
    assert "de" in run("-m", "mere", "info", tmp_path / "export")
