"""Turtle: the same statements as N-Triples, for people to read; what a document says stands under its own @base."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mere.graph.names import Names, mentions
from mere.graph.rdf import vocabulary as v
from mere.graph.rdf.literals import quoted
from mere.graph.settings import GraphSettings, Item, Rdf
from mere.types import Entity, Triple

_LOCAL = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


def turtle(items: Iterable[Item], settings: GraphSettings) -> Iterator[str]:
    """Yield the prefixes, then a document at a time."""
    names = Names(settings)
    own = {"type": f"{names.base}type/", "rel": f"{names.base}relation/"}
    yield "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in (v.PREFIXES | own).items())
    for item in items:
        document = names.document(item.id)
        written = _Document(names, document, reified=settings.rdf is Rdf.v1_1)
        yield "".join(written.parts(item))


class _Document:
    """One document in Turtle; its own parts are written relative to it."""

    def __init__(self, names: Names, document: str, *, reified: bool):
        self.names, self.document, self.reified = names, document, reified

    def parts(self, item: Item) -> Iterator[str]:
        yield f"\n@base <{self.document}> .\n<> dcterms:identifier {quoted(item.id)}"
        lang = item.document.lang
        yield " .\n" if lang is None else f" ; dcterms:language {quoted(lang)} .\n"
        declared: set[tuple[str, str | None, str]] = set()
        for entity in mentions(item.document).values():
            node = self._term(self.names.node(entity, self.document))
            if (node, entity.type, entity.text) not in declared:
                declared.add((node, entity.type, entity.text))
                kind = "" if entity.type is None else f"a {self._short('type', entity.type)} ; "
                yield f"{node} {kind}rdfs:label {quoted(entity.text)} .\n"
            yield (
                f"{self._term(self.names.mention(entity, self.document))} nif:referenceContext <> ; "
                f'nif:beginIndex "{entity.start}"^^xsd:nonNegativeInteger ; '
                f'nif:endIndex "{entity.end}"^^xsd:nonNegativeInteger ; nif:anchorOf {quoted(entity.text)} ; '
                f"itsrdf:taIdentRef {node}{_scored(entity.score)} .\n"
            )
        for triple in item.document.triples:
            yield self._statement(triple)

    def _statement(self, triple: Triple) -> str:
        subject, object = (
            self._term(self.names.node(e, self.document)) for e in (triple.subject, triple.object)
        )
        relation = self._short("rel", triple.relation)
        statement = self._term(self.names.statement(triple, self.document))
        known = (
            f"mere:subject {self._mention(triple.subject)} ; mere:object {self._mention(triple.object)} ; "
            f"prov:wasDerivedFrom <>{_scored(triple.score)}"
        )
        if self.names.model is not None:
            known += f" ; prov:wasAttributedTo <{self.names.model}>"
        fact = f"{subject} {relation} {object}"
        if not self.reified:
            return f"{fact} ~ {statement} {{| {known} |}} .\n"
        return (
            f"{fact} .\n{statement} a rdf:Statement ; rdf:subject {subject} ; rdf:predicate {relation} ; "
            f"rdf:object {object} ; {known} .\n"
        )

    def _mention(self, entity: Entity) -> str:
        return self._term(self.names.mention(entity, self.document))

    def _term(self, iri: str) -> str:
        """Return an IRI, a part of the document without the document."""
        own = iri.startswith(self.document) and iri.startswith("#", len(self.document))
        return f"<{iri[len(self.document) :]}>" if own else f"<{iri}>"

    def _short(self, prefix: str, name: str) -> str:
        """Return the IRI of a relation or a type, with its prefix where a local name can hold the rest."""
        if _LOCAL.match(name):
            return f"{prefix}:{name}"
        return f"<{self.names.relation(name) if prefix == 'rel' else self.names.type(name)}>"


def _scored(score: float | None) -> str:
    return "" if score is None else f' ; mere:score "{score:.4f}"^^xsd:decimal'
