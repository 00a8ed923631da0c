"""What tests share: the tiny corpus as files, and a model that was really trained on it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

_hook = install_import_hook(["mere.nn", "mere.models"], "beartype.beartype")  # tensor shapes are checked

from tests import tiny  # noqa: E402


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny corpus as `<lang>.<split>.jsonl` files."""
    from mere.data.formats import jsonl

    folder = tmp_path_factory.mktemp("tiny-corpus")
    for lang in tiny.CORPUS.languages():
        for split in ("train", "dev"):
            jsonl.write(tiny.CORPUS.sentences(split, lang), folder / f"{lang}.{split}.jsonl")
    return folder


@pytest.fixture(scope="session")
def tiny_run(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder: both stages on the tiny corpus."""
    from mere.training.run import train

    out = tmp_path_factory.mktemp("tiny-run") / "run"
    train(tiny.recipe(data={"path": str(tiny_corpus)}), out, talk=False)
    return out


@pytest.fixture(scope="session")
def tiny_model(tiny_run: Path) -> Path:
    """The model folder of `tiny_run`."""
    return tiny_run / "model"
