"""One graph into one file, whatever the format: read as a stream, whole or not there at all.

write(read_documents(["documents.jsonl"]), GraphFormat.turtle, Path("graph.ttl"), GraphSettings())
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mere.errors import UserError
from mere.files import replacing
from mere.graph.page import page
from mere.graph.property.cypher import cypher
from mere.graph.property.graphml import graphml
from mere.graph.property.neo4j import neo4j
from mere.graph.rdf.jsonld import jsonld
from mere.graph.rdf.lines import nquads, ntriples
from mere.graph.rdf.turtle import turtle
from mere.graph.settings import GraphFormat, GraphSettings, Item, Rdf
from mere.graph.tables import table

_CHUNK = 1 << 18


_RDF: dict[GraphFormat, Callable[[Iterable[Item], GraphSettings], Iterator[str]]] = {
    GraphFormat.ntriples: ntriples,
    GraphFormat.nquads: nquads,
    GraphFormat.turtle: turtle,
    GraphFormat.jsonld: jsonld,
}
_OTHERS: dict[GraphFormat, Callable[[Iterable[Item], GraphSettings, BinaryIO], Counter[str] | None]] = {
    GraphFormat.graphml: graphml,
    GraphFormat.cypher: cypher,
    GraphFormat.csv: table,
    GraphFormat.html: page,
}


@dataclass
class Written:
    """What was written, and what had to be changed for it: counts by kind."""

    documents: int = 0
    entities: int = 0
    triples: int = 0
    changed: Counter[str] = field(default_factory=Counter)


def write(items: Iterable[Item], format: GraphFormat, out: Path | None, settings: GraphSettings) -> Written:
    """Write the graph of some documents and return what was written.

    Args:
        out: the file, or for `neo4j` the folder, which may exist; None is standard output.

    Raises:
        UserError: the settings ask for what the format has no room for, or the folder of `out` is missing.
        DataError: as the items are read.
        OSError: the disk is full, or may not be written to; `out` is then as it was.
    """
    if format is GraphFormat.jsonld and settings.rdf is Rdf.v1_2:
        raise UserError("jsonld is RDF 1.1, which has no triple terms. Leave out --rdf, or: --format turtle")
    written = Written()
    counted = _counted(items, written)
    with ExitStack() as stack:
        if format is GraphFormat.neo4j:
            if out is None:
                raise UserError("neo4j is two files and cannot be printed. Give a folder: --out DIR")
            out.mkdir(parents=True, exist_ok=True)
            files = [stack.enter_context(_whole(out / f"{name}.csv")) for name in ("nodes", "relationships")]
            written.changed += neo4j(counted, settings, *files)
            return written
        file = sys.stdout.buffer if out is None else stack.enter_context(_whole(out))
        if format in _RDF:
            _write_text(_RDF[format](counted, settings), file)
        else:
            written.changed += _OTHERS[format](counted, settings, file) or Counter()
        file.flush()
    return written


def _counted(items: Iterable[Item], written: Written) -> Iterator[Item]:
    for item in items:
        yield item
        written.documents += 1
        written.entities += len(item.document.entities)
        written.triples += len(item.document.triples)


def _write_text(parts: Iterable[str], out: BinaryIO) -> None:
    """Write text in large pieces; what is small is joined first."""
    waiting: list[str] = []
    size = 0
    for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _CHUNK:
            out.write("".join(waiting).encode())
            waiting, size = [], 0
    out.write("".join(waiting).encode())


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its place when all is written, and goes away when it is not."""
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist. Run: mkdir -p {path.parent}")
    with replacing(path) as beside, beside.open("wb") as file:
        yield file
