"""Hugging Face datasets as Parquet: columns `tokens` and `ner_tags`, whose numbers the file's metadata name.

What is written has `id`, `lang`, `text`, `tokens` and `ner_tags` (a ClassLabel, as `datasets` reads it back), and
`mere`, a column of JSON with what else mere knows of a sentence, where there is any. Read a group of rows at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mere.data.formats import hf_rows, whole
from mere.data.formats.extras import library
from mere.data.formats.lines import Head, open_binary
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, counted, keys_of, reader
from mere.data.formats.tally import Written
from mere.types import Sentence

EXTRA = "parquet"
TAKES = hf_rows.TAKES
HOLDS = hf_rows.HOLDS.needing(EXTRA)
MAGIC = b"PAR1"
ROWS = 1_000  # read at a time
_OWN = ("id", "lang", "text", "tokens", "ner_tags", "mere", "entities", "triples")


def looks_like(head: Head) -> bool:
    """Whether a file begins as Parquet."""
    return head.raw.startswith(MAGIC)


@reader()
def read(records: Records) -> Iterator[Sentence]:
    """Yield the rows of a `.parquet` file; the offsets of their tokens are in `extra["tokens"]`.

    Raises:
        UserError: pyarrow is not installed.
    """
    pyarrow, parquet = library("pyarrow", EXTRA), library("pyarrow.parquet", EXTRA)
    number = 0
    try:
        with open_binary(records.path) as stream, parquet.ParquetFile(stream) as file:
            columns = _columns(file.schema_arrow, records)
            for batch in file.iter_batches(batch_size=ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield from _sentence(row, columns, records, number)
    except RecordFault as fault:
        records.refuse(fault)
    except (pyarrow.ArrowException, OSError) as error:
        where = f"after row {number:,}" if number else "at its start or end"
        message = f"Parquet that is damaged or cut short {where} ({str(error).splitlines()[0]})"
        records.refuse(RecordFault("parquet", message.rstrip("."), "Copy the file again."))


def _columns(schema: Any, records: Records) -> hf_rows.Columns:
    """Return the columns of tokens and tags.

    Raises:
        RecordFault: there are none, or they are of another type.
    """
    types = library("pyarrow", EXTRA).types
    try:
        described = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    except ValueError:
        described = {}
    stated = hf_rows.names_in(described.get("info") if isinstance(described, dict) else None)
    names = hf_rows.stated_names(records.path) | stated
    columns = hf_rows.columns_of(schema.names, records.reading, names)
    for name, wanted in ((columns.tokens, "strings"), (columns.tags, "strings or whole numbers")):
        kind = schema.field(name).type
        is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
        value = kind.value_type if is_list else None
        value = value.value_type if value is not None and types.is_dictionary(value) else value
        is_string = value is not None and (types.is_string(value) or types.is_large_string(value))
        is_number = value is not None and types.is_integer(value) and name == columns.tags
        if not is_string and not is_number:
            message = f'the column "{name}" is of the type {kind}; a list of {wanted} was expected'
            raise RecordFault("parquet-type", message, "Name another: --token-column NAME, --column NAME")
    return columns


def _sentence(
    row: dict[str, Any], columns: hf_rows.Columns, records: Records, number: int
) -> Iterator[Sentence]:
    try:
        own = row.pop("mere", None)
        more = json.loads(own) if isinstance(own, str) else {}
        row = {key: value for key, value in row.items() if value is not None} | more
        record = hf_rows.to_record(row, columns, records.reading, records.tally)
    except RecordFault as fault:
        records.refuse(RecordFault(fault.code, f"row {number:,}: {fault.message}", fault.cure))
        return
    yield from records.sentence(record, None, f"{records.stem}:{number}")


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write sentences as rows of tokens and numbered tags, with the names of the tags in the metadata."""
    pyarrow, parquet = library("pyarrow", EXTRA), library("pyarrow.parquet", EXTRA)
    written = Written()
    rows: dict[str, list[Any]] = {name: [] for name in ("id", "lang", "text", "tokens", "ner_tags", "mere")}
    for sentence in counted(sentences, written, HOLDS):
        tokens, tags = hf_rows.tagged(sentence, written)
        keys = keys_of(sentence, _OWN, written)
        more = {key: value for key, value in keys.items() if key not in ("id", "lang", "relations_covered")}
        own = json.dumps(more, ensure_ascii=False) if more else None
        values = (sentence.id, sentence.lang, sentence.text, tokens, tags, own)
        for name, value in zip(rows, values, strict=True):
            rows[name].append(value)
    names = ["O", *sorted({tag for tags in rows["ner_tags"] for tag in tags} - {"O"})]
    place = {name: number for number, name in enumerate(names)}
    rows["ner_tags"] = [[place[tag] for tag in tags] for tags in rows["ner_tags"]]
    types = {
        "id": pyarrow.string(),
        "lang": pyarrow.string(),
        "text": pyarrow.string(),
        "tokens": pyarrow.list_(pyarrow.string()),
        "ner_tags": pyarrow.list_(pyarrow.int64()),
        "mere": pyarrow.string(),
    }
    if not any(rows["mere"]):
        del rows["mere"], types["mere"]
    metadata = {"huggingface": json.dumps({"info": {"features": _features(rows, names)}})}
    table = pyarrow.table(rows, schema=pyarrow.schema(list(types.items()), metadata=metadata))
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    whole.write_bytes(sink.getvalue().to_pybytes(), Path(path))
    return written


def _features(columns: Iterable[str], names: list[str]) -> dict[str, Any]:
    """Return the description of columns that `datasets` keeps in the metadata of Parquet files."""
    string = {"dtype": "string", "_type": "Value"}
    lists = {
        "tokens": {"feature": string, "_type": "Sequence"},
        "ner_tags": {"feature": {"names": names, "_type": "ClassLabel"}, "_type": "Sequence"},
    }
    return {name: lists.get(name, string) for name in columns}
