"""What is installed alone, in a clean prefix and from the image's context, reads and serves; there is no torch there.

The prefix is made as the Containerfile says, step by step, since few machines that run tests can build an image.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving.conftest import free_port
from tests.test_deploy import ROOT, instructions, values

MOST_BYTES = 225_000_000
"""Of the prefix: 350 MB without the 125 MB of the image of Python that it stands on."""


def installed(context: Path, prefix: Path) -> dict[str, str]:
    """Run the first stage of the Containerfile; returns the environment that the second one sets."""
    stages = [number for number, (name, _) in enumerate(instructions()) if name == "FROM"]
    for name, rest in instructions()[: stages[1]]:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                copy = context / (source if target.endswith("/") else target)
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, copy, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, copy)
        elif name == "RUN":
            step = rest.replace("/opt/mere", str(prefix)).replace(
                "--no-cache-dir ", ""
            )  # what pip has is taken
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            done = subprocess.run(
                step, shell=True, cwd=context, env={**bare(), "PATH": path}, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
    (given,) = values("ENV")
    told = dict(item.split("=", 1) for item in shlex.split(given))
    return {**bare(), **told, "PATH": f"{prefix}/bin:{os.environ['PATH']}"}


def bare() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@contextmanager
def serving(model: Path, port: int, place: Path, environment: dict[str, str]) -> Iterator[None]:
    """Start what the image starts, on this model and this port."""
    there = {"0.0.0.0": "127.0.0.1", "/model": str(model)}
    start = [there.get(word, word) for name in ("ENTRYPOINT", "CMD") for word in json.loads(values(name)[0])]
    process = subprocess.Popen(
        [*start, "--port", str(port)], cwd=place, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        yield
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGTERM), log


@pytest.mark.slow
def test_a_clean_prefix_reads_texts_and_serves(tiny_model: Path, tmp_path: Path) -> None:
    from mere.languages.to_onnx import export_onnx
    from mere.store.folder import ModelFolder

    export_onnx(ModelFolder.read(tiny_model), tmp_path / "export", precision="fp32")
    context, prefix = tmp_path / "src", tmp_path / "opt"
    context.mkdir()
    environment = installed(context, prefix)
    shutil.rmtree(context)

    def run(*args: object, stdin: str = "") -> str:
        done = subprocess.run(
            [*map(str, args)], cwd=tmp_path, env=environment, input=stdin, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    text = "Ada kam aus Wien."
    record = json.loads(run("mere", "extract", tmp_path / "export", "-", stdin=f"{text}\n"))
    assert record["text"] == text
    others = {"torch", "transformers", "fastapi", "uvicorn"}
    loads = f"import sys, mere; mere.load(sys.argv[1])('Ada.'); print({others!r} & set(sys.modules))"
    assert run("python", "-c", loads, tmp_path / "export") == "set()\n"
    assert run("python", "-c", "import importlib.util as u; print(u.find_spec('torch'))") == "None\n"
    assert "de" in run("mere", "info", tmp_path / "export")
    port = free_port()
    check = json.loads(values("HEALTHCHECK")[0].split("CMD", 1)[1].replace(values("EXPOSE")[0], str(port)))
    with serving(tmp_path / "export", port, tmp_path, environment):
        for _ in range(600):
            if not subprocess.run(check, env=environment, stderr=subprocess.DEVNULL).returncode:
                break
            time.sleep(0.5)
        else:
            raise AssertionError("it does not become healthy")
    assert sum(file.lstat().st_size for file in prefix.rglob("*")) < MOST_BYTES
