"""Worker processes behind one port; one that dies is replaced at once, and the others know nothing of it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn

from mere.errors import MereError


def serve(options: Mapping[str, Any], workers: int) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status.

    A worker that a signal has ended, as when memory is short, is replaced; one that ends by itself could not start,
    and ends the service.

    Args:
        options: of `uvicorn.run`.
        workers: processes; 1: this one alone.
    """
    _allow_many_connections()
    if workers == 1:
        uvicorn.run(**options)
        return 0
    path = Path(options["uds"]) if options.get("uds") else None
    if path is not None and path.is_socket():  # left by a service that was killed
        path.unlink()
    listener = uvicorn.Config(**options).bind_socket()
    try:
        return _supervise(options, listener, workers)
    finally:
        if path is not None:
            path.unlink(missing_ok=True)


def _supervise(options: Mapping[str, Any], listener: socket, workers: int) -> int:
    running: list[BaseProcess] = []
    ending = threading.Event()
    status = 0

    def end(*_: object) -> None:
        ending.set()
        for process in running:
            process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    while running or not ending.is_set():
        while len(running) < workers and not ending.is_set():
            process = get_context("spawn").Process(target=_work, args=(options, listener))
            process.start()
            running.append(process)
            if ending.is_set():  # told so while it started
                process.terminate()
        connection.wait([process.sentinel for process in running])
        for ended in [process for process in running if not process.is_alive()]:
            running.remove(ended)
            if (ended.exitcode or 0) > 0 and not ending.is_set():
                status = ended.exitcode or 1
                end()
    return status


def _work(options: Mapping[str, Any], listener: socket) -> None:
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        uvicorn.Server(uvicorn.Config(**options)).run([listener])
    except KeyboardInterrupt:  # Ctrl-C, which every process of a terminal is told of
        pass
    except MereError as error:
        sys.exit(f"Error: {error}")


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _allow_many_connections() -> None:
    """Raise the limit on open files, often 1024, to the highest that this user may have."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
