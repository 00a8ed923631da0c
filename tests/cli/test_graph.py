"""`mere graph` and `mere extract --format`: files appear whole, mistakes end in one message."""

from __future__ import annotations

import json
from pathlib import Path

import pyoxigraph
import pytest

from mere.graph.settings import ENDINGS, GraphFormat
from tests.command import mere, refused, worked
from tests.graph.graph_examples import ITEMS


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    path = tmp_path / "documents.jsonl"
    lines = (json.dumps({"id": item.id, **item.document.to_json()}) + "\n" for item in ITEMS)
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_ending_says_the_format(documents: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"graph{ending}"
    done = worked(mere("graph", documents, "--out", out))
    assert done.stdout == f"{out}\n"
    assert "Written: 10 triples and 14 entities of 4 documents." in done.stderr
    printed = worked(mere("graph", documents, "--format", ENDINGS[ending].value))
    assert printed.stdout_bytes == out.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_neo4j_is_a_folder_of_two_files(documents: Path, tmp_path: Path) -> None:
    done = worked(mere("graph", documents, "--format", "neo4j", "--out", tmp_path / "kg"))
    assert {path.name for path in (tmp_path / "kg").iterdir()} == {"nodes.csv", "relationships.csv"}
    assert "neo4j-admin database import full" in done.stderr
    refused(mere("graph", documents, "--format", "neo4j"), "Give a folder: --out DIR")


def test_what_had_to_be_changed_is_told(documents: Path, tmp_path: Path) -> None:
    done = worked(mere("graph", documents, "--out", tmp_path / "graph.graphml"))
    assert "Changed: characters that XML cannot hold, written as U+FFFD: 1." in done.stderr


def test_mistakes(documents: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph.tll"
    refused(mere("graph", documents), "Pass --format with one of: ntriples, nquads, turtle")
    refused(mere("graph", documents, "--out", out), 'no format ends in ".tll". Did you mean ".ttl"?')
    refused(mere("graph", documents, "--format", "jsonld", "--rdf", "1.2"), "Leave out --rdf")
    refused(mere("graph", documents, "--format", "turtle", "--base", "kg"), "--base https://example.org/kg/")
    refused(mere("graph", documents, "--out", tmp_path / "no" / "graph.ttl"), "mkdir -p")
    refused(mere("graph", tmp_path / "document.jsonl", "--format", "csv"), 'Did you mean "documents.jsonl"?')
    assert not out.exists()


def test_a_bad_line_leaves_the_file_as_it_was(documents: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph.ttl"
    out.write_text("before")
    with documents.open("a") as file:
        file.write('{"text": "Ada", "entities": [{"start": 0, "end": 9}]}\n')
    refused(mere("graph", documents, "--out", out), f"{documents}:5: entity 1 ends at 9 but the text has 3")
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["documents.jsonl", "graph.ttl"]


@pytest.mark.parametrize("format", [format for format in GraphFormat if format is not GraphFormat.neo4j])
def test_extract_writes_what_graph_makes_of_its_lines(
    untrained_model: Path, tmp_path: Path, format: GraphFormat
) -> None:
    text = b"Ada Byron wurde in London geboren.\n\nBo wohnt in Bonn.\n"
    extract = ("extract", untrained_model, "--lang", "de", "--threshold", 0)
    documents = tmp_path / "documents.jsonl"
    documents.write_bytes(worked(mere(*extract, stdin=text)).stdout_bytes)
    at_once = worked(mere(*extract, "--format", format.value, stdin=text)).stdout_bytes
    model = ("--model", untrained_model)
    assert at_once == worked(mere("graph", documents, "--format", format.value, *model)).stdout_bytes
    assert len(at_once) > 1000


def test_an_id_that_is_half_a_character(untrained_model: Path) -> None:
    line = b'{"text": "Ada.", "id": "\\ud800"}\n'
    args = ("extract", untrained_model, "--input", "jsonl", "--format", "csv")
    done = mere(*args, stdin=line)
    assert done.exit_code == 2
    assert "stdin:1: id: lone surrogate U+D800" in done.stderr


def test_choices_reach_the_writer(documents: Path, tmp_path: Path) -> None:
    found = worked(mere("graph", documents, "--format", "nquads", "--merge", "none", "--rdf", "1.1"))
    assert len(list(pyoxigraph.parse(found.stdout_bytes, pyoxigraph.RdfFormat.N_QUADS))) > 100
