"""Documents as rows: as many as there are triples or entities, and each finds back to its place in the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

import mere
from mere.inference.extractor import Extractor

TEXTS = [
    "Ada met Bo. Am Abend ging Cy mit Dee in das alte Haus am See.",
    "",
    "nothing here",
    "👩‍👩‍👧 Eva saw Łódź!\nZoe met Ian.",
]


@pytest.fixture
def documents(make_predictor: Callable[..., Any]) -> list[mere.Document]:
    return list(Extractor(make_predictor()).extract(TEXTS, "en"))


def test_a_row_for_each_triple(documents: list[mere.Document]) -> None:
    rows = mere.documents_to_rows(iter(documents))
    assert len(rows) == sum(len(document.triples) for document in documents) > 3
    for row in rows:
        document = documents[row["document"]]
        for role in ("subject", "object"):
            assert document.text[row[f"{role}_start"] : row[f"{role}_end"]] == row[role]
            assert row[role] in row["sentence"]
        assert row["sentence"] in document.text
        assert any(
            (t.subject.text, t.relation, t.object.text, t.score)
            == (row["subject"], row["relation"], row["object"], row["score"])
            for t in document.triples
        )


def test_a_row_for_each_entity(documents: list[mere.Document]) -> None:
    rows = mere.documents_to_rows(documents, of="entities")
    found = [(n, e.start, e.end, e.text, e.type) for n, d in enumerate(documents) for e in d.entities]
    assert [(r["document"], r["start"], r["end"], r["text"], r["type"]) for r in rows] == found != []


@pytest.mark.parametrize("of", ["triples", "entities"])
def test_a_table_takes_the_rows(documents: list[mere.Document], of: Any) -> None:
    rows = mere.documents_to_rows(documents, of)
    assert len({tuple(row) for row in rows}) == 1
    assert pa.Table.from_pylist(rows).to_pylist() == rows


def test_each_sentence_has_its_own_language_and_a_bare_document_none() -> None:
    ada, bo = mere.Entity(0, 3, "Ada"), mere.Entity(5, 7, "Bo")
    spans = (mere.Span(0, 4), mere.Span(5, 8))
    cut = mere.Document("Ada. Bo.", "de", (ada, bo), sentences=spans, langs=("de", None))
    bare = mere.Document("Ada. Bo.", "de", (ada, bo))
    rows = mere.documents_to_rows([cut, bare], of="entities")
    assert [(row["lang"], row["sentence"]) for row in rows] == [
        ("de", "Ada."), (None, "Bo."), ("de", None), ("de", None),
    ]  # fmt: skip


def test_rows_of_something_else() -> None:
    with pytest.raises(mere.UserError, match='Ask for of="triples"'):
        mere.documents_to_rows([], of="facts")  # type: ignore[arg-type]


def test_a_document_as_a_dict(documents: list[mere.Document]) -> None:
    for document in documents:
        assert document.to_dict() == document.to_json()
