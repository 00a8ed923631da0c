"""Documents as rows of a table: one per triple or one per entity, flat, ready for a DataFrame."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any, Literal

from mere.errors import UserError
from mere.types import Document, Entity, Triple


def documents_to_rows(
    documents: Iterable[Document], of: Literal["triples", "entities"] = "triples"
) -> list[dict[str, Any]]:
    """Return one row per triple, or per entity: `pandas.DataFrame(mere.documents_to_rows(documents))`.

    All rows have the same keys. `document` counts the documents from 0, so that rows find back to their text, and
    one that has no triple has no row; `sentence` is the text of the sentence and `lang` the path that it took; offsets
    point into the document's text.

    Args:
        documents: in any number, as `Extractor.extract` yields them.
        of: what a row is.

    Raises:
        UserError: `of` is something else.
    """
    if of not in ("triples", "entities"):
        raise UserError(f'rows of "{of}" are not known. Ask for of="triples" or of="entities".')
    rows: list[dict[str, Any]] = []
    for number, document in enumerate(documents):
        if of == "triples":
            rows += [_place(number, document, t.subject) | _triple(t) for t in document.triples]
        else:
            rows += [_place(number, document, e) | _entity(e) for e in document.entities]
    return rows


def _place(number: int, document: Document, mention: Entity) -> dict[str, Any]:
    """Say where a mention stands; the sentence is None in a document that was not cut into any."""
    index = bisect_right(document.sentences, mention.start, key=lambda sentence: sentence.start) - 1
    sentence = document.text[slice(*document.sentences[index])] if index >= 0 else None
    lang = document.langs[index] if index >= 0 and document.langs else document.lang
    return {"document": number, "lang": lang, "sentence": sentence}


def _triple(triple: Triple) -> dict[str, Any]:
    row: dict[str, Any] = {
        "subject": triple.subject.text,
        "relation": triple.relation,
        "object": triple.object.text,
        "score": triple.score,
    }
    for role, mention in (("subject", triple.subject), ("object", triple.object)):
        row |= {
            f"{role}_type": mention.type,
            f"{role}_start": mention.start,
            f"{role}_end": mention.end,
            f"{role}_link": mention.link,
        }
    return row


def _entity(entity: Entity) -> dict[str, Any]:
    return {
        "text": entity.text,
        "type": entity.type,
        "score": entity.score,
        "start": entity.start,
        "end": entity.end,
        "link": entity.link,
    }
