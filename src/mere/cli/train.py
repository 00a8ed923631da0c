"""`mere train`: a recipe in, a run folder with a model out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import require
from mere.errors import UserError


def train(
    out: Annotated[
        Path, typer.Option("--out", help="The run folder to make; the model goes into OUT/model.")
    ],
    recipe: Annotated[
        Path | None, typer.Argument(help="A recipe file, such as recipes/quickstart.yaml; --from needs none.")
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MODEL", help="Fine-tune this model's encoder; the labels may be others."
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change one setting, as in --set data.path=DIR. Repeatable."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in OUT.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Train a model, stage by stage, as a recipe says."""
    require("torch", extra="train")
    from mere.config import Recipe

    settings = list(overrides or [])
    if start is not None:
        from mere.training.fine_tuning import fine_tuning_recipe

        resolved = fine_tuning_recipe(start, recipe, settings)
    elif recipe is not None:
        resolved = Recipe.read(recipe, settings)
    else:
        raise UserError(
            "nothing to train. Name a recipe, or a model to fine-tune: mere train --from names --out RUN"
        )
    from mere.training.run import (
        train as run_training,
    )  # seconds, which a mistake in the recipe need not take

    model = run_training(resolved, out, resume=resume, progress=not quiet)
    if os.environ.get("RANK", "0") == "0":  # torchrun starts several processes, one of which speaks
        typer.echo(model)
