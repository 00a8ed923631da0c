"""The pages: README and docs, their code blocks, and the commands in them."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

import typer

from mere.cli import app

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
from generated import expanded  # noqa: E402  (docs/generated.py, which Sphinx loads)

PAGES = {
    str(path.relative_to(ROOT)): expanded(path.read_text(encoding="utf-8"))
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
}


class Command(NamedTuple):
    """One `mere …` of a shell line, as the shell would hand it over."""

    args: tuple[str, ...]
    stdin: str = ""
    out: str = ""

    @property
    def verb(self) -> str:
        return self.args[0]


def blocks(page: str, *kinds: str) -> list[str]:
    """Return the code blocks of a page that are of one of these kinds."""
    return re.findall(rf"^```(?:{'|'.join(kinds)})\n(.*?)^```$", PAGES[page], re.M | re.S)


def lines(page: str) -> list[str]:
    """Return what a page tells people to type: console lines, and lines of other shell blocks."""
    typed = [line for block in blocks(page, "console") for line in block.splitlines() if line[:2] == "$ "]
    plain = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in typed + plain]


def command(line: str) -> Command | None:
    """Return the `mere …` of a line: alone, after `echo TEXT |`, or with `> FILE`; None where there is none."""
    words = list(shlex.shlex(line, posix=True, punctuation_chars="|>&#"))
    words = words[: words.index("#")] if "#" in words else words
    out = words[words.index(">") + 1] if ">" in words else ""
    words = words[: words.index(">")] if ">" in words else words
    if words[:1] == ["mere"]:
        return Command(tuple(words[1:]), out=out)
    if words[:1] == ["echo"] and words[2:4] == ["|", "mere"]:
        return Command(tuple(words[4:]), stdin=words[1] + "\n", out=out)
    return None


def parsed(args: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters that the real command line reads from arguments, which it must know."""
    group = typer.main.get_command(app)
    outer = group.make_context("mere", [], resilient_parsing=True)
    return dict(group.commands[args[0]].make_context(args[0], list(args[1:]), parent=outer).params)


def options(verb: str) -> set[str]:
    """Return the options of a verb."""
    return {
        name for parameter in typer.main.get_command(app).commands[verb].params for name in parameter.opts
    }
