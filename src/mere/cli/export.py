"""`mere export`: one language of a model by itself, as a model folder or as LoRA for peft."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mere.cli.guard import refuse_several, require, talk
from mere.cli.options import MODEL_HELP
from mere.errors import UserError


def export(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    out: Annotated[Path, typer.Option("--out", help="The folder to make.")],
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang", help="The language to take out of the model (de); for onnx, nothing: all of them."
        ),
    ] = None,
    form: Annotated[
        Literal["model", "onnx", "peft"],
        typer.Option(
            "--as",
            help="onnx: a folder for machines without torch; "
            "model: a model folder, what the language has of its own merged into the weights where it can be; "
            "peft: its LoRA as the library peft loads it (switcher.kind=lora).",
        ),
    ] = "model",
    precision: Annotated[
        Literal["int8", "fp32"],
        typer.Option("--precision", help="For onnx: int8 is smaller and faster, fp32 exact."),
    ] = "int8",
    dev: Annotated[
        str | None,
        typer.Option(
            "--dev",
            help="For onnx: the corpus whose dev split an int8 model must do as well on as the model; default: the "
            "recipe's.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="For onnx: write an int8 model that is worse, or not compared.")
    ] = False,
) -> None:
    """Write a model for other places: without torch (onnx), one language by itself, or for peft."""
    refuse_several("export")
    require("torch", extra="train")
    from mere.store.fetch import find_model

    folder = find_model(model)
    if form == "onnx":
        from mere.languages.to_onnx import LARGEST_LOSS, export_for_runtime

        done = export_for_runtime(folder, out, lang=lang, precision=precision, dev=dev, force=force)
        talk(f"{done.precision}, {done.bytes / 1e6:.1f} MB")
        if done.parity is not None:
            talk(
                f"dev: {done.parity.differing} of {sum(done.parity.sentences.values())} sentences differ; the largest "
                f"loss in a language is {done.parity.worst:.2f} points of F1 (at most {LARGEST_LOSS:g})"
            )
    elif lang is None:
        raise UserError(f"--as {form} writes one language. Name it: --lang CODE.")
    elif form == "model":
        from mere.languages.export import export_language

        exported = export_language(folder, lang, out)
        numbers = sum(p.numel() for p in exported.model.parameters())
        talk(
            f"{lang}: {numbers:,} parameters, "
            + ("all in its weights" if exported.has_one_path else "its switcher beside the shared ones")
        )
    else:
        from mere.languages.adapters import export_adapter

        talk(f"{lang}: LoRA of {export_adapter(folder, lang, out)}")
    typer.echo(out)
