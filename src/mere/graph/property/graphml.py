"""GraphML: nodes first, then a directed edge for every triple, for networkx, Gephi, igraph, Cytoscape and yEd.

Ids are digests of IRIs, as GraphML allows no IRI there. What XML has no room for, control characters above all,
becomes U+FFFD and is counted.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import BinaryIO
from xml.sax.saxutils import escape

from mere.graph.names import Names
from mere.graph.property.index import Node, NodeIndex
from mere.graph.property.relationships import Relationship, relationships
from mere.graph.settings import GraphSettings, Item

REPLACED = "characters that XML cannot hold, written as U+FFFD"
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SPECIAL = re.compile(f"{_ILLEGAL.pattern[:-1]}&<>\r]")
_KEYS = {
    "node": {"iri": "string", "name": "string", "type": "string", "aliases": "string", "mentions": "int"},
    "edge": {
        "relation": "string", "id": "string", "document": "string", "subject_start": "int", "subject_end": "int",
        "object_start": "int", "object_end": "int", "score": "double", "model": "string",
    },
}  # fmt: skip
_OPENING = {kind: [f'<data key="{kind}_{name}">' for name in keys] for kind, keys in _KEYS.items()}
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    + "".join(
        f'<key id="{kind}_{name}" for="{kind}" attr.name="{name}" attr.type="{type}"/>\n'
        for kind, keys in _KEYS.items()
        for name, type in keys.items()
    )
    + '<graph edgedefault="directed">\n'
)


def graphml(items: Iterable[Item], settings: GraphSettings, out: BinaryIO) -> Counter[str]:
    """Write a graph; return what could not be written as it is, counted."""
    return _GraphML(out).write(items, Names(settings))


class _GraphML:
    def __init__(self, out: BinaryIO):
        self.out = out
        self.changed: Counter[str] = Counter()
        self.id = lru_cache(1 << 16)(lambda iri: "n" + blake2b(iri.encode(), digest_size=12).hexdigest())

    def write(self, items: Iterable[Item], names: Names) -> Counter[str]:
        index = NodeIndex(names)
        with TemporaryFile() as edges:  # what readers want last
            for item in items:
                index.add(item)
                edges.write("".join(map(self._edge, relationships(item, names))).encode())
            self.out.write(_HEAD.encode())
            for node in index.nodes():
                self.out.write(self._node(node).encode())
            edges.seek(0)
            while chunk := edges.read(1 << 20):
                self.out.write(chunk)
        self.out.write(b"</graph>\n</graphml>\n")
        return self.changed

    def _node(self, node: Node) -> str:
        aliases = json.dumps(node.aliases, ensure_ascii=False)  # GraphML has no lists
        values = (node.iri, node.name, node.type, aliases, node.mentions)
        return f'<node id="{self.id(node.iri)}">{self._data("node", values)}</node>\n'

    def _edge(self, edge: Relationship) -> str:
        values = (edge.relation, *edge[3:])
        ends = f'source="{self.id(edge.subject)}" target="{self.id(edge.object)}"'
        return f"<edge {ends}>{self._data('edge', values)}</edge>\n"

    def _data(self, kind: str, values: Iterable[str | float | None]) -> str:
        return "".join(
            [
                f"{key}{self._text(value) if isinstance(value, str) else value}</data>"
                for key, value in zip(_OPENING[kind], values, strict=True)
                if value is not None
            ]
        )

    def _text(self, text: str) -> str:
        if _SPECIAL.search(text) is None:
            return text
        text, replaced = _ILLEGAL.subn("\ufffd", text)
        if replaced:
            self.changed[REPLACED] += replaced
        return escape(text, {"\r": "&#13;"})  # XML reads a bare CR as LF
