"""The files of the page by the path that a browser asks for; what draws documents and graphs is `mere.graph`'s."""

from __future__ import annotations

from importlib.resources import files

from mere.graph.html import asset

_DRAWING = ("document.css", "graph.css", "arcs.js", "graph.js")
INDEX = "index.html"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""The page's Content-Security-Policy: nothing from elsewhere, nothing inline, no text that becomes markup."""


def page_files() -> dict[str, bytes]:
    """Return the content of every file: `index.html`, and the others under `page/`."""
    own = [entry for entry in (files("mere.page") / "web").iterdir() if entry.is_file()]
    found = {entry.name if entry.name == INDEX else f"page/{entry.name}": entry.read_bytes() for entry in own}
    return found | {f"page/{name}": asset(name).encode() for name in _DRAWING}
