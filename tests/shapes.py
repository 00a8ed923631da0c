"""Shapes of tensors are checked against the signatures of mere's layers, models and objectives.

A check costs more than most of what it checks, and a training run makes the same calls hundreds of times: in each
test, and in what is set up for it, the first calls are checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beartype import beartype
from jaxtyping import config, install_import_hook

CHECKED = ["mere.nn", "mere.models", "mere.training.objectives"]
MOST_CALLS = 2000
"""A dozen steps of a training run, or a few batches through every layer of an encoder."""

_calls = 0


def install() -> None:
    """Have the modules checked that are imported from here on."""
    install_import_hook(CHECKED, f"{__name__}.checked")


def begin() -> None:
    """Check again, from the next call on."""
    global _calls
    _calls = 0
    config.update("jaxtyping_disable", False)


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """The type checker that jaxtyping calls with each function's arguments, and again with its result."""
    check = beartype(function)

    def counted(*args: Any, **kwargs: Any) -> Any:
        global _calls
        _calls += 1
        if _calls == MOST_CALLS:
            config.update("jaxtyping_disable", True)
        return check(*args, **kwargs)

    return counted
