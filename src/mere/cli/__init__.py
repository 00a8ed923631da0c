"""The command line: `mere VERB …`, one file per verb. Torch and models load inside the verbs, not here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer
import typer.main
from typer.core import TyperGroup

from mere import __version__, environment
from mere.cli import guard

__all__ = ["app", "main"]


_VERBS = {
    "add-language": "Nothing was written; the model is as it was.",
    "check": "",
    "convert": "The files named above are whole; the others were not written.",
    "quickstart": "",
    "train": "The last checkpoint is kept. Go on with the same command and --resume.",
    "compare": "Finished runs are kept; the same command goes on with the others.",
    "analyze": "Runs of --transfer that are finished are kept in OUT/transfer.",
    "evaluate": "",
    "extract": "What was written is whole lines; the texts after it were not read.",
    "graph": "The file is as it was; what was printed is not whole.",
    "export": "Nothing was written.",
    "info": "",
    "models": "",
    "bench": "",
    "calibrate": "Nothing was written.",
    "serve": "",
    "page": "Nothing was written.",
    "push": "The hub has all of the model or none of it; push again.",
}
"""Each verb, and what to say after Ctrl-C: what is lost, and how to go on."""


class _Commands(Mapping[str, Any]):
    """The verbs by name, each imported when it is asked for: a cold start reads one of them, not all."""

    def __getitem__(self, verb: str) -> Any:
        name = verb.replace("-", "_")
        if verb not in _VERBS:
            raise KeyError(verb)
        function = getattr(import_module(f"mere.cli.{name}"), name)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(verb)(guard.guarded(function, when_interrupted=_VERBS[verb]))
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(_VERBS)

    def __len__(self) -> int:
        return len(_VERBS)


class _Verbs(TyperGroup):
    """Takes `--debug` wherever it stands before a `--`."""

    def __init__(self, **given: Any):
        super().__init__(**given)
        self.commands = cast("MutableMapping[str, Any]", _Commands())

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        ours = [arg for arg in args[:end] if arg != "--debug"]
        guard.wants_traceback.set(len(ours) < end or os.environ.get("MERE_DEBUG") == "1")
        return super().parse_args(ctx, ours + args[end:])


app = typer.Typer(
    cls=_Verbs,
    name="mere",
    help="Entities and relational triples from text in many languages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mere {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; may stand after the verb too.")
    ] = False,
) -> None:
    """Options that come before a verb; `_Verbs` has taken `--debug` out already."""


def main() -> None:
    """Run the command line on `sys.argv`; ends the process with the exit status."""
    environment.prepare()
    app(prog_name="mere")
