"""A report: sections of text, tables and charts, as one self-contained HTML page or as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from mere.research.report.charts import shown
from mere.research.report.tables import Table


class Emphasis(NamedTuple):
    """A table's cell that is set in bold, in the colour of something better or worse."""

    text: str
    css: str

    def __str__(self) -> str:
        return self.text


@dataclass
class Page:
    """The content of a page, in the order in which it is read.

    Args:
        findings: what was found, a sentence each; the page begins with them.
        sections: heading to blocks, each a kind and its values (page.html.j2).
        data: JSON that the page carries in its last element, for programs; empty for none.
    """

    title: str
    introduction: str
    findings: list[str] = field(default_factory=list)
    sections: list[tuple[str, list[dict[str, Any]]]] = field(default_factory=list)
    data: str = ""

    def section(self, heading: str, *paragraphs: str) -> None:
        """Begin a section."""
        self.sections.append((heading, [{"kind": "text", "text": text} for text in paragraphs]))

    def note(self, text: str) -> None:
        """Add a remark to the section."""
        self._add(kind="note", text=text)

    def list(self, sentences: Iterable[str]) -> None:
        """Add a list of sentences to the section."""
        self._add(kind="list", sentences=list(sentences))

    def figure(self, caption: str, *charts: str, name: str = "") -> None:
        """Add charts (SVG) side by side under one caption.

        Args:
            name: the element's id.
        """
        self._add(kind="figure", caption=caption, charts=charts, name=name)

    def table(
        self,
        header: Sequence[str],
        rows: Sequence[Sequence[str | float | Emphasis]],
        *,
        caption: str = "",
        name: str = "",
        words: bool = False,
        decimals: int = 2,
    ) -> None:
        """Add a table whose first column names its rows.

        Args:
            rows: cells; numbers are rounded to `decimals`, and a line feed in a text breaks the line.
            name: the element's id. words: whether columns are text, aligned left.
        """
        cells = [[shown(c, decimals) if isinstance(c, int | float) else c for c in row] for row in rows]
        self._add(kind="table", header=header, rows=cells, caption=caption, name=name, words=words)

    def html(self) -> str:
        """Return the document."""
        return _ENVIRONMENT.get_template("page.html.j2").render(page=self)

    def markdown(self) -> str:
        """Return the document without its charts, as Markdown."""
        lines = [f"# {self.title}", "", self.introduction, "", *_bullets(self.findings)]
        for heading, blocks in self.sections:
            lines += ["", f"## {heading}"]
            for block in blocks:
                if block["kind"] == "table":
                    table = Table(block["header"], [[str(cell) for cell in row] for row in block["rows"]])
                    lines += ["", block["caption"], ""] if block["caption"] else [""]
                    lines.append(table.markdown(numbers=not block["words"]))
                elif block["kind"] == "list":
                    lines += ["", *_bullets(block["sentences"])]
                elif block["kind"] != "figure":
                    lines += ["", block["text"]]
        return "\n".join(lines) + "\n"

    def _add(self, **block: Any) -> None:
        if not self.sections:
            self.section("")
        self.sections[-1][1].append(block)


def _bullets(sentences: Iterable[str]) -> list[str]:
    return [f"- {sentence}" for sentence in sentences]


_ENVIRONMENT = Environment(
    loader=PackageLoader("mere.research.report", ""),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
