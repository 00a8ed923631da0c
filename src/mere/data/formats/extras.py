"""Libraries that some formats need and the base install has not, imported when a file of theirs is met."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from mere.errors import UserError


def library(name: str, extra: str) -> ModuleType:
    """Return a module of an optional library.

    Raises:
        UserError: it is not installed; names the extra.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise UserError(
            f"{name.split('.')[0]} is not installed ({error}). Run: pip install 'mere[{extra}]'"
        ) from None
