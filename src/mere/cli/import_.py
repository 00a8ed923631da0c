"""`mere import`: LoRA that peft has trained, as a language of a model."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import MODEL_HELP, refuse_several, talk
from mere.errors import UserError


def import_(
    model: Annotated[str, typer.Argument(help=MODEL_HELP + " Its switcher.kind is lora.")],
    adapter: Annotated[
        Path,
        typer.Argument(
            help="A folder that peft has written: adapter_config.json, adapter_model.safetensors."
        ),
    ],
    lang: Annotated[
        str, typer.Option("--lang", help="The language that it is for: a new one, or one of the model's.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to make: the whole new model.")],
) -> None:
    """Take LoRA of the model's encoder, trained with peft, as one language; every other language stays as it is."""
    refuse_several("import")
    if importlib.util.find_spec("torch") is None:
        raise UserError(
            'reading a model needs torch, which is not installed. Install: pip install "mere[train]"'
        )
    from mere.languages.imported import import_adapter
    from mere.store.fetch import find_model

    imported = import_adapter(find_model(model), adapter, lang, out)
    for note in imported.notes:
        talk(f"Note: {note}")
    talk(f"{imported.unchanged.tensors} tensors of the model and its other languages have the same SHA-256")
    typer.echo(imported.folder)
