"""Functions in processes of their own that start at once: forked from a server that has imported torch and mere."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "pytest",
        "typer.testing",
        "mere.cli",
        "mere.loading",
        "mere.models.backend",
        "mere.training.run",
        "torch._dynamo",
    ]
)


def apart(function: Callable[..., Any], environment: Mapping[str, str], *args: object) -> Any:
    """Return what a module's function returns, or raise what it raises, in a new process with this environment."""
    with ProcessPoolExecutor(1, _SERVER, initializer=_begin, initargs=(dict(environment),)) as pool:
        return pool.submit(function, *args).result()


def begin(command: list[str], environment: Mapping[str, str], said: Path) -> BaseProcess:
    """Begin `mere COMMAND…` in a new process with this environment; what it says goes into a file."""
    process = _SERVER.Process(target=_mere, args=(command, dict(environment), said))
    process.start()
    return process


def _mere(command: list[str], environment: dict[str, str], said: Path) -> None:
    from mere.cli import main

    _begin(environment)
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
    sys.argv = ["mere", *command]
    main()


def _begin(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
