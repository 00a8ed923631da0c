"""`mere models`: the models that come with mere."""

from __future__ import annotations

import typer


def models() -> None:
    """List the models that come with mere; each is used by its name."""
    from mere.shipped import default_model, shipped_models
    from mere.store.info import ModelInfo

    for name, folder in shipped_models().items():
        found = ModelInfo.read(folder)
        knows = ", ".join([*found.types, *found.relations])
        chosen = " (used where none is named)" if name in default_model().split("+") else ""
        typer.echo(f"{name}{chosen}: {', '.join(found.tasks)} in {len(found.languages)} languages; {knows}")
        typer.echo(f"    {found.bytes / 1e6:.1f} MB, {found.precision}; data: {found.licence}; {folder}")
