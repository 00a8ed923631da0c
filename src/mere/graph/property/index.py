"""The nodes of a property graph, gathered on disk: every form and type that each was met in, and how often.

A node's name, aliases and count are known only when all documents were read, and there may be more nodes than fit
in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from mere.graph.counter import DiskCounter
from mere.graph.names import Names, mentions
from mere.graph.settings import Item


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
        self._forms = DiskCounter()  # of (node, form, type)

    def add(self, item: Item) -> None:
        """Count the mentions of a document."""
        document = self.names.document(item.id)
        for entity in mentions(item.document).values():
            self._forms.add((self.names.node(entity, document), entity.text, entity.type or ""))

    def nodes(self) -> Iterator[Node]:
        for iri, group in groupby(self._forms.ordered(), key=itemgetter(0)):
            forms: Counter[str] = Counter()
            types: Counter[str] = Counter()
            for _, form, type, count in group:
                forms[form] += count
                if type:
                    types[type] += count
            aliases = tuple(sorted(forms, key=lambda form: (-forms[form], form)))
            commonest = min(types, key=lambda type: (-types[type], type), default=None)
            yield Node(iri, aliases[0], commonest, aliases, forms.total())
