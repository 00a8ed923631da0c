"""A triple as a relationship between two nodes, with what is known of it as properties."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mere.graph.names import Names
from mere.graph.settings import Item


class Relationship(NamedTuple):
    """Two nodes and what holds between them.

    Args:
        subject, object: the nodes' IRIs.
        id: the statement's IRI.
        document: the id of the document that says so.
        subject_start, subject_end, object_start, object_end: where, in code points of its text.
    """

    subject: str
    relation: str
    object: str
    id: str
    document: str
    subject_start: int
    subject_end: int
    object_start: int
    object_end: int
    score: float | None
    model: str | None


def relationships(item: Item, names: Names) -> Iterator[Relationship]:
    """Yield the relationships of a document, in its order."""
    document = names.document(item.id)
    for triple in item.document.triples:
        subject, object = triple.subject, triple.object
        yield Relationship(
            names.node(subject, document),
            triple.relation,
            names.node(object, document),
            names.statement(triple, document),
            item.id,
            subject.start,
            subject.end,
            object.start,
            object.end,
            None if triple.score is None else round(triple.score, 4),
            names.model_name,
        )
