"""Where a model lies: in a folder here, or on the Hugging Face Hub, from where it is fetched into the hub's cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mere
from mere import hub
from mere.errors import ModelError
from mere.hub import HubName
from mere.shipped import shipped_models
from mere.store.files import CARD, PATTERNS, REQUIRED, SUMS

_GLOBS = ("*.json", "*.safetensors", CARD, SUMS)


def find_model(name: str | Path) -> Path:
    """Return the folder of a model by its path, the name of one that comes with mere, or its name on the hub.

    On the hub it is "org/name" or "org/name@revision".

    A folder that is here wins. A Path is never a hub name, and neither is "a/b" where a folder "a" is here:
    write "a/b@main" for that one on the hub. Of the hub's files only those of a model folder are fetched, and
    none where the cache has them; HF_HUB_OFFLINE is honoured.

    Raises:
        ModelError: neither; or it is no model. The message has the command that trains or fetches it.
    """
    path = Path(name)
    if isinstance(name, str) and not path.exists():
        path = shipped_models().get(name, path)
    if not path.is_dir():
        wanted = HubName.parse(name) if isinstance(name, str) and not path.exists() else None
        if wanted is None or (wanted.revision is None and path.parent.is_dir()):
            found = "is a file" if path.exists() else "no such folder"
            online = f" One on the hub: {name}@main" if wanted else ""
            raise ModelError(
                f"{path}: {found}; expected a model's folder. "
                "What is here: mere models. Or train one: mere train recipes/quickstart.yaml --out runs/quickstart."
                f"{online}"
            )
        path = _fetched(str(name), wanted)
    missing = [file for file in REQUIRED if not (path / file).is_file()]
    if not (path / "graphs").is_dir() and not (path / "model.safetensors").is_file():
        missing.append("model.safetensors")
    if missing:
        inner = path / "model"
        hint = (
            f"Did you mean {inner}?"
            if inner.is_dir()
            else hub.again(path, "Copy the whole model folder, or train it again.")
        )
        raise ModelError(f"{path}: not a model's folder, it lacks {', '.join(missing)}. {hint}")
    return path


def find_models(name: str | Path) -> tuple[Path, ...]:
    """Return the folders of a model, or of two that are named together: "A+B" (mere.inference.together).

    Raises:
        ModelError: as `find_model`.
    """
    if isinstance(name, str) and "+" in name and not Path(name).exists():
        first, _, second = name.partition("+")
        return find_model(first), find_model(second)
    return (find_model(name),)


def _fetched(name: str, wanted: HubName) -> Path:
    library = hub.library(name)
    try:
        return Path(
            library.snapshot_download(
                wanted.repo,
                revision=wanted.revision,
                allow_patterns=list(PATTERNS),
                library_name="mere",
                library_version=mere.__version__,
            )
        )
    except Exception as error:  # the hub's, httpx's, the disk's: what `_reason` does not know goes on
        if (reason := _reason(library, wanted, error)) is None:
            raise
        raise ModelError(f"{name}: no such folder here, and {reason}") from error


def _reason(library: Any, wanted: HubName, error: Exception) -> str | None:
    """Say why a model could not be fetched and what to do; None where the fault is not the hub's."""
    errors, code = library.errors, hub.status(error)
    fetch = hub.command(wanted.repo, _GLOBS, revision=wanted.revision)
    if isinstance(error, errors.HFValidationError):
        return f"not a name that the hub allows ({hub.said(error)})"
    if isinstance(error, errors.RevisionNotFoundError):
        return f'{wanted.repo} on the hub has no revision "{wanted.revision or "main"}".'
    if code in (401, 403, 404):
        return (
            f"no model on the hub that you may read ({code}). Check the name; if it is private: {hub.TOKEN}"
        )
    if code is not None:
        return f"the hub answers with an error ({code}: {hub.said(error)}). Fetch it later: {fetch}"
    if library.constants.HF_HUB_OFFLINE and isinstance(error, errors.LocalEntryNotFoundError):
        return (
            f"not whole in the hub's cache, while HF_HUB_OFFLINE is set. Fetch it: HF_HUB_OFFLINE=0 {fetch}"
        )
    if hub.is_unreachable(error) or isinstance(error, errors.LocalEntryNotFoundError):
        return (
            f"not whole in the hub's cache, and the hub cannot be reached. With a network, fetch it: {fetch}"
        )
    return None
