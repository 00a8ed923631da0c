"""Literals as N-Triples and Turtle both write them: quoted, with control characters as numbers."""

from __future__ import annotations

import re

_ESCAPED = re.compile('[\x00-\x1f"\\\\\x7f]')
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def quoted(text: str) -> str:
    """Return a string as a literal, its quotes included."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04X}"
