"""`mere check DATA…`: what is wrong with a corpus, language by language."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mere.cli import reading as options
from mere.cli.options import names

PIPED_WIDTH = 110  # columns where stdout is no terminal


def check(
    paths: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="Corpus folders or files, checked as one corpus.")
    ],
    languages: Annotated[
        str | None, typer.Option("--languages", help="Only these, separated by commas: de,te.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    format: options.From = None,
    lang: options.Lang = None,
    column: options.Column = None,
    token_column: options.TokenColumn = None,
    scheme: options.Scheme = None,
    outside: options.Outside = None,
    tag_names: options.TagNames = None,
    offsets: options.Offsets = None,
) -> None:
    """Say what is wrong with a corpus: bad offsets, duplicates, leaks, rare labels.

    Exit status 1 where there are errors, 0 otherwise.
    """
    import json

    from rich.console import Console

    from mere.data.check import check as run
    from mere.data.formats.reading import Command

    wanted = names(languages) if languages else None
    own = (*(("--languages", languages) if languages else ()), *(("--json",) if as_json else ()))
    reading = options.reading_of(
        Command("check", tuple(paths), None, own),
        format=format,
        lang=lang,
        column=column,
        token_column=token_column,
        scheme=scheme,
        outside=outside,
        tag_names=tag_names,
        offsets=offsets,
    )
    report = run(paths, languages=wanted, reading=reading)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False)
        report.render(console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH))
    raise typer.Exit(report.exit_status)
