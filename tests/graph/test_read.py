"""Documents from JSON lines: what was written is read back, and what is no document is refused with a cure."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from mere.errors import DataError
from mere.graph.read import read_documents
from mere.graph.settings import Item
from mere.types import Document, Entity, Triple
from tests.graph.graph_examples import ITEMS, items

GOOD = {
    "id": "1", "lang": "de", "text": "Ada sah Wien.", "page": [1],
    "entities": [{"start": 0, "end": 3, "text": "Ada", "type": "PER", "score": 0.5}],
    "triples": [{"subject": {"start": 0, "end": 3, "text": "Ada"}, "relation": "saw",
                 "object": {"start": 8, "end": 12, "text": "Wien"}, "score": 0.25}],
}  # fmt: skip


def written(path: Path, *records: object) -> Path:
    path.write_bytes(b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records))
    return path


def rounded(item: Item) -> Item:
    """An item as JSON lines hold it: scores of four places, triples of the entities at their spans."""
    id, document = item

    def brief(score: float | None) -> float | None:
        return None if score is None else round(score, 4)

    entities = tuple(
        Entity(e.start, e.end, e.text, e.type, brief(e.score), e.link) for e in document.entities
    )
    at = {entity.span: entity for entity in reversed(entities)}
    triples = (
        Triple(at[t.subject.span], t.relation, at[t.object.span], brief(t.score)) for t in document.triples
    )
    return Item(id, Document(document.text, document.lang, entities, tuple(triples)))


@given(items())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, item: Item) -> None:
    path = tmp_path_factory.getbasetemp() / "documents.jsonl"
    written(path, {"id": item.id, **item.document.to_json()})
    assert list(read_documents([str(path)])) == [rounded(item)]


def test_several_files_packed_or_not(tmp_path: Path) -> None:
    records = [{"id": item.id, **item.document.to_json()} for item in ITEMS]
    plain, packed = written(tmp_path / "a.jsonl", *records), tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n\n")))
    assert list(read_documents([str(plain), str(packed)])) == [*map(rounded, ITEMS)] * 2


def test_a_mention_that_only_a_triple_has_and_a_document_without_an_id(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", {**GOOD, "id": None}, {"text": "Nichts."})
    first, second = read_documents([str(path)])
    assert (first.id, second.id) == (f"{path}:1", f"{path}:2")
    (triple,) = first.document.triples
    assert triple == Triple(Entity(0, 3, "Ada", "PER", 0.5), "saw", Entity(8, 12, "Wien"), 0.25)
    assert second.document == Document("Nichts.", None)


def broken(**changed: Any) -> dict[str, Any]:
    return {**GOOD, **changed}


ENTITY = {"start": 0, "end": 3, "text": "Ada"}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (b'{"text": "Ada', "not a whole JSON object (column 10: Unterminated string"),
        (b"[]", "the line: Input should be"),
        (b'{"text": "\\ud800"}', "a lone surrogate, U+D800"),
        (b'{"text": "Ada", "entities": [{"start": 0, "end": 3, "type": "\\udfff"}]}', "a lone surrogate, U+DFFF"),
        (b"[" * 100_000, "not JSON that can be read"),
        (b'{"text": "a", "id": NaN}', "id"),
        ({"lang": "de"}, 'the key "text" is missing'),
        (broken(lang=3), '"lang" is a JSON number, a string was expected'),
        (broken(entities={}), '"entities" is a JSON object, a list was expected'),
        (broken(entities=[{**ENTITY, "end": 30}]), "entity 1 ends at 30 but the text has 13 characters"),
        (broken(entities=[{**ENTITY, "start": -1}]), "offsets count from 0"),
        (broken(entities=[{**ENTITY, "end": 0}]), "entity 1 is empty"),
        (broken(entities=[{**ENTITY, "start": "0"}]), '"start" is \'0\', a whole number was expected'),
        (broken(entities=[{**ENTITY, "text": "Bo"}]), "entity 1 says 'Bo' but the text at 0:3 is 'Ada'"),
        (broken(entities=[{**ENTITY, "type": ""}]), '"type" is \'\', a name was expected'),
        (broken(entities=[{**ENTITY, "score": 2}]), "score 2 is not a number from 0 to 1"),
        (broken(entities=[{**ENTITY, "link": 7}]), 'entity 1: "link" is 7, an id or an IRI was expected'),
        (broken(triples=[{"subject": ENTITY, "relation": "r"}]), 'the key "object" is missing'),
        (broken(triples=[{"subject": ENTITY, "object": ENTITY, "relation": ""}]), '"relation" is empty'),
        (broken(triples=[{"subject": {**ENTITY, "text": "Bo"}, "object": ENTITY, "relation": "r"}]), "says 'Bo'"),
        (broken(triples=[{"subject": {**ENTITY, "end": 99}, "object": ENTITY, "relation": "r"}]), "ends at 99"),
        (broken(text="👩\u200d🚀 Ada", entities=[{"start": 6, "end": 9, "text": "Ada"}]), "count UTF-16 units"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused_with_a_cure(
    tmp_path: Path, record: bytes | dict[str, Any], said: str
) -> None:
    path = tmp_path / "documents.jsonl"
    raw = record if isinstance(record, bytes) else json.dumps(record).encode()
    path.write_bytes(json.dumps(GOOD).encode() + b"\n\n" + raw + b"\n")
    reading = read_documents([str(path)])
    assert next(reading).id == "1"
    with pytest.raises(DataError) as refused:
        next(reading)
    message = str(refused.value)
    assert message.startswith(f"{path}:3: ")
    assert said in message
    assert message.count(". ") >= 1  # the cure follows


def test_files_that_are_not_there_or_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jsonl: no such file"):
        list(read_documents([str(tmp_path / "nowhere.jsonl")]))
    (tmp_path / "latin.jsonl").write_bytes('{"text": "é"}\n'.encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.jsonl:1: .*is not UTF-8.* iconv"):
        list(read_documents([str(tmp_path / "latin.jsonl")]))
