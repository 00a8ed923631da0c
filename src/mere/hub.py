"""The Hugging Face Hub: names of what lies there, the commands that fetch it, and what went wrong, in our words.

The package huggingface_hub is imported where it is needed, and nothing here reaches for the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere.errors import ModelError
from mere.shipped import INSTALL_AGAIN, is_in_package

INSTALL = 'pip install "mere[hf]"'
TOKEN = "Set HF_TOKEN, or run: hf auth login"
_NAME = re.compile(r"(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>\w[\w./-]*))?", re.ASCII)


@dataclass(frozen=True)
class HubName:
    """A model on the hub, such as "org/name" or "org/name@v1".

    Args:
        revision: a branch, a tag or a commit; None: the main branch.
    """

    repo: str
    revision: str | None = None

    @classmethod
    def parse(cls, name: str) -> HubName | None:
        """Return the name, or None where a text is none."""
        match = _NAME.fullmatch(name)
        return cls(match["repo"], match["revision"]) if match else None


def library(name: str) -> Any:
    """Return the package huggingface_hub.

    Args:
        name: what it is needed for.

    Raises:
        ModelError: it is not installed.
    """
    try:
        import huggingface_hub
        import huggingface_hub.constants
        import huggingface_hub.errors
    except ImportError:
        raise ModelError(f"{name}: a hub name needs the package huggingface_hub. Run: {INSTALL}") from None
    return huggingface_hub


def command(repo: str, globs: Sequence[str], *, revision: str | None = None) -> str:
    """Return the command that fetches the files of a repository that match one of `globs` into the cache."""
    at = f" --revision {revision}" if revision else ""
    return f"hf download {repo}{at} " + " ".join(f"--include '{glob}'" for glob in globs)


def again(path: Path, otherwise: str = "Copy the folder again.") -> str:
    """Return what to do about a broken file or folder: fetch it where it lies in the hub's cache, or `otherwise`."""
    for folder in (path, *path.parents):
        if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
            repo = folder.parent.parent.name.removeprefix("models--").replace("--", "/")
            what = "" if path == folder else f" {path.relative_to(folder).as_posix()}"
            return (
                f"Fetch it again: hf download {repo}{what} --revision {folder.name} --force-download. "
                "If that does not help, it has to be pushed again."
            )
    if is_in_package(path):
        return INSTALL_AGAIN
    return otherwise


def status(error: BaseException) -> int | None:
    """Return the HTTP status that an error of huggingface_hub, or what led to it, came with."""
    codes = (getattr(getattr(e, "response", None), "status_code", None) for e in _chain(error))
    return next((code for code in codes if code is not None), None)


def is_unreachable(error: BaseException) -> bool:
    """Whether an error says that no answer came at all."""
    if status(error) is not None:
        return False
    return any(
        isinstance(e, ConnectionError | TimeoutError)
        or type(e).__module__.partition(".")[0].startswith("httpx")
        for e in _chain(error)
    )


def said(error: BaseException) -> str:
    """Return what the hub said, in a line."""
    for e in _chain(error):
        if message := getattr(e, "server_message", None):
            return str(message).strip()
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
