"""A Cypher script for Neo4j: nodes, then relationships, merged by id, so that running it twice changes nothing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

from mere.graph.names import Names
from mere.graph.property.index import Node, NodeIndex
from mere.graph.property.relationships import Relationship, relationships
from mere.graph.settings import GraphSettings, Item

_ROWS = 500  # in one statement
_WAITING = 40 * _ROWS  # in all statements that are not full yet
CONSTRAINT = "CREATE CONSTRAINT mere_entity IF NOT EXISTS FOR (n:Entity) REQUIRE n.id IS UNIQUE;\n"
_ESCAPED = re.compile(
    r"[\x00\n\r'\\]"
)  # other control characters stand as they are: not every store reads \u
_ESCAPES = {"\x00": "\\u0000", "\n": "\\n", "\r": "\\r", "'": "\\'", "\\": "\\\\"}


def cypher(items: Iterable[Item], settings: GraphSettings, out: BinaryIO) -> None:
    """Write a script of statements, one a line, each of up to 500 rows."""
    names = Names(settings)
    index = NodeIndex(names)
    with TemporaryFile() as later:  # relationships need their nodes
        batches = _Batches(later, _relate)
        for item in items:
            index.add(item)
            for edge in relationships(item, names):
                batches.add(edge.relation, _edge(edge))
        batches.flush()
        out.write(CONSTRAINT.encode())
        batches = _Batches(out, _merge)
        for node in index.nodes():
            batches.add(node.type or "", _node(node))
        batches.flush()
        later.seek(0)
        while chunk := later.read(1 << 20):
            out.write(chunk)


class _Batches:
    """Rows that wait for others of their kind, to be one statement together; a bounded number of them."""

    def __init__(self, out: IO[bytes], statement: Callable[[str], str]):
        self.out, self.statement = out, statement
        self.rows: defaultdict[str, list[str]] = defaultdict(list)
        self.waiting = 0

    def add(self, kind: str, row: dict[str, Any]) -> None:
        rows = self.rows[kind]
        rows.append(_value(row))
        self.waiting += 1
        if len(rows) == _ROWS:
            self._write(kind)
        elif self.waiting == _WAITING:
            self.flush()

    def flush(self) -> None:
        for kind in list(self.rows):
            self._write(kind)

    def _write(self, kind: str) -> None:
        rows = self.rows.pop(kind)
        self.waiting -= len(rows)
        self.out.write(f"UNWIND [{', '.join(rows)}] AS row {self.statement(kind)};\n".encode())


def _merge(type: str) -> str:
    label = f":{_name(type)}, n" if type else ""
    return f"MERGE (n:Entity {{id: row.id}}) SET n{label} += row"


def _relate(relation: str) -> str:
    return (
        "MATCH (s:Entity {id: row.subject}) MATCH (o:Entity {id: row.object}) "
        f"MERGE (s)-[r:{_name(relation)} {{id: row.known.id}}]->(o) SET r += row.known"
    )


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.iri,
        "name": node.name,
        "type": node.type,
        "aliases": node.aliases,
        "mentions": node.mentions,
    }


def _edge(edge: Relationship) -> dict[str, Any]:
    known = edge._asdict()
    return {"subject": known.pop("subject"), "object": known.pop("object"), "known": known}


def _value(value: Any) -> str:
    """Return a value as Cypher writes it; what is None is left out of maps."""
    if isinstance(value, dict):
        pairs = (f"{key}: {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, str):
        return f"'{_ESCAPED.sub(lambda match: _ESCAPES[match[0]], value)}'"
    return f"[{', '.join(map(_value, value))}]" if isinstance(value, tuple) else str(value)


def _name(name: str) -> str:
    """Return a label or a relationship type, quoted."""
    quoted = name.replace("`", "``")
    return f"`{quoted}`"
