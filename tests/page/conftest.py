"""A page that needs no service, of a model that was trained on the tiny corpus, behind a plain web server."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import tiny

CURVES = {"universal": {"temperature": 1.5, "offset": 0.3}, "de": {"temperature": 0.8, "offset": -0.2}}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """Serve the files of a folder; gives the address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def export(typed_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported model of entities and triples that leaves rare features out, calibrated."""
    from mere.languages.to_onnx import export_onnx
    from mere.store.folder import ModelFolder
    from mere.training.run import train

    place = tmp_path_factory.mktemp("export")
    encoder = {**tiny.recipe().encoder.model_dump(), "min_count": 2}
    asked = {"data": {"path": str(typed_corpus)}, "task": ["entities", "triples"], "encoder": encoder}
    train(tiny.recipe(**asked), place / "run", progress=False)
    export_onnx(ModelFolder.read(place / "run" / "model"), place / "tiny", precision="fp32")
    (place / "tiny" / "calibration.json").write_text(json.dumps({"entities": CURVES, "triples": CURVES}))
    return place / "tiny"
