"""`mere check`: stdout is data, the exit status says what was found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from mere.cli import app

Write = Callable[[dict[str, list[Any]]], Path]
GOOD = [{"lang": "de", "text": "Ada ist da."}]


def test_exit_status(corpus_dir: Write) -> None:
    folder = corpus_dir({"a/de.train.jsonl": GOOD, "b/de.train.jsonl": [*GOOD, "{"]})
    assert CliRunner().invoke(app, ["check", str(folder / "a")]).exit_code == 0
    broken = CliRunner().invoke(app, ["check", str(folder / "a"), str(folder / "b")])
    assert broken.exit_code == 1
    assert "[json-cut]" in broken.stdout
    missing = CliRunner().invoke(app, ["check", str(folder / "c")])
    assert missing.exit_code == 2
    assert missing.stdout == ""
    assert "no such file or folder" in missing.stderr


def test_json_and_languages(corpus_dir: Write) -> None:
    folder = corpus_dir({"de.train.jsonl": GOOD, "pl.train.jsonl": [{"lang": "pl", "text": "Ala ma kota."}]})
    result = CliRunner().invoke(app, ["check", str(folder), "--json", "--languages", "pl"])
    assert json.loads(result.stdout)["sizes"] == {"train": {"pl": 1}}
    assert result.stderr == ""
    wrong = CliRunner().invoke(app, ["check", str(folder), "--languages", "pl,xx"])
    assert wrong.exit_code == 2
    assert '"xx"' in wrong.stderr
