"""The texts that `mere extract` reads: in order, with a bar on a terminal, and a word on hard-wrapped lines."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mere.cli.guard import talk
from mere.inference.io import InputText, read_texts
from mere.inference.sentences import is_wrapped

if TYPE_CHECKING:
    from rich.progress import Progress

_LINES_LOOKED_AT = 200


@dataclass
class Reading:
    """Iterates over (text, language) of all sources, None at a pause; a text waits in `waiting` for its document.

    Args:
        sources: paths, or "-" for standard input.
        kind, per, text_key: as `mere.inference.io.read_texts` takes them.
        lang: language of texts that state none.
    """

    sources: Sequence[str]
    kind: Literal["auto", "text", "jsonl"]
    per: Literal["line", "file"]
    text_key: str
    lang: str | None
    waiting: deque[InputText] = field(default_factory=deque)

    def __iter__(self) -> Iterator[tuple[str, str | None] | None]:
        bar = _bar(self.sources)
        with bar or nullcontext():
            task = bar.add_task("reading", total=sum(map(_size, self.sources))) if bar else None
            done = 0

            def tell(read: int) -> None:
                if bar and task is not None:
                    bar.update(task, completed=done + read)

            for source in self.sources:
                if source == "-" and sys.stdin.isatty():
                    talk("Reading standard input; end it with Ctrl-D.")
                for item in self._texts(source, tell):
                    if item is None:
                        yield None
                    else:
                        self.waiting.append(item)
                        yield item.text, item.lang if item.lang is not None else self.lang
                done += _size(source)

    def _texts(self, source: str, tell: Callable[[int], None]) -> Iterator[InputText | None]:
        """Yield the texts of a source; say where its lines look wrapped."""
        lines: list[str] | None = []
        for item in read_texts(source, kind=self.kind, per=self.per, text_key=self.text_key, tell=tell):
            if item and lines is not None and self.per == "line" and not item.extra:
                lines.append(item.text)
                if len(lines) == _LINES_LOOKED_AT:
                    self._tell_wrapped(source, lines)
                    lines = None
            yield item
        self._tell_wrapped(source, lines or [])

    def _tell_wrapped(self, source: str, lines: Sequence[str]) -> None:
        if is_wrapped(lines):
            talk(
                f"Note: {source}: most lines end in mid-sentence, and each line is read as a text of its own. "
                "If the text is hard-wrapped, pass --unwrap."
            )


def _size(source: str) -> int:
    return Path(source).stat().st_size if Path(source).is_file() else 0


def _bar(sources: Sequence[str]) -> Progress | None:
    """Return a bar on the terminal, where there is one, the output goes elsewhere and the sources have a size."""
    if (
        not sys.stderr.isatty()
        or sys.stdout.isatty()
        or not all(Path(source).is_file() for source in sources)
    ):
        return None
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)
