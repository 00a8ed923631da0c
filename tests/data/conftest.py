"""What the tests of the data room share: corpora on disk, and the real data."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def corpus_dir(tmp_path: Path) -> Callable[[dict[str, list[Any]]], Path]:
    """Return a function that writes {file name: records or raw lines} into a folder, and the folder."""

    def write(contents: dict[str, list[Any]]) -> Path:
        for name, lines in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
            data = "".join(line + "\n" for line in text).encode()
            path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return tmp_path

    return write


def real(name: str) -> Path:
    """Return a folder of the real corpora; the test is skipped where it is not there."""
    folder = Path(os.environ.get("MERE_DATA") or ROOT.parent / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip("no real data here; set MERE_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def shared_triples() -> Path:
    """The real corpus of triples."""
    return real("triples")


@pytest.fixture(scope="session")
def shared_ner() -> Path:
    """The real corpora of entities."""
    return real("ner")
