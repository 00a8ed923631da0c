"""RDF: read back by rdflib and pyoxigraph, the same from every format, and asked questions in SPARQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.compare import isomorphic

from mere.graph.rdf import lines
from mere.graph.rdf import vocabulary as v
from mere.graph.rdf.jsonld import jsonld
from mere.graph.rdf.lines import nquads, ntriples
from mere.graph.rdf.turtle import turtle
from mere.graph.settings import GraphSettings, Item, Merge, Rdf
from tests.graph.graph_examples import ITEMS, curie, items

Writer = Callable[[Iterable[Item], GraphSettings], Iterator[str]]
F = ox.RdfFormat
PREFIXES = "".join(f"PREFIX {name}: <{iri}> " for name, iri in v.PREFIXES.items())
SETTINGS = [GraphSettings(merge=merge, model="the model/1") for merge in Merge]


def text(writer: Writer, asked_for: GraphSettings, rdf: Rdf, documents: Iterable[Item] = ITEMS) -> str:
    return "".join(writer(documents, replace(asked_for, rdf=rdf)))


def quads(data: str, format: ox.RdfFormat) -> set[ox.Quad]:
    return set(ox.parse(data.encode(), format))


def asked(data: str, format: ox.RdfFormat, query: str) -> list[tuple[Any, ...]]:
    store = ox.Store()
    store.load(data.encode(), format)
    found = store.query(PREFIXES + query, use_default_graph_as_union=True)
    assert isinstance(found, ox.QuerySolutions)
    return sorted(tuple(None if term is None else term.value for term in row) for row in found)  # type: ignore[union-attr]


@pytest.mark.parametrize("asked_for", SETTINGS, ids=lambda s: s.merge.value)
def test_turtle_says_what_ntriples_say(asked_for: GraphSettings) -> None:
    for rdf in Rdf:
        of_lines = quads(text(ntriples, asked_for, rdf), F.N_TRIPLES)
        assert of_lines == quads(text(turtle, asked_for, rdf), F.TURTLE)
        assert len(of_lines) > 50
    old = [
        rdflib.Graph().parse(data=text(writer, asked_for, Rdf.v1_1), format=name)
        for writer, name in ((ntriples, "nt"), (turtle, "turtle"))
    ]
    assert isomorphic(*old)
    assert len(old[0]) == len(quads(text(ntriples, asked_for, Rdf.v1_1), F.N_TRIPLES))


@pytest.mark.parametrize("asked_for", SETTINGS, ids=lambda s: s.merge.value)
def test_jsonld_says_what_nquads_of_rdf_1_1_say(asked_for: GraphSettings) -> None:
    of_lines, of_json = text(nquads, asked_for, Rdf.v1_1), text(jsonld, asked_for, Rdf.v1_1)
    assert quads(of_lines, F.N_QUADS) == quads(of_json, F.JSON_LD) == quads(of_json, F.STREAMING_JSON_LD)

    def by_rdflib(data: str, format: str) -> set[Any]:
        dataset = rdflib.Dataset()
        dataset.parse(data=data, format=format)
        return set(dataset.quads())

    assert by_rdflib(of_lines, "nquads") == by_rdflib(of_json, "json-ld")


def test_quads_say_what_triples_say_and_which_document_says_it() -> None:
    asked_for = SETTINGS[0]
    found = quads(text(nquads, asked_for, Rdf.v1_2), F.N_QUADS)
    assert {quad.triple for quad in found} == {
        quad.triple for quad in quads(text(ntriples, asked_for, Rdf.v1_2), F.N_TRIPLES)
    }
    assert {quad.graph_name.value for quad in found if isinstance(quad.graph_name, ox.NamedNode)} == {
        "urn:mere:document/notes.txt:1", "urn:mere:document/a%20b%23c%22d", "https://texts.example/1%23top",
    }  # fmt: skip


@settings(max_examples=40)
@given(items(), st.sampled_from(SETTINGS))
def test_any_document_is_read_back_alike_from_all_formats(item: Item, asked_for: GraphSettings) -> None:
    for rdf in Rdf:
        found = quads(text(ntriples, asked_for, rdf, [item]), F.N_TRIPLES)
        assert found == quads(text(turtle, asked_for, rdf, [item]), F.TURTLE)
    named = quads(text(nquads, asked_for, Rdf.v1_1, [item]), F.N_QUADS)
    assert named == quads(text(jsonld, asked_for, Rdf.v1_1, [item]), F.JSON_LD)
    forms = {quad.object.value for quad in found if quad.predicate.value == v.ANCHOR}
    assert forms == {entity.text for entity in item.document.entities}


PROVENANCE = {
    Rdf.v1_2: "?r rdf:reifies <<( ?s <urn:mere:relation/birth-place> ?o )>>",
    Rdf.v1_1: "?r rdf:subject ?s ; rdf:predicate <urn:mere:relation/birth-place> ; rdf:object ?o",
}


@pytest.mark.parametrize("rdf", Rdf)
@pytest.mark.parametrize(
    ("writer", "format"), [(ntriples, F.N_TRIPLES), (nquads, F.N_QUADS), (turtle, F.TURTLE)]
)
def test_a_store_is_asked_where_a_triple_comes_from(writer: Writer, format: ox.RdfFormat, rdf: Rdf) -> None:
    pattern = PROVENANCE[rdf]
    if writer is nquads and rdf is Rdf.v1_1:
        pattern = "GRAPH ?r { ?s <urn:mere:relation/birth-place> ?o }"
    query = f"""SELECT ?who ?where ?score ?begin ?end ?id ?model {{ {pattern} .
        ?r mere:score ?score ; mere:subject ?m ; prov:wasDerivedFrom ?d ; prov:wasAttributedTo ?model .
        ?m nif:beginIndex ?begin ; nif:endIndex ?end ; nif:anchorOf ?who . ?d dcterms:identifier ?id .
        ?o rdfs:label ?where }}"""
    found = asked(text(writer, GraphSettings(model="m"), rdf), format, query)
    assert [(*row[:2], Decimal(row[2]), *row[3:]) for row in found] == [
        ("Ada Byron", "London", Decimal("0.8765"), "0", "9", "notes.txt:1", "urn:mere:model/m")
    ]


def test_a_store_is_asked_for_aliases_and_counts() -> None:
    query = """SELECT ?form (COUNT(*) AS ?n) { ?m itsrdf:taIdentRef <urn:mere:entity/PER/ada%20byron> ;
        nif:anchorOf ?form } GROUP BY ?form"""
    assert asked(text(ntriples, GraphSettings(), Rdf.v1_2), F.N_TRIPLES, query) == [
        ("ADA  BYRON", "1"), ("Ada Byron", "1"),
    ]  # fmt: skip
    query = "SELECT ?type { <urn:mere:entity/PER/ada%20byron> a ?type }"
    assert asked(text(turtle, GraphSettings(), Rdf.v1_2), F.TURTLE, query) == [("urn:mere:type/PER",)]


def test_saying_things_again_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    one = "".join(ntriples([curie()], GraphSettings()))
    twice = "".join(ntriples([curie(), curie()], GraphSettings()))
    assert len(twice.splitlines()) < 2 * len(one.splitlines())  # an entity is remembered
    monkeypatch.setattr(lines, "_DECLARED", 1)  # and forgotten
    again = "".join(ntriples([curie(), curie()], GraphSettings()))
    assert quads(one, F.N_TRIPLES) == quads(twice, F.N_TRIPLES) == quads(again, F.N_TRIPLES)


def test_lines_can_be_shuffled() -> None:
    found = text(nquads, SETTINGS[0], Rdf.v1_2)
    assert quads("\n".join(sorted(found.split("\n"))), F.N_QUADS) == quads(found, F.N_QUADS)


def test_a_base_of_ones_own() -> None:
    found = text(turtle, GraphSettings(base="https://kg.example/"), Rdf.v1_1)
    graph = rdflib.Graph().parse(data=found, format="turtle")
    assert (None, rdflib.URIRef("https://kg.example/relation/birth-place"), None) in graph
    assert "urn:mere:entity" not in found
