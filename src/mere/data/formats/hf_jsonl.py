"""Hugging Face datasets as JSON lines: a row a line with `tokens` and `ner_tags`.

    {"id": "0", "tokens": ["Ada", "lebt", "in", "Graz", "."], "ner_tags": ["B-PER", "O", "O", "B-LOC", "O"]}

What is written names its tags and has the text beside the tokens; `datasets.load_dataset("json", …)` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
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
from mere.data.formats.records import Records, first_object, keys_of, reader, write_lines
from mere.data.formats.tally import Written
from mere.types import Sentence

__all__ = ["ENDING", "HOLDS", "TAKES", "looks_like", "read", "write"]

ENDING = ".jsonl"
_OWN = ("text", "tokens", "ner_tags", "entities", "triples")


def looks_like(head: Head) -> bool:
    """Whether the first line has a list of tokens and a list of tags."""
    row = first_object(head)
    if not isinstance(row, dict) or not any(isinstance(row.get(name), list) for name in TAG_COLUMNS):
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


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write sentences as rows of tokens and named tags.

    Tokens are those of `extra["tokens"]`, else words; either are cut where an entity begins or ends inside.

    Raises:
        DataError: a text is not Unicode, or the file cannot be written.
    """
    return write_lines(sentences, Path(path), HOLDS, _object)


def _object(sentence: Sentence, written: Written) -> dict[str, Any]:
    tokens, tags = tagged(sentence, written)
    keys = keys_of(sentence, _OWN, written)
    keys.pop("relations_covered", None)
    return {**keys, "text": sentence.text, "tokens": tokens, "ner_tags": tags}
