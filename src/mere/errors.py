"""Every error that mere raises on purpose: three facts and a cure, in one tree.

A message says where (file and line, or the key), what is wrong, what was expected, and what to type next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MereError(Exception):
    """Base of all errors raised by mere. The command line prints its message and exits with `exit_status`."""

    exit_status = 1


class UserError(MereError):
    """The caller can mend it: a wrong path, a bad option, a malformed file."""

    exit_status = 2


class DataError(UserError):
    """A corpus or a text that cannot be read as it stands."""


class ConfigError(UserError):
    """A recipe that does not validate; carries every problem found, not only the first."""

    def __init__(self, problems: str | Iterable[str]):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class ModelError(UserError):
    """A model folder or a checkpoint that is missing, cut short, or of another version."""


class TrainingError(MereError):
    """Training could not go on (the loss is not a number, the disk is full); the last checkpoint is kept."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` for the known name nearest to `name`, or an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f' Did you mean "{close[0]}"?' if close else ""
