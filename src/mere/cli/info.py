"""`mere info`: what a model knows, how good it was on dev, its size and licence."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from mere.cli.options import MODEL_HELP


def info(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a model knows: languages, relations, types, thresholds, scores on dev, size and licence."""
    from mere.store.fetch import find_model
    from mere.store.info import ModelInfo

    found = ModelInfo.read(find_model(model))
    if as_json:
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2))
        return
    lines = found.lines()
    width = max(len(heading) for heading, _ in lines) + 2
    for heading, line in lines:
        typer.echo(f"{heading:{width}}{line}")
