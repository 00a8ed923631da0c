"""`mere check DATA…`: what is wrong with a corpus, language by language."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PIPED_WIDTH = 110  # columns where stdout is no terminal


def check(
    paths: Annotated[
        list[Path], typer.Argument(metavar="DATA...", help="Corpus folders or files, checked as one corpus.")
    ],
    languages: Annotated[
        str | None, typer.Option("--languages", help="Only these, separated by commas: de,te.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
) -> None:
    """Say what is wrong with a corpus: bad offsets, duplicates, leaks, rare labels.

    Exit status 1 where there are errors, 0 otherwise.
    """
    import json

    from rich.console import Console

    from mere.data.check import check as run

    wanted = [lang.strip() for lang in languages.split(",") if lang.strip()] if languages else None
    report = run(paths, languages=wanted)
    if as_json:
        typer.echo(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False)
        report.render(console if console.is_terminal else Console(highlight=False, width=PIPED_WIDTH))
    raise typer.Exit(report.exit_status)
