"""The two files that `neo4j-admin database import` reads: nodes.csv and relationships.csv.

Lists (aliases, labels) are divided by U+001F, as `;` occurs in names and Neo4j knows no escape for it.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from io import TextIOWrapper
from typing import BinaryIO

from mere.graph.names import Names
from mere.graph.property.index import NodeIndex
from mere.graph.property.relationships import relationships
from mere.graph.settings import GraphSettings, Item

IMPORT = (
    "neo4j-admin database import full neo4j --nodes=nodes.csv --relationships=relationships.csv "
    "--array-delimiter=U+001F --multiline-fields=true"
)
LABEL = "Entity"
DIVIDER = "\x1f"
REPLACED = "dividers (U+001F) in aliases and types, written as spaces"
_NODES = ("id:ID", "name", "aliases:string[]", "mentions:int", "type", ":LABEL")
_RELATIONSHIPS = (
    ":START_ID", ":TYPE", ":END_ID", "id", "document", "subject_start:int", "subject_end:int", "object_start:int",
    "object_end:int", "score:double", "model",
)  # fmt: skip


def neo4j(items: Iterable[Item], settings: GraphSettings, nodes: BinaryIO, edges: BinaryIO) -> Counter[str]:
    """Write both files; return what could not be written as it is, counted."""
    names, changed = Names(settings), Counter[str]()
    index = NodeIndex(names)
    edge_text = TextIOWrapper(edges, encoding="utf-8", newline="")
    rows = csv.writer(edge_text)
    rows.writerow(_RELATIONSHIPS)
    for item in items:
        index.add(item)
        rows.writerows(relationships(item, names))
    edge_text.detach()
    node_text = TextIOWrapper(nodes, encoding="utf-8", newline="")
    rows = csv.writer(node_text)
    rows.writerow(_NODES)
    for node in index.nodes():
        labels = (LABEL,) if node.type is None else (LABEL, node.type)
        joined = [_joined(values, changed) for values in (node.aliases, labels)]
        rows.writerow((node.iri, node.name, joined[0], node.mentions, node.type, joined[1]))
    node_text.detach()
    return changed


def _joined(values: Iterable[str], changed: Counter[str]) -> str:
    kept = []
    for value in values:
        if DIVIDER in value:
            changed[REPLACED] += value.count(DIVIDER)
            value = value.replace(DIVIDER, " ")
        kept.append(value)
    return DIVIDER.join(kept)
