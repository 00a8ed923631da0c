"""The nodes of a property graph, gathered on disk: every form and type that each was met in, and how often.

A node's name, aliases and count are known only when all documents were read, and there may be more nodes than fit
in memory: counts are added up in a temporary SQLite database that goes away by itself.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from mere.graph.names import Names, mentions
from mere.graph.settings import Item

_HELD = 1 << 16  # counts held in memory before they are added to those on disk
_CACHE_KIB = 64 * 1024
_ADD = """insert into forms values (?, ?, ?, ?)
    on conflict do update set mentions = mentions + excluded.mentions"""


@dataclass(frozen=True, slots=True)
class Node:
    """What mentions denote.

    Args:
        iri: its name in every format.
        name: the form that it was met in most often; the first in order of code points, of several.
        type: the type that it was met with most often, or None where it never had one.
        aliases: every form, the most frequent first.
        mentions: how often it was met.
    """

    iri: str
    name: str
    type: str | None
    aliases: tuple[str, ...]
    mentions: int


class NodeIndex:
    """Counts what nodes are called, on disk; gives each node once, whole, in order of its IRI."""

    def __init__(self, names: Names):
        self.names = names
        self._held: Counter[tuple[str, str, str]] = Counter()
        self._base = sqlite3.connect("", isolation_level=None)  # "": a file that SQLite deletes
        for setting in ("journal_mode = off", "synchronous = off", f"cache_size = -{_CACHE_KIB}"):
            self._base.execute(f"pragma {setting}")
        self._base.execute(
            "create table forms (node text, form text, type text, mentions integer, "
            "primary key (node, form, type)) without rowid"
        )

    def add(self, item: Item) -> None:
        """Count the mentions of a document."""
        document = self.names.document(item.id)
        for entity in mentions(item.document):
            self._held[self.names.node(entity, document), entity.text, entity.type or ""] += 1
        if len(self._held) >= _HELD:
            self._flush()

    def nodes(self) -> Iterator[Node]:
        self._flush()
        rows = self._base.execute("select node, form, type, mentions from forms order by node")
        for iri, group in groupby(rows, key=itemgetter(0)):
            forms: Counter[str] = Counter()
            types: Counter[str] = Counter()
            for _, form, type, count in group:
                forms[form] += count
                if type:
                    types[type] += count
            aliases = tuple(sorted(forms, key=lambda form: (-forms[form], form)))
            type = min(types, key=lambda type: (-types[type], type), default=None)
            yield Node(iri, aliases[0], type, aliases, forms.total())

    def _flush(self) -> None:
        self._base.execute("begin")
        self._base.executemany(_ADD, sorted((*key, count) for key, count in self._held.items()))
        self._base.execute("commit")
        self._held.clear()
