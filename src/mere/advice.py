"""The commands that messages advise: they run when they are copied, from the folder that the user is in.

A path is quoted where a shell needs it, and a file to write is named so that its language and its split stay
in its name.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

_RUN = re.compile(r"(?:Run: |.*\brun: )")


def command(*words: object) -> str:
    """Return the words as one line for a shell; `>`, `<`, `|` and `&&` stay what they are."""
    signs = (">", "<", "|", "&&")
    return " ".join(str(word) if word in signs else shlex.quote(str(word)) for word in words)


def run(*words: object) -> str:
    """Return `Run: …` with the words as a command."""
    return f"Run: {command(*words)}"


def is_command(line: str) -> bool:
    """Whether a line of a message is one to copy: `Run: …`, or words that end in `run: …`."""
    return _RUN.match(line) is not None


def parts(message: str) -> list[str]:
    """Return a message in lines, each advised command on one of its own."""
    return [part for line in message.split("\n") for part in re.split(r" (?=Run: )", line)]


def beside(path: Path, mark: str, *, ending: str | None = None) -> Path:
    """Return the name of another version of a file: `de.train.conll.gz` gives `de.train.utf8.conll`.

    Args:
        mark: what is put before the ending; "" for nothing.
        ending: in place of the file's own, which loses its `.gz` in any case.
    """
    name = path.name.removesuffix(".gz")
    dot = name.rfind(".")
    stem, own = (name[:dot], name[dot:]) if dot > 0 else (name, "")
    return path.with_name(stem + (f".{mark}" if mark else "") + (own if ending is None else ending))
