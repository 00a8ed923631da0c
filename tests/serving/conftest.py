"""A service on a free port of this machine, in front of the model that was trained on the tiny corpus."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn

import mere
from mere.serving import observing
from mere.serving.app import create_app
from mere.serving.connection import Connection
from mere.serving.settings import ServingSettings

Serve = Callable[..., Any]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(extractor: mere.Extractor, *more: str, **settings: Any) -> Iterator[httpx.Client]:
    """Serve an extractor as "tiny", and by more names; gives a client of the service."""
    port = free_port()
    app = create_app(dict.fromkeys(("tiny", *more), extractor), ServingSettings(**settings))
    server = uvicorn.Server(
        uvicorn.Config(app, http=Connection, port=port, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observing, "sys", SimpleNamespace(stderr=io.StringIO()))  # else between pytest's lines
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def extractor(tiny_model: Path) -> mere.Extractor:
    return mere.load(tiny_model)


@pytest.fixture(scope="session")
def client(extractor: mere.Extractor) -> Iterator[httpx.Client]:
    with serving(extractor, max_body_bytes=100_000, max_texts=50, max_characters=5_000) as client:
        yield client
