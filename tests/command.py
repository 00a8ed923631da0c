"""The command line as tests use it: small corpora and recipes on disk, and how a command must end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner, Result

from mere.cli import app
from tests import tiny

SEEN = "Ada kam aus Wien."


def row(text: str = SEEN, *facts: tuple[str, str, str], lang: str = "de", **more: Any) -> dict[str, Any]:
    def span(mention: str) -> dict[str, int]:
        return {"start": text.index(mention), "end": text.index(mention) + len(mention)}

    triples = [{"subject": span(s), "relation": r, "object": span(o)} for s, r, o in facts]
    return {"lang": lang, "text": text, "triples": triples, **more}


BORN = ("Ada", "birth-place", "Wien")
GOOD = [row(SEEN, BORN), row("Ada sah Wien.", ("Ada", "saw", "Wien")), row("Nichts.")]


def write(path: Path, *lines: dict[str, Any] | bytes) -> Path:
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in raw))
    return path


def short_recipe(folder: Path) -> Path:
    """One epoch in each of two stages, the first with everything that may go wrong switched on."""
    sampling = {"group_size": 2, "temperature": 2.0, "mention_replacement": 0.5}
    stages = [
        {"name": "unified", "evaluations": 1, "sampling": sampling},
        {"name": "specific", "train": ["switcher"], "use_switcher": True, "evaluations": 1},
    ]
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(tiny.recipe(stages=stages).model_dump(mode="json")), encoding="utf-8")
    return path


def mere(*args: object, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, list(map(str, args)), input=stdin)


def train(recipe: Path, corpus: Path, *args: object) -> Result:
    out = recipe.parent / "run"
    return mere("train", recipe, "--out", out, "--quiet", "--set", f"data.path={corpus}", *args)


def worked(done: Result) -> Result:
    assert done.exit_code == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


def refused(done: Result, *said: str, status: int = 2) -> str:
    assert done.exit_code == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error: ") == 1
    assert "fault of mere" not in done.stderr
    assert all(words in done.stderr for words in said), done.stderr
    return str(done.stderr)
