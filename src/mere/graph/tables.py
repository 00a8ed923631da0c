"""CSV: one triple a row, with its document, offsets, types, score and the IRIs of its nodes."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import TextIOWrapper
from typing import BinaryIO

from mere.graph.names import Names
from mere.graph.settings import GraphSettings, Item

COLUMNS = (
    "document", "lang", "subject", "subject_type", "relation", "object", "object_type", "score", "subject_start",
    "subject_end", "object_start", "object_end", "subject_iri", "object_iri", "model",
)  # fmt: skip


def table(items: Iterable[Item], settings: GraphSettings, out: BinaryIO) -> None:
    """Write a header and a row for each triple; RFC 4180, so lines end in CRLF and a name may hold any of them."""
    names = Names(settings)
    text = TextIOWrapper(out, encoding="utf-8", newline="")
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for id, document in items:
        iri = names.document(id)
        for triple in document.triples:
            subject, object = triple.subject, triple.object
            score = None if triple.score is None else round(triple.score, 4)
            rows.writerow(
                (id, document.lang, subject.text, subject.type, triple.relation, object.text, object.type, score,
                 subject.start, subject.end, object.start, object.end,
                 names.node(subject, iri), names.node(object, iri), names.model_name)
            )  # fmt: skip
    text.detach()
