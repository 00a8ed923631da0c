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


def begin(
    function: Callable[..., None], environment: Mapping[str, str], said: Path, *args: object
) -> BaseProcess:
    """Begin a module's function in a new process with this environment.

    Its standard error goes into the file `said`, its standard output into one beside it, whose name ends in .out.
    """
    process = _SERVER.Process(target=_saying, args=(function, dict(environment), said, args))
    process.start()
    return process


def mere(*command: str) -> None:
    """The command line, which ends its process."""
    from mere.cli import main

    sys.argv = ["mere", *command]
    main()


def _saying(
    function: Callable[..., None], environment: dict[str, str], said: Path, args: tuple[object, ...]
) -> None:
    _begin(environment)
    for stream, file in ((sys.stdout, said.with_suffix(".out")), (sys.stderr, said)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    function(*args)


def _begin(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
