"""Hugging Face datasets as JSON lines: a row a line with `tokens` and `ner_tags`.

    {"id": "0", "tokens": ["Ada", "lebt", "in", "Graz", "."], "ner_tags": ["B-PER", "O", "O", "B-LOC", "O"]}

What is written names its tags and has the text beside the tokens; `datasets.load_dataset("json", …)` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mere.data.formats.hf_rows import (
    HOLDS,
    TAG_COLUMNS,
    TAKES,
    TOKEN_COLUMNS,
    Columns,
    columns_of,
    stated_names,
    tagged,
    to_record,
)
from mere.data.formats.lines import Head
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, first_object, keys_of, object_writer, reader
from mere.data.formats.tally import Written
from mere.types import Sentence

__all__ = ["HOLDS", "TAKES", "looks_like", "read", "write"]

_OWN = ("text", "tokens", "ner_tags", "entities", "triples")


def looks_like(head: Head) -> bool:
    """Whether the first line has a list of tokens and a list of tags."""
    row = first_object(head)
    if not isinstance(row, dict):
        return False
    tags = next((row[name] for name in TAG_COLUMNS if isinstance(row.get(name), list)), None)
    if tags is None or not all(isinstance(tag, str | int) for tag in tags):
        return False
    tokens = next((row[name] for name in TOKEN_COLUMNS if isinstance(row.get(name), list)), None)
    return tokens is not None and all(isinstance(token, str) for token in tokens)


@reader()
def read(records: Records) -> Iterator[Sentence]:
    """Yield the rows of a `.jsonl` file; the offsets of their tokens are in `extra["tokens"]`."""
    names = stated_names(records.path)
    columns: Columns | None = None

    def record(row: object) -> dict[str, Any]:
        nonlocal columns
        if not isinstance(row, dict):
            raise RecordFault("not-an-object", "not a JSON object; a row a line was expected")
        columns = columns or columns_of(row, records.reading, names)
        return to_record(row, columns, records.reading, records.tally)

    return records.lines(record)


@object_writer(HOLDS)
def write(sentence: Sentence, written: Written) -> dict[str, Any]:
    """Write sentences as rows of tokens and named tags; tokens as `fitting_tokens` has them."""
    tokens, tags = tagged(sentence, written)
    keys = keys_of(sentence, _OWN, written)
    keys.pop("relations_covered", None)
    return {**keys, "text": sentence.text, "tokens": tokens, "ner_tags": tags}
