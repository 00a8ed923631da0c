"""What is wrong with a corpus file, and where: one `Problem` a finding, raised at once or collected.

A reader that is given a list of problems notes each one there and reads on; without a list it raises the
first error. So training raises one error that shows the first ten, and `mere check` shows them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mere import advice
from mere.errors import DataError

Severity = Literal["error", "warning"]

MAX_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of one line: three facts (where, what is, what was expected) and a cure.

    Args:
        path: the file.
        line: line number from 1, or None where the whole file is meant.
        code: a short name for the kind of fault, such as "offset-beyond-end"; stable, for `--json`.
        message: what is wrong, in words, with the values found.
        cure: what to type or change next; may be empty.
        severity: "error" where the row cannot be used, "warning" where it was read all the same.
    """

    path: Path
    line: int | None
    code: str
    message: str
    cure: str = ""
    severity: Severity = "error"

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}" if self.line is not None else str(self.path)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}. {self.cure}".rstrip()


def report(problem: Problem, problems: list[Problem] | None) -> None:
    """Note the problem in `problems`, or raise it where nobody collects (errors only).

    Raises:
        DataError: `problems` is None and the problem is an error.
    """
    if problems is not None:
        problems.append(problem)
    elif problem.severity == "error":
        check = advice.run("mere", "check", problem.path)
        raise DataError(str(problem) if problem.cure else f"{problem} {check}")


def raise_errors(problems: Sequence[Problem], cure: str) -> None:
    """Raise one DataError that lists up to ten of the errors among `problems` and their count.

    Args:
        problems: as collected by a reader; warnings are passed over.
        cure: the last line of the message, such as "Run: mere check corpus/".

    Raises:
        DataError: at least one problem is an error.
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    errors.sort(key=lambda problem: problem.code != "offset-unit")  # it explains what is wrong with lines
    if not errors:
        return
    if len(errors) == 1:
        raise DataError(f"{errors[0]}\n{cure}")
    lines = [f"{len(errors):,} problems:"]
    lines += [f"  {problem}" for problem in errors[:MAX_SHOWN]]
    if len(errors) > MAX_SHOWN:
        lines.append(f"  … and {len(errors) - MAX_SHOWN:,} more")
    raise DataError("\n".join([*lines, cure]))
