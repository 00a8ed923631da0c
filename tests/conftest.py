"""What tests share: the tiny corpus as files, and a model that was really trained on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests import shapes

shapes.install()  # before mere.nn and others are imported

# No test asserts a time: machines differ. Draws are the same every time; MERE_EXAMPLES=500 looks further.
EXAMPLES = os.environ.get("MERE_EXAMPLES")
settings.register_profile(
    "mere", deadline=None, max_examples=int(EXAMPLES or 40), derandomize=EXAMPLES is None
)
settings.load_profile("mere")

from mere.types import Sentence  # noqa: E402
from tests import tiny  # noqa: E402
from tests.browser import browser  # noqa: E402, F401  (a fixture)
from tests.skips import (  # noqa: E402, F401  (hooks)
    pytest_collectreport,
    pytest_runtest_logreport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    shapes.begin()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    shapes.begin()


def write_corpus(sentences: Sequence[Sentence], folder: Path) -> Path:
    """Write each language's sentences as its training and its dev split."""
    from mere.data.formats import jsonl

    for lang in sorted({sentence.lang for sentence in sentences}):
        for split in ("train", "dev"):
            jsonl.write([s for s in sentences if s.lang == lang], folder / f"{lang}.{split}.jsonl")
    return folder


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny corpus as `<lang>.<split>.jsonl` files."""
    return write_corpus(tiny.SENTENCES, tmp_path_factory.mktemp("tiny-corpus"))


@pytest.fixture(scope="session")
def typed_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny corpus with a type for every mention."""
    return write_corpus(tiny.TYPED, tmp_path_factory.mktemp("typed-corpus"))


@pytest.fixture(scope="session")
def tiny_run(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder: both stages on the tiny corpus."""
    from mere.training.run import train

    out = tmp_path_factory.mktemp("tiny-run") / "run"
    train(tiny.recipe(data={"path": str(tiny_corpus)}), out, progress=False)
    return out


@pytest.fixture(scope="session")
def tiny_model(tiny_run: Path) -> Path:
    """The model folder of `tiny_run`."""
    return tiny_run / "model"


@pytest.fixture(scope="session")
def tiny_export(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny_model` exported to ONNX, in 32 bits."""
    from mere.languages.to_onnx import export_onnx
    from mere.store.folder import ModelFolder

    out = tmp_path_factory.mktemp("tiny-export") / "fp32"
    export_onnx(ModelFolder.read(tiny_model), out, precision="fp32")
    return out
