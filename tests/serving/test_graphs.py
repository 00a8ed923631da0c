"""`POST /v1/graph` gives what `mere graph` writes, byte for byte, and takes documents with the same care as texts."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

import mere
from mere.graph.read import read_documents
from mere.graph.settings import GraphFormat, GraphSettings, Merge
from mere.graph.write import write
from tests import tiny
from tests.serving.conftest import serving

NDJSON = {"content-type": "application/x-ndjson"}
TURTLE = {"format": "turtle"}
GOOD = {"text": "Ada kam.", "entities": [{"start": 0, "end": 3, "type": "PER"}]}


@pytest.fixture(scope="module")
def documents(client: httpx.Client) -> list[dict[str, Any]]:
    texts = [{"text": sentence.text} for sentence in tiny.SENTENCES]
    found = client.post("/v1/extract", json={"texts": texts}).json()["documents"]
    return [{"id": f"s{number}", **document} for number, document in enumerate(found)]


def written(
    documents: list[dict[str, Any]], format: GraphFormat, settings: GraphSettings, folder: Path
) -> Path:
    source = folder / "documents.jsonl"
    source.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
    write(read_documents([str(source)]), format, folder / "graph", settings)
    return folder / "graph"


@pytest.mark.parametrize("format", GraphFormat)
def test_a_format_is_that_of_mere_graph(
    client: httpx.Client, documents: list[dict[str, Any]], format: GraphFormat, tmp_path: Path
) -> None:
    assert any(document["triples"] for document in documents)
    query = {"format": format.value, "merge": "exact", "base": "https://example.org/", "model": "tiny"}
    settings = GraphSettings(merge=Merge.exact, base="https://example.org/", model="tiny")
    expected = written(documents, format, settings, tmp_path)
    answer = client.post("/v1/graph", params=query, json={"documents": documents})
    assert answer.status_code == 200, answer.text
    if format is GraphFormat.neo4j:
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        assert {name: archive.read(name) for name in archive.namelist()} == {
            table.name: table.read_bytes() for table in expected.iterdir()
        }
    else:
        assert answer.content == expected.read_bytes()
    lines = b"\n".join(json.dumps(document).encode() for document in documents)
    assert client.post("/v1/graph", params=query, content=lines, headers=NDJSON).status_code == 200
    kind = answer.headers["content-type"].partition(";")[0]
    assert kind in declared(client)["200"]["content"]
    assert answer.headers["content-disposition"].startswith('attachment; filename="graph.')


def test_lines_are_documents_too(client: httpx.Client, documents: list[dict[str, Any]]) -> None:
    lines = b"\n".join(json.dumps(document).encode() for document in documents) + b"\n\n"
    of_lines = client.post("/v1/graph", params=TURTLE, content=lines, headers=NDJSON)
    assert of_lines.content == client.post("/v1/graph", params=TURTLE, json={"documents": documents}).content


def test_what_has_to_be_changed_is_told(client: httpx.Client) -> None:
    text = "A\x1fda kam."
    document = {"text": text, "entities": [{"start": 0, "end": 4, "type": "PER"}]}
    answer = client.post("/v1/graph", params={"format": "neo4j"}, json={"documents": [document]})
    assert answer.headers["x-changed"] == "dividers (U+001F) in aliases and types, written as spaces: 1"


def declared(client: httpx.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()["paths"]["/v1/graph"]["post"]["responses"]


BODIES: dict[str, tuple[Any, int]] = {
    "nothing": (b"", 400),
    "cut": (b'{"documents": [{"te', 400),
    "deep": (b'{"documents": ' + b"[" * 90_000, 400),
    "a list": ([GOOD], 422),
    "a document": (GOOD, 422),
    "documents that are texts": ({"documents": ["Ada"]}, 422),
    "no text": ({"documents": [{}]}, 422),
    "an entity beyond the text": ({"documents": [{"text": "a", "entities": [{"start": 0, "end": 2}]}]}, 422),
    "an entity at another word": (
        {"documents": [{"text": "Ada kam", "entities": [{"start": 0, "end": 3, "text": "kam"}]}]},
        422,
    ),
    "half a character": (b'{"documents": [{"text": "\\ud800"}]}', 422),
    "half a character in a name": (b'{"documents": [{"text": "a", "id": "\\ud800"}]}', 422),
    "a deep key beside a fault": (
        b'{"documents": [{"text": 5, "x": ' + b"[" * 400 + b"]" * 400 + b"}]}",
        422,
    ),
    "too many": ({"documents": [GOOD] * 51}, 422),
    "too long": ({"documents": [{"text": "a" * 5_001}]}, 422),
    "too large": (b'{"documents": [{"text": "' + b"a" * 100_001 + b'"}]}', 413),
}
QUERIES = {
    "no format": {},
    "an unknown format": {"format": "rdfxml"},
    "an unknown key": {"format": "csv", "fromat": "csv"},
    "a base that is none": {"format": "turtle", "base": "example org"},
    "a version that a format has not": {"format": "jsonld", "rdf": "1.2"},
}


def is_problem(answer: httpx.Response, status: int, client: httpx.Client) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert str(status) in declared(client)


@pytest.mark.parametrize("name", BODIES)
def test_hostile_bodies(client: httpx.Client, name: str) -> None:
    body, status = BODIES[name]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    is_problem(client.post("/v1/graph", params=TURTLE, content=content), status, client)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_is_none(client: httpx.Client, name: str) -> None:
    is_problem(client.post("/v1/graph", params=QUERIES[name], json={"documents": [GOOD]}), 422, client)


def test_a_line_at_fault_is_named(client: httpx.Client) -> None:
    lines = json.dumps(GOOD).encode() + b'\n{"text": 5}\n'
    answer = client.post("/v1/graph", params=TURTLE, content=lines, headers=NDJSON)
    is_problem(answer, 422, client)
    assert answer.json()["detail"].startswith("line 2: ")


def test_keys_and_deadlines_hold(extractor: mere.Extractor, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"ada:{hashlib.sha256(b'opensesame').hexdigest()}\n")
    with serving(extractor, keys_file=str(file), deadline_s=0.000_001) as client:
        asked: dict[str, Any] = {"params": TURTLE, "json": {"documents": [GOOD]}}
        is_problem(client.post("/v1/graph", **asked), 401, client)
        known = {"authorization": "Bearer opensesame"}
        is_problem(client.post("/v1/graph", **asked, headers=known), 504, client)


def test_parameters_are_declared(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    parameters = schema["paths"]["/v1/graph"]["post"]["parameters"]
    assert {p["name"]: p["required"] for p in parameters} == {
        "format": True, "merge": False, "rdf": False, "base": False, "model": False,
    }  # fmt: skip
    assert schema["components"]["schemas"]["GraphFormat"]["enum"] == [format.value for format in GraphFormat]
