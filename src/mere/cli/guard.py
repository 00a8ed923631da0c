"""How every verb ends: 0 done, 1 failed, 2 the user's mistake, 130 interrupted; one message, no traceback.

stdout is data and stderr is talk. `--debug`, before or after the verb, adds the traceback.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TextIO, TypeVar

import typer

from mere.errors import MereError, UserError

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPTED = 130
wants_traceback: ContextVar[bool] = ContextVar("wants_traceback", default=False)


def talk(message: str) -> None:
    """Say something to the user, on stderr."""
    typer.echo(message, err=True)


def refuse_several(verb: str) -> None:
    """Refuse a verb that works in one process where torchrun has started several: each would write the same files.

    Raises:
        UserError: there are several.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError(
            f"mere {verb} runs in one process, not under torchrun. Only mere train takes several."
        )


def require(*packages: str, extra: str) -> None:
    """Refuse a verb where a package is not installed that it needs.

    Raises:
        UserError: one of them is missing; says which extra of mere has it.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise UserError(f'{package} is not installed. Run: pip install "mere[{extra}]"')


def require_research() -> None:
    """Refuse a verb of research where torch or the packages of reports are not installed; raises as `require`."""
    require("torch", "sklearn", "scipy", "matplotlib", "jinja2", extra="train,report")


def guarded(verb: Callable[P, T], *, when_interrupted: str = "") -> Callable[P, T]:
    """Return `verb` with its exceptions turned into one message on stderr and an exit status.

    Args:
        when_interrupted: what to say after Ctrl-C: what is lost, and how to go on.
    """

    @functools.wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        warnings.showwarning = _show_warning
        try:
            return verb(*args, **kwargs)
        except MereError as error:
            raise _failed(str(error), error.exit_status) from error
        except BrokenPipeError:  # the reader (`| head`) has had enough; that is no failure of ours
            _discard_stdout()
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            talk(f"Interrupted. {when_interrupted}".rstrip())
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            raise _failed(f"{error}. Check the disk and the path.", 1) from error
        except Exception as error:  # the last resort: told, with an exit status, and --debug has all of it
            if isinstance(error, typer.Exit | typer.Abort) or type(error).__module__.startswith(
                ("typer", "click")
            ):
                raise
            advice = "This is a fault of mere. Run again with --debug for the traceback, and report it."
            raise _failed(f"{type(error).__name__}: {error}. {advice}", 1) from error

    return run


def _failed(message: str, status: int) -> typer.Exit:
    if wants_traceback.get():
        traceback.print_exc()
    talk(f"Error: {message}")
    return typer.Exit(status)


def _discard_stdout() -> None:
    """Point stdout at nothing, so that closing it at exit is quiet too."""
    try:
        stdout = sys.stdout.fileno()
    except (OSError, ValueError):  # not a real file: nothing will be flushed into a closed pipe
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), stdout)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    talk(f"Note: {message}")
