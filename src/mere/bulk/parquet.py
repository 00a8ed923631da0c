"""Parquet in and out: texts of a column, row group by row group; documents as nested columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from mere.data.formats.extras import library
from mere.errors import DataError

if TYPE_CHECKING:
    from mere.bulk.inputs import InputFile

EXTRA = "parquet"
_ROWS = 1024  # of a batch that is read
_OURS = ("id", "text", "lang", "entities", "triples", "notes")


def row_groups(
    file: InputFile, text_key: str, size: int, notes: list[str]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield (first row group, one past the last, rows, bytes) of runs of row groups of `size` bytes or just over.

    Raises:
        DataError: it is no Parquet file, or has no column of texts under `text_key`.
    """
    pyarrow, parquet = library("pyarrow", EXTRA), library("pyarrow.parquet", EXTRA)
    try:
        opened = parquet.ParquetFile(file.path)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{file.name}: not a whole Parquet file ({error}). Write or copy it again.") from None
    with opened:
        kept = _columns(opened.schema_arrow, file.name, text_key)
        left = [name for name in opened.schema_arrow.names if name not in kept]
        if left:
            notes.append(f"{file.name}: nested or binary columns are not carried over: {', '.join(left)}")
        meta = opened.metadata
        start, rows, weight = 0, 0, 0
        for group in range(meta.num_row_groups):
            rows += meta.row_group(group).num_rows
            weight += meta.row_group(group).total_byte_size
            if weight >= size or group + 1 == meta.num_row_groups:
                yield start, group + 1, rows, weight
                start, rows, weight = group + 1, 0, 0


def read(file: InputFile, groups: range, text_key: str) -> Iterator[Mapping[str, Any] | Exception]:
    """Yield rows of row groups as dicts, or what is wrong with a row; memory does not grow with the file.

    Raises:
        OSError, ValueError: the file is damaged from here on.
    """
    parquet = library("pyarrow.parquet", EXTRA)
    with parquet.ParquetFile(file.path, buffer_size=1 << 20, pre_buffer=False) as opened:
        columns = _columns(opened.schema_arrow, file.name, text_key)
        for batch in opened.iter_batches(batch_size=_ROWS, row_groups=list(groups), columns=columns):
            yield from _rows(batch)


def _rows(batch: Any) -> Sequence[Mapping[str, Any] | Exception]:
    try:
        return batch.to_pylist()
    except UnicodeDecodeError as error:  # a string that is not UTF-8: find the rows that have one
        if batch.num_rows == 1:
            return [error]
        return [row for index in range(batch.num_rows) for row in _rows(batch.slice(index, 1))]


def _columns(schema: Any, name: str, text_key: str) -> list[str]:
    """Return the columns to read: the text, the language, and all that are flat."""
    types = library("pyarrow", EXTRA).types

    def is_text(type: Any) -> bool:
        plain = type.value_type if types.is_dictionary(type) else type
        return types.is_string(plain) or types.is_large_string(plain) or types.is_string_view(plain)

    for key in (text_key, "lang"):
        if key == "lang" and key not in schema.names:
            continue
        if key not in schema.names:
            raise DataError(
                f'{name}: no column "{key}"; its columns: {", ".join(schema.names)}. Pass --text-key.'
            )
        if not is_text(found := schema.field(key).type):
            raise DataError(
                f'{name}: column "{key}" holds {found}, expected strings. '
                "Name another with --text-key, or cast it, for example: "
                f"pyarrow.compute.cast(table['{key}'], 'string')"
            )

    def is_flat(type: Any) -> bool:
        return is_text(type) or types.is_primitive(type) or types.is_decimal(type) or types.is_null(type)

    return [field.name for field in schema if is_flat(field.type)]


class ParquetWriter:
    """Writes documents as rows: mentions and triples are lists of structs, keys that came along one JSON string."""

    def __init__(self, stream: IO[bytes]):
        self._schema = _schema()
        self._writer = library("pyarrow.parquet", EXTRA).ParquetWriter(
            stream, self._schema, compression="zstd"
        )

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        rows = [self._row(record) for record in records]
        self._writer.write_table(library("pyarrow", EXTRA).Table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.close()

    @staticmethod
    def _row(record: Mapping[str, Any]) -> dict[str, Any]:
        row = {key: record.get(key) for key in _OURS}
        extra = {key: value for key, value in record.items() if key not in _OURS}
        if not isinstance(row["id"], str):
            row["id"] = json.dumps(row["id"], ensure_ascii=False)
        row["notes"] = row["notes"] or []
        row["extra"] = json.dumps(extra) if extra else None
        return row


def _schema() -> Any:
    pa = library("pyarrow", EXTRA)
    mention = [("start", pa.int64()), ("end", pa.int64()), ("text", pa.string())]
    score = [("score", pa.float64())]
    entity = pa.struct([*mention, ("type", pa.string()), *score, ("link", pa.string())])
    triple = pa.struct(
        [("subject", pa.struct(mention)), ("relation", pa.string()), ("object", pa.struct(mention)), *score]
    )
    return pa.schema(
        [
            ("id", pa.string()), ("text", pa.string()), ("lang", pa.string()), ("entities", pa.list_(entity)),
            ("triples", pa.list_(triple)), ("notes", pa.list_(pa.string())), ("extra", pa.string()),
        ]
    )  # fmt: skip
