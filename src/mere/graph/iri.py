"""Names as parts of IRIs (RFC 3987): letters of every script stand as they are, all else is percent-encoded.

Encoded are what the syntax has no room for (spaces, quotes, control characters, private use), its delimiters, and
what nobody sees: other spaces, zero-width and bidirectional formatting characters, which RFC 3987 (4.1) forbids.
"""

from __future__ import annotations

import re

_SEEN = (
    "\u00a1-\u00ac\u00ae-\u061b\u061d-\u167f\u1681-\u1fff\u200c\u200d\u2010-\u2027\u2030-\u205e\u2070-\u2fff"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufefe\uff00-\uffef"
    + "".join(f"{chr(plane << 16)}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 14))
    + "\U000e1000-\U000efffd"
)
_ENCODED_IN_NAME = re.compile(f"[^A-Za-z0-9._~:{_SEEN}-]")
_ENCODED_IN_IRI = re.compile(f"[^A-Za-z0-9._~:/?@!$&'()*+,;=%{_SEEN}-]|%(?![0-9A-Fa-f]{{2}})")
_IRI = re.compile(r"https?://[^\s/?#@:\[\]]+(?::\d+)?(?=[/?#]|\Z)|urn:[A-Za-z0-9][A-Za-z0-9-]*:")


def segment(name: str) -> str:
    """Return a name as one segment of a path or part of a fragment; different names give different segments."""
    if name.strip(".") == "":  # "." and ".." are steps of a path
        return name.replace(".", "%2E")
    return _ENCODED_IN_NAME.sub(_encoded, name)


def legal(iri: str) -> str:
    """Return an IRI that somebody gave with what an IRI may not hold percent-encoded."""
    before, fragment, after = iri.partition("#")
    return _ENCODED_IN_IRI.sub(_encoded, before) + fragment + _ENCODED_IN_IRI.sub(_encoded, after)


def is_iri(name: str) -> bool:
    """Whether a name is an IRI by itself: http, https or urn. `notes.txt:12` is none."""
    return _IRI.match(name) is not None


class _Percent(dict[str, str]):
    """Characters percent-encoded, each worked out once."""

    def __missing__(self, character: str) -> str:
        self[character] = encoded = "".join(f"%{byte:02X}" for byte in character.encode())
        return encoded


_PERCENT = _Percent()


def _encoded(match: re.Match[str]) -> str:
    return _PERCENT[match[0]]
