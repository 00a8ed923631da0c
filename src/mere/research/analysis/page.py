"""One HTML page that needs nothing but itself: words, tables and charts, in the style of `mere compare`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.resources import files

from mere.research.analysis.plots import shown
from mere.research.compare.svg import NUM_COLOURS

_OWN_STYLE = "\n".join(
    [
        ".row { display: flex; flex-wrap: wrap; gap: 1rem; } .row > svg { flex: 1 1 18rem; }",
        "nav a { margin-right: 1rem; color: inherit; } .note { color: var(--soft); }",
        *(f"svg .fill.s{place} {{ fill: var(--s{place}); }}" for place in range(NUM_COLOURS)),
        "svg .heat.above { fill: var(--s0); } svg .heat.below { fill: var(--s1); }",
        *(f"svg .heat.d{depth} {{ fill-opacity: {0.04 + 0.06 * depth:.2f}; }}" for depth in range(10)),
    ]
)


@dataclass
class Page:
    """A page that grows from top to bottom."""

    title: str
    about: str
    _short: list[str] = field(default_factory=list)
    _sections: list[str] = field(default_factory=list)
    _body: list[str] = field(default_factory=list)

    def in_short(self, words: str) -> None:
        """Add what was found in one sentence to the list that the page begins with."""
        self._short.append(words)

    def section(self, heading: str, *paragraphs: str) -> None:
        """Begin a section."""
        self._sections.append(heading)
        self._body.append(f'<h2 id="s{len(self._sections)}">{escape(heading)}</h2>')
        self._body += [f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs]

    def note(self, words: str) -> None:
        self._body.append(f'<p class="note">{escape(words)}</p>')

    def figure(self, caption: str, *charts: str) -> None:
        """Add charts side by side under one caption."""
        row = "".join(charts)
        self._body.append(
            f'<figure><div class="row">{row}</div><figcaption>{escape(caption)}</figcaption></figure>'
        )

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str | float]], decimals: int = 2) -> None:
        """Add a table whose first column names its rows; numbers are rounded, and a table of words is set as such."""
        css = ' class="words"' if all(isinstance(cell, str) for row in rows for cell in row) else ""
        lines = []
        for name, *cells in rows:
            written = (cell if isinstance(cell, str) else shown(cell, decimals) for cell in cells)
            data = "".join(f"<td>{escape(cell)}</td>" for cell in written)
            lines.append(f'<tr><th scope="row">{escape(str(name))}</th>{data}</tr>')
        heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
        table = f"<thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody>"
        self._body.append(f'<div class="wide"><table{css}>{table}</table></div>')

    def html(self) -> str:
        """Return the document."""
        links = "".join(
            f'<a href="#s{place}">{escape(name)}</a>' for place, name in enumerate(self._sections, start=1)
        )
        short = "".join(f"<li>{escape(words)}</li>" for words in self._short)
        style = files("mere.research.compare").joinpath("page.css").read_text(encoding="utf-8") + _OWN_STYLE
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(self.title)}</title><style>{style}</style></head>\n<body><main>\n"
            f"<h1>{escape(self.title)}</h1>\n<p>{escape(self.about)}</p>\n"
            + (f"<ul>{short}</ul>\n" if short else "")
            + f"<nav>{links}</nav>\n"
            + "\n".join(self._body)
            + "\n</main></body></html>\n"
        )
