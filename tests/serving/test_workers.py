"""Worker processes behind one socket, with an application that says which of them answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mere.errors import DataError


async def application(scope: Any, receive: Any, send: Any) -> None:
    body = str(os.getpid()).encode()
    headers = [(b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def without_a_model() -> None:
    raise DataError("there is no model in runs/export.")


@contextmanager
def served(path: Path, app: Callable[..., Any] = application, **more: Any) -> Iterator[subprocess.Popen[str]]:
    options = {"app": f"{__name__}:{app.__name__}", "uds": str(path), "lifespan": "off", **more}
    code = f"from mere.serving.workers import serve; raise SystemExit(serve({options!r}, 2))"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def answered_by(path: Path) -> int:
    """Return the process that answers; 0: none does."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.connect(str(path))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        found = b"".join(iter(lambda: connection.recv(4096), b""))
        return int(found.rpartition(b"\r\n\r\n")[2] or 0)
    return 0


def all_answer(path: Path, without: int = 0) -> set[int]:
    """Return both processes, once both have answered."""
    found: set[int] = set()
    while len(found - {0, without}) < 2:
        found.add(answered_by(path))
        time.sleep(0.005)
    return found - {0, without}


def test_a_worker_that_is_killed_is_replaced_and_the_other_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with served(path) as process:
        killed, other = all_answer(path)
        os.kill(killed, signal.SIGKILL)
        while answered_by(path) == killed:  # it is not gone at once
            pass
        assert other in all_answer(path, without=killed)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not path.exists()


def test_workers_end_with_a_service_that_is_killed(tmp_path: Path) -> None:
    """And what is left of an earlier service's socket is not in the way."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with served(path) as process:
        all_answer(path)
        process.kill()
        while answered_by(path):
            pass


def test_a_worker_that_cannot_start_ends_the_service(tmp_path: Path) -> None:
    with served(tmp_path / "socket", without_a_model, factory=True) as process:
        _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Error: there is no model in runs/export." in log
    assert "Traceback" not in log
