"""A document as HTML: its text with the entities coloured, triples as arcs over it and as a table.

The browser lays out the text, so it may break and run right to left as it likes; a small script (`SCRIPT`) draws the
arcs over it. Nothing of a document is markup: all of it is escaped, and direction marks end where its text ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import pairwise
from zlib import crc32

from mere.graph.names import mentions
from mere.types import Document, Entity

_HUES = 12
_SALT = "140"  # with it, the commonest types have colours that differ
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@cache
def asset(name: str) -> str:
    """Return a style sheet or a script that pages are made with: `document.css`, `arcs.js` and others."""
    return (files("mere.graph") / "assets" / name).read_text(encoding="utf-8")


def document_html(document: Document) -> str:
    """Return a document as a piece of a page that needs nothing else: for a notebook, or anywhere in a page."""
    return f"<style>{asset('document.css')}</style>{fragment(document)}<script>{asset('arcs.js')}</script>"


def fragment(document: Document) -> str:
    """Return a document for a page that has `document.css` and runs `arcs.js` after it."""
    found = mentions(document)
    index = {key: i for i, key in enumerate(found)}
    lang = f' lang="{shown(document.lang)}"' if document.lang else ""
    rows = "".join(
        f'<tr data-s="{index[s.start, s.end, s.type, s.link]}" data-o="{index[o.start, o.end, o.type, o.link]}" '
        f'data-r="{shown(triple.relation)}"><td><bdi>{shown(s.text)}</bdi></td><td><bdi>{shown(triple.relation)}'
        f"</bdi></td><td><bdi>{shown(o.text)}</bdi></td><td>{_score(triple.score)}</td></tr>"
        for triple in document.triples
        for s, o in [(triple.subject, triple.object)]
    )
    head = "<tr><th>subject</th><th>relation</th><th>object</th><th>score</th></tr>"
    table = f'<table class="mere-triples"><thead>{head}</thead><tbody>{rows}</tbody></table>' if rows else ""
    notes = "".join(f'<p class="mere-notes">{shown(note)}</p>' for note in document.notes)
    text = "".join(_marked(document.text, list(found.values())))
    return f'<div class="mere-document"><p class="mere-text" dir="auto"{lang}>{text}</p>{table}{notes}</div>'


def shown(text: str) -> str:
    """Return text escaped, for content and for attributes; control characters as their pictures (U+2400 …)."""
    return escape(_CONTROL.sub(_picture, text))


def hue(type: str | None) -> str:
    """Return the class of a type's colour; the same type has the same one on every page."""
    return f"h{crc32((_SALT + (type or '')).encode()) % _HUES}"


def _picture(match: re.Match[str]) -> str:
    return "\u2421" if match[0] == "\x7f" else chr(0x2400 + ord(match[0]))


def _marked(text: str, found: Sequence[Entity]) -> Iterator[str]:
    """Cut the text wherever a mention begins or ends, as mentions may cross; each piece says whose it is."""
    borders = sorted({0, len(text), *(e.start for e in found), *(e.end for e in found)})
    opening: dict[int, list[int]] = {}
    for number, entity in enumerate(found):
        opening.setdefault(entity.start, []).append(number)
    inside: list[int] = []
    for start, end in pairwise(borders):
        inside = [n for n in inside if found[n].end > start] + opening.get(start, [])
        piece = shown(text[start:end])
        if not inside:
            yield piece
            continue
        inner = min(inside, key=lambda n: found[n].end - found[n].start)
        named = " ".join(found[n].type or "" for n in opening.get(start, [])).strip()
        label = f'<i class="mere-type" data-type="{shown(named)}"></i>' if named else ""
        told = "; ".join(filter(None, (_told(found[n]) for n in inside)))
        yield (
            f'<mark class="{hue(found[inner].type)}" data-m="{" ".join(map(str, inside))}" '
            f'title="{shown(told)}">{label}{piece}</mark>'
        )


def _told(entity: Entity) -> str:
    return " ".join(filter(None, (entity.type, _score(entity.score), entity.link)))


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"
