"""JSON-LD 1.1: one object a line of a `@graph`, each triple in a named graph, as the N-Quads of RDF 1.1 have it.

The context comes first and every object begins with its `@type` and its `@id`, so that streaming readers can follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mere.graph.names import Names, mentions
from mere.graph.rdf import vocabulary as v
from mere.graph.settings import GraphSettings, Item

CONTEXT: dict[str, Any] = {
    "identifier": v.IDENTIFIER,
    "language": v.LANGUAGE,
    "label": v.LABEL,
    "in": {"@id": v.CONTEXT, "@type": "@id"},
    "begin": {"@id": v.BEGIN, "@type": v.INTEGER},
    "end": {"@id": v.END, "@type": v.INTEGER},
    "form": v.ANCHOR,
    "denotes": {"@id": v.DENOTES, "@type": "@id"},
    "score": {"@id": v.SCORE, "@type": v.DECIMAL},
    "subject": {"@id": v.SUBJECT_MENTION, "@type": "@id"},
    "object": {"@id": v.OBJECT_MENTION, "@type": "@id"},
    "source": {"@id": v.SOURCE, "@type": "@id"},
    "agent": {"@id": v.AGENT, "@type": "@id"},
}


def jsonld(items: Iterable[Item], settings: GraphSettings) -> Iterator[str]:
    """Yield the context, then a document at a time, then the end."""
    names = Names(settings)
    yield f'{{"@context": {json.dumps(CONTEXT)},\n"@graph": [\n'
    before = ""
    for item in items:
        yield before + ",\n".join(json.dumps(node, ensure_ascii=False) for node in _nodes(item, names))
        before = ",\n"
    yield "\n]}\n"


def _nodes(item: Item, names: Names) -> Iterator[dict[str, Any]]:
    document = names.document(item.id)
    yield _without_none({"@id": document, "identifier": item.id, "language": item.document.lang})
    for entity in mentions(item.document).values():
        node = names.node(entity, document)
        type = None if entity.type is None else names.type(entity.type)
        yield _without_none({"@type": type, "@id": node, "label": entity.text})
        yield _without_none(
            {
                "@id": names.mention(entity, document),
                "in": document,
                "begin": entity.start,
                "end": entity.end,
                "form": entity.text,
                "denotes": node,
                "score": _score(entity.score),
            }
        )
    for triple in item.document.triples:
        subject, object = (names.node(entity, document) for entity in (triple.subject, triple.object))
        yield _without_none(
            {
                "@id": names.statement(triple, document),
                "subject": names.mention(triple.subject, document),
                "object": names.mention(triple.object, document),
                "source": document,
                "score": _score(triple.score),
                "agent": names.model,
                "@graph": [{"@id": subject, names.relation(triple.relation): [{"@id": object}]}],
            }
        )


def _score(score: float | None) -> str | None:
    return None if score is None else f"{score:.4f}"  # a number would be read as a double


def _without_none(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
