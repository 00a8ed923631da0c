"""What the README tells people to type works: its commands and its Python run against a tiny model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mere.config import Recipe
from mere.data.corpus import Corpus

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_RUN = ("git clone", "make ")  # what would fetch, train, or run this very test


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.M | re.S)


def commands() -> list[str]:
    lines = [
        line.removeprefix("$ ")
        for block in blocks("console")
        for line in block.splitlines()
        if line[:2] == "$ "
    ]
    return [line for line in lines if not line.startswith(NOT_RUN)]


def run(command: list[str] | str, workplace: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(workplace / "bin"), os.environ["PATH"]])
    source = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=workplace,
        env={**os.environ, "PATH": path, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def workplace(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder laid out as the README expects, with a tiny model where the demo would leave its own."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("recipes", "examples"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "runs" / "quickstart").mkdir(parents=True)
    (folder / "runs" / "quickstart" / "model").symlink_to(tiny_model)
    (folder / "bin").mkdir()
    mere = folder / "bin" / "mere"
    mere.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mere "$@"\n')
    mere.chmod(0o755)
    return folder


def test_there_is_something_to_run() -> None:
    verbs = {match[1] for command in commands() if (match := re.search(r"\bmere (\w+)", command))}
    assert verbs == {"check", "evaluate", "export", "extract", "quickstart", "train"}
    assert blocks("python")


def test_the_commands_run_in_order(workplace: Path) -> None:
    for command in commands():
        if command.startswith(
            "mere train"
        ):  # minutes of training: its recipe and options are checked instead
            recipe = command.split()[2]
            assert Recipe.read(ROOT / recipe).stages
            assert run(f"mere train --help && {command} --set nonsense=1", workplace).returncode == 2
            continue
        done = run(command, workplace)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout.strip() or "--out" in command, command


@pytest.mark.parametrize("block", blocks("python"))
def test_the_python_runs(block: str, workplace: Path) -> None:
    done = run([sys.executable, "-c", block], workplace)
    assert done.returncode == 0, done.stderr


def test_the_corpus_format_is_read(tmp_path: Path) -> None:
    (block,) = blocks("json")
    record = json.loads(block)
    (tmp_path / "de.train.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    (sentence,) = Corpus.load(tmp_path).sentences("train")
    (triple,) = sentence.triples
    assert (triple.subject.text, triple.relation, triple.object.text) == (
        "Ada Byron",
        "birth-place",
        "London",
    )


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_example_script_reads_what_extract_writes(workplace: Path) -> None:
    show = f'"{sys.executable}" examples/show.py'
    done = run(f"mere extract runs/quickstart/model examples/texts.txt | {show}", workplace)
    texts = (ROOT / "examples" / "texts.txt").read_text(encoding="utf-8").splitlines()
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= len(texts)
