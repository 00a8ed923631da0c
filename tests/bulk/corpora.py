"""Corpora of our own made-up texts on disk, and a run over them as tests look at it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mere.bulk import CorpusSettings, Summary, extract_corpus, resume
from tests.bulk import by_rule

SMALL: dict[str, Any] = {"lang": "de", "batch_size": 4, "shard_mb": 0.002}
"""Shards of about fifty rows, a few batches each."""


def settings(**changes: Any) -> CorpusSettings:
    return CorpusSettings(**{"model": "by-rule", "model_digest": "0", **SMALL, **changes})


def text(number: int) -> str:
    return f"Satz {number}: Ada traf Bo in Köln. Dann 👩‍👩‍👧 nach Ulm."


def write_lines(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def run(source: Path, out: Path, *, workers: int = 1, **changes: Any) -> Summary:
    return extract_corpus(settings(**changes), [str(source)], out, workers=workers, load=by_rule.load)


def go_on(out: Path, *, workers: int = 1) -> Summary:
    """Resume a run that `run` began."""
    return resume(out, workers=workers, load=by_rule.load)


def parts(out: Path) -> dict[str, bytes]:
    """The output files by name, byte for byte."""
    return {path.name: path.read_bytes() for path in sorted(out.glob("part-*"))}


def documents(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for part in parts(out).values() for line in part.decode().split("\n")[:-1]]


def set_aside(out: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted((out / "_aside").glob("*"))
        for line in path.read_text().split("\n")[:-1]
    ]
