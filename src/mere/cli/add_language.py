"""`mere add-language`: one more language for a model, the others untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import refuse_several, require, talk
from mere.cli.options import MODEL_HELP
from mere.errors import UserError


def add_language(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    data: Annotated[Path, typer.Argument(help="A corpus folder or file with sentences of the language.")],
    lang: Annotated[str, typer.Option("--lang", help="The language to add, as the corpus writes it (uk).")],
    out: Annotated[Path, typer.Option("--out", help="The folder to make: the whole new model.")],
    start: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="auto|universal|LANG",
            help="What its switcher begins as: nothing, another language's, or what fits its sentences best.",
        ),
    ] = "auto",
    head_bias: Annotated[
        bool, typer.Option("--head-bias", help="The language has biases of its own in the heads, too.")
    ] = False,
    lora: Annotated[
        int | None,
        typer.Option(
            "--lora",
            min=0,
            metavar="RANK",
            help="Of its own weights, for a model without switchers; 0: full.",
        ),
    ] = None,
    epochs: Annotated[
        float | None, typer.Option("--epochs", min=0.01, help="Default: by the number of sentences.")
    ] = None,
    lr: Annotated[float | None, typer.Option("--lr", help="Default: the model's own recipe's.")] = None,
    skip_unknown: Annotated[
        bool,
        typer.Option("--skip-unknown", help="Leave out relations and types that the model does not know."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bars.")] = False,
) -> None:
    """Add a language to a model: train its switcher only, and check that no other language has changed."""
    refuse_several("add-language")
    require("torch", extra="train")
    from mere.languages.add_language import add_language as add
    from mere.languages.defaults import Choices
    from mere.store.fetch import find_model
    from mere.training.progress import Listener, ProgressBars

    if lr is not None and lr <= 0:
        raise UserError(f"--lr {lr}: a learning rate is greater than 0.")
    choices = Choices(start, head_bias, lora, epochs, lr, skip_unknown)
    added = add(find_model(model), data, lang, out, choices, Listener() if quiet else ProgressBars())
    for note in added.notes:
        talk(f"Note: {note}")
    for metric, score in added.dev.items():
        talk(f"{lang}: dev {metric} {score:.1f}")
    talk(str(added.verification))
    typer.echo(added.folder)
