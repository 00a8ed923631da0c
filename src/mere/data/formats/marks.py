"""A text with two mentions marked in it, `<e1>…</e1>` and `<e2>…</e2>`, into text and spans, and back.

Where a tag is missing, the entity's own column may say where it belongs. A repair is made only where it is
the only one possible; everything else is `Damage`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mere.types import Span

_TAG = re.compile(r"</?e[12]>")
_NBSP = re.compile(r"&nbsp;?")


class Damage(ValueError):
    """Marks that cannot be read, or a text that cannot be marked. `code` names the kind."""

    def __init__(self, code: str, message: str):
        self.code = code
        super().__init__(message)


class Marked(NamedTuple):
    """A text without its tags, the spans of entity 1 and entity 2 in it, and the kinds of repair made."""

    text: str
    spans: tuple[Span, Span]
    repairs: list[str]


def unmark(tagged: str, entity_1: str, entity_2: str) -> Marked:
    """Take the tags out of a text.

    Args:
        tagged: the text with its tags.
        entity_1: the entity's column, asked only where a tag is missing. It may be a translation.
        entity_2: likewise.

    Raises:
        Damage: tags are missing, doubled or inverted and no single repair is possible.
    """
    if not tagged.strip():
        raise Damage("no-text", "the text is empty (so SMiLER marks an entity that it could not find)")
    repairs = []
    if _NBSP.search(tagged):
        tagged = _NBSP.sub(" ", tagged)
        entity_1, entity_2 = _NBSP.sub(" ", entity_1), _NBSP.sub(" ", entity_2)
        repairs.append("&nbsp; made a space")
    pieces: list[str] = []
    place: dict[str, int] = {}  # tag: its position in the text without tags
    last = length = 0
    for match in _TAG.finditer(tagged):
        if match.group() in place:
            raise Damage("tag-twice", f"the tag {match.group()} occurs twice")
        pieces.append(tagged[last : match.start()])
        length += len(pieces[-1])
        place[match.group()] = length
        last = match.end()
    text = "".join([*pieces, tagged[last:]])
    spans = []
    for name, column in (("e1", entity_1), ("e2", entity_2)):
        span, kind = _span(text, name, column, place)
        spans.append(span)
        if kind:
            repairs.append(kind)
    if spans[0] == spans[1] and len(place) < 4:
        raise Damage("same-mention", "a tag is missing, and the repair would make both entities one mention")
    return Marked(text, (spans[0], spans[1]), repairs)


def _span(text: str, name: str, column: str, place: dict[str, int]) -> tuple[Span, str | None]:
    """Return where an entity stands, and the kind of repair that it took to know it."""
    start, end = place.get(f"<{name}>"), place.get(f"</{name}>")
    if start is not None and end is not None:
        if start >= end:
            raise Damage("empty-mention", f"<{name}> marks nothing: it closes at or before its start")
        return Span(start, end), None
    if start is not None:
        rest = text[start:]
        if column and rest.startswith(column):
            return Span(start, start + len(column)), "close tag added"
        if rest.find(".") == len(rest) - 1 and column.startswith(rest) and start == max(place.values()):
            return Span(start, len(text)), "close tag added at the full stop where the row was cut"
        raise Damage("no-close-tag", f"</{name}> is missing, and the text after <{name}> is not {column!r}")
    if end is not None:
        if column and text[:end].endswith(column):
            return Span(end - len(column), end), "open tag added"
        raise Damage("no-open-tag", f"<{name}> is missing, and the text before </{name}> is not {column!r}")
    first = text.find(column) if column else -1
    if first < 0:
        raise Damage("not-in-text", f"<{name}> is missing, and the text lacks {column!r}")
    if text.find(column, first + 1) >= 0:
        raise Damage("several-in-text", f"<{name}> is missing, and {column!r} occurs more than once")
    return Span(first, first + len(column)), "both tags added"


def mark(text: str, span_1: Span, span_2: Span) -> str:
    """Put the tags into a text; the inverse of `unmark`.

    Raises:
        Damage: the text holds a tag of its own, or what `unmark` would take for a space.
    """
    if _TAG.search(text):
        raise Damage("tag-in-text", "a tag such as <e1> in the text itself")
    if _NBSP.search(text):
        raise Damage("nbsp-in-text", "&nbsp; in the text itself")
    tags = [(span_1.start, "<e1>"), (span_2.start, "<e2>"), (span_1.end, "</e1>"), (span_2.end, "</e2>")]
    out = text
    for position, tag in sorted(tags, key=lambda tag: tag[0], reverse=True):
        out = out[:position] + tag + out[position:]
    return out
