"""A graph as one web page that needs no network: the graph drawn, and under it every document with its triples.

Documents are written as they come; of the graph, what has most triples is drawn, and the page says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from heapq import nlargest
from operator import itemgetter
from typing import Any, BinaryIO

from mere.graph.counter import DiskCounter
from mere.graph.html import asset, fragment, hue, shown
from mere.graph.names import Names
from mere.graph.property.index import NodeIndex
from mere.graph.property.relationships import relationships
from mere.graph.settings import GraphSettings, Item

DRAWN_NODES = 150
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Entities and triples</title>
<style>{style}</style></head>
<body><h1>Entities and triples</h1><main><div>
"""
_TAIL = """</div><section class="graph" aria-label="The graph">
<p class="told">{told}</p>
{picture}</section></main>
<script>{script}</script></body></html>
"""
_PICTURE = """<svg class="mere-graph" role="img" aria-label="{told}"></svg>
<script type="application/json" id="graph-data">{data}</script>
"""
_DRAW = """drawGraph(document.querySelector(".mere-graph"),
  JSON.parse(document.getElementById("graph-data").textContent));
"""


def page(items: Iterable[Item], settings: GraphSettings, out: BinaryIO) -> None:
    """Write the page."""
    names = Names(settings)
    index, edges, degrees = NodeIndex(names), DiskCounter(), DiskCounter()
    out.write(_HEAD.format(style="".join(map(asset, ("document.css", "graph.css", "page.css")))).encode())
    for item in items:
        index.add(item)
        for edge in relationships(item, names):
            edges.add((edge.subject, edge.object, edge.relation))
            for node in {edge.subject, edge.object}:
                degrees.add((node, "", ""))
        out.write(f"<article><h2>{shown(item.id)}</h2>{fragment(item.document)}</article>\n".encode())
    data, told = _drawn(index, edges, degrees)
    script = asset("arcs.js")
    picture = ""
    if data["nodes"]:
        picture = _PICTURE.format(told=told, data=json.dumps(data).replace("<", "\\u003c"))
        script += asset("graph.js") + _DRAW
    out.write(_TAIL.format(told=told, picture=picture, script=script).encode())


def _drawn(index: NodeIndex, edges: DiskCounter, degrees: DiskCounter) -> tuple[dict[str, Any], str]:
    """Return the nodes with most triples, and the edges between them, for `graph.js`; and what to say of it."""
    chosen = {node for node, *_ in nlargest(DRAWN_NODES, degrees.ordered(), key=itemgetter(3))}
    nodes: list[dict[str, Any]] = []
    position: dict[str, int] = {}
    num_nodes = num_triples = 0
    for node in index.nodes():
        num_nodes += 1
        if node.iri in chosen:
            position[node.iri] = len(nodes)
            told = " · ".join(filter(None, (node.type, *node.aliases[:20], f"{node.mentions:,} mentions")))
            nodes.append({"name": node.name, "mentions": node.mentions, "hue": hue(node.type), "told": told})
    between: dict[tuple[int, int], list[str]] = {}
    for subject, object, relation, count in edges.ordered():
        num_triples += count
        if subject in position and object in position:
            times = f"{relation} ×{count}" if count > 1 else relation
            between.setdefault((position[subject], position[object]), []).append(times)
    drawn = [{"s": s, "o": o, "relations": relations} for (s, o), relations in between.items()]
    told = f"Entities: {num_nodes:,}; triples: {num_triples:,}. "
    if len(nodes) == DRAWN_NODES:
        told += f"Drawn: the {DRAWN_NODES} entities with most triples, and what holds between them."
    elif nodes:
        told += "Drawn: the entities that are in triples."
    return {"nodes": nodes, "edges": drawn}, told
