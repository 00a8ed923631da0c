"""`mere push`: a model onto the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import talk


def push(
    model: Annotated[Path, typer.Argument(help="A model's folder, such as runs/quickstart/model.")],
    name: Annotated[str, typer.Argument(help="Its name on the hub: org/name.")],
    private: Annotated[bool, typer.Option("--private", help="Nobody else may see it.")] = False,
    message: Annotated[str, typer.Option("--message", help="What the commit says.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go there, and stop.")] = False,
) -> None:
    """Push a model to the hub, to be loaded by its name. The token: HF_TOKEN, or `hf auth login`."""
    from mere.store.push import Upload, repo_of
    from mere.store.push import push as upload

    repo = repo_of(name)
    found = Upload.of(model)
    for file, size in found.sizes.items():
        talk(f"{_shown(size)}  {file}")
    talk(f"{_shown(sum(found.sizes.values()))}  in {len(found.sizes)} files, every SHA-256 as written")
    if found.left_out:
        talk(f"Note: not of the model, so left out: {', '.join(found.left_out)}")
    if found.paths:
        talk(f"Note: config.json names paths of this machine: {', '.join(found.paths)}")
    if dry_run:
        return
    talk(f"Pushing to {repo} …")
    typer.echo(upload(found, repo, private=private, message=message))
    talk(f'Load it: mere.load("{repo}")')


def _shown(size: int) -> str:
    return f"{size / 1e6:8.1f} MB" if size >= 1e6 else f"{size / 1e3:8.1f} kB"
