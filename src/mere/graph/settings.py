"""What a graph is asked to be: its format, how mentions become nodes, which RDF, whose names, which model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from mere.errors import UserError
from mere.graph.iri import is_iri, legal
from mere.types import Document

DEFAULT_BASE = "urn:mere:"


class Item(NamedTuple):
    """A document and the name that it goes by in the graph."""

    id: str
    document: Document


class GraphFormat(StrEnum):
    """A format of graphs."""

    ntriples = "ntriples"
    nquads = "nquads"
    turtle = "turtle"
    jsonld = "jsonld"
    graphml = "graphml"
    neo4j = "neo4j"
    cypher = "cypher"
    csv = "csv"
    html = "html"


class Merge(StrEnum):
    """Which mentions are one node; a linked id, where an entity has one, goes before all of them.

    normalised: the same type and the same form after NFKC, case folding and white space made one.
    exact: the same type and the very same form. none: each mention is a node of its own.
    """

    none = "none"
    exact = "exact"
    normalised = "normalised"


class Rdf(StrEnum):
    """The RDF that provenance is written in: 1.2 has triple terms, 1.1 named graphs or reified statements."""

    v1_1 = "1.1"
    v1_2 = "1.2"


ENDINGS = {
    ".nt": GraphFormat.ntriples,
    ".nq": GraphFormat.nquads,
    ".ttl": GraphFormat.turtle,
    ".jsonld": GraphFormat.jsonld,
    ".graphml": GraphFormat.graphml,
    ".cypher": GraphFormat.cypher,
    ".csv": GraphFormat.csv,
    ".html": GraphFormat.html,
}


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """How a graph is written.

    Args:
        merge: which mentions are one node.
        rdf: the version of RDF; None takes the newest that the format has.
        base: what the IRIs of documents, entities, types and relations begin with; ends in "/" or ":".
        model: the name of the model that found the triples, for provenance; None says nothing of it.

    Raises:
        UserError: `base` is no IRI, has a fragment, or does not end in "/" or ":".
    """

    merge: Merge = Merge.normalised
    rdf: Rdf | None = None
    base: str = DEFAULT_BASE
    model: str | None = None

    def __post_init__(self) -> None:
        whole = is_iri(self.base) and legal(self.base) == self.base and "#" not in self.base
        if not whole or self.base[-1] not in "/:":
            raise UserError(
                f"{self.base!r} is no beginning of IRIs: it has to start with http://, https:// or urn:, hold no "
                'spaces, quotes or "#", and end in "/" or ":". For example: --base https://example.org/kg/'
            )
