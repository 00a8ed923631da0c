"""`mere export`: one language of a model by itself, as a model folder or as LoRA for peft."""

from __future__ import annotations

import importlib.util
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import MODEL_HELP, refuse_several, talk
from mere.errors import UserError


class Form(StrEnum):
    """What is written."""

    model = "model"
    peft = "peft"


def export(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    lang: Annotated[str, typer.Option("--lang", help="The language to take out of the model (de).")],
    out: Annotated[Path, typer.Option("--out", help="The folder to make.")],
    form: Annotated[
        Form,
        typer.Option(
            "--as",
            help="model: a model folder, what the language has of its own merged into the weights where it can be; "
            "peft: its LoRA as the library peft loads it (switcher.kind=lora).",
        ),
    ] = Form.model,
) -> None:
    """Write one language of a model by itself: for an application that needs only one, or for peft."""
    refuse_several("export")
    if importlib.util.find_spec("torch") is None:
        raise UserError(
            'reading a model needs torch, which is not installed. Install: pip install "mere[train]"'
        )
    from mere.store.fetch import find_model

    if form is Form.model:
        from mere.languages.export import export_language

        exported = export_language(find_model(model), lang, out)
        numbers = sum(p.numel() for p in exported.model.parameters())
        talk(
            f"{lang}: {numbers:,} parameters, "
            + ("all in its weights" if exported.has_one_path else "its switcher beside the shared ones")
        )
    else:
        from mere.languages.adapters import export_adapter

        talk(f"{lang}: LoRA of {export_adapter(find_model(model), lang, out)}")
    typer.echo(out)
