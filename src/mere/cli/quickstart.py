"""`mere quickstart`: write the corpus that ships with mere, to look at it or to train on it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import talk


def quickstart(
    out: Annotated[Path, typer.Option("--out", help="The folder to write <lang>.<split>.jsonl files into.")],
    wide: Annotated[
        bool,
        typer.Option(
            "--wide", help="The wide corpus: more languages, relations, styles, and sentences without facts."
        ),
    ] = False,
) -> None:
    """Write the quick-start corpus: many languages, our own sentences, the same at every call."""
    from mere.data.quickstart.generate import write

    written = write(out, wide=wide)
    for path in written:
        typer.echo(path)
    talk(f"{len(written)} files. Next: mere check {out}")
