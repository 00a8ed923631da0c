"""Functions in processes of their own that start at once: forked from a server that has imported torch and mere."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    ["pytest", "typer.testing", "mere.cli", "mere.loading", "mere.models.backend", "mere.training.run"]
)


def apart(function: Callable[..., Any], environment: Mapping[str, str], *args: object) -> Any:
    """Return what a module's function returns, or raise what it raises, in a new process with this environment."""
    with ProcessPoolExecutor(1, _SERVER, initializer=_begin, initargs=(dict(environment),)) as pool:
        return pool.submit(function, *args).result()


def _begin(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
