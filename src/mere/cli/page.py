"""`mere page MODEL`: a folder with the web page and the model in it, which needs no service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import talk
from mere.cli.options import MODEL_HELP


def page(
    model: Annotated[
        str, typer.Argument(help=f"{MODEL_HELP} It has to be exported (mere export --as onnx).")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder to make.")],
    runtime: Annotated[
        Path, typer.Option("--runtime", help="Where npm has put ONNX Runtime Web, which runs the model.")
    ] = Path("node_modules/onnxruntime-web"),
) -> None:
    """Write a web page that runs a model in the browser: any web server can hold it, and no text leaves the reader."""
    from mere.page.static import write_static_page
    from mere.store.fetch import find_model
    from mere.store.folder import ModelFolder

    folder = find_model(model)
    size = write_static_page(ModelFolder.read(folder), runtime, out, name=folder.resolve().name)
    typer.echo(out)
    talk(f"{size / 1e6:.1f} MB. Look at it: {_SERVE.format(out=out)}, then http://127.0.0.1:8000")


_SERVE = "python -m http.server --bind 127.0.0.1 --directory {out}"
