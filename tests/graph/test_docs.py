"""The queries of docs/graph.md answer what they are said to."""

from __future__ import annotations

import re
from pathlib import Path

import pyoxigraph as ox

from mere.graph.rdf.turtle import turtle
from mere.graph.settings import GraphFormat, GraphSettings
from tests.graph.graph_examples import ITEMS

DOCS = (Path(__file__).parents[2] / "docs" / "graph.md").read_text(encoding="utf-8")


def test_sparql() -> None:
    store = ox.Store()
    store.load("".join(turtle(ITEMS, GraphSettings())).encode(), ox.RdfFormat.TURTLE)
    born, called = (
        [tuple(term.value for term in row) for row in store.query(query)]
        for query in re.findall(r"```sparql\n(.*?)```", DOCS, re.DOTALL)
    )
    assert born == [("Ada Byron", "London", "0.8765", "notes.txt:1", "0")]
    assert called == [("ADA  BYRON", "1"), ("Ada Byron", "1")]


def test_every_format_is_in_the_table() -> None:
    assert re.findall(r"^\| `(\w+)` \| ", DOCS, re.MULTILINE) == [format.value for format in GraphFormat]
