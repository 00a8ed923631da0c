"""The rows of a shard, in order: texts to extract from, and rows that cannot be read, each with its reason."""

from __future__ import annotations

import base64
import datetime
import decimal
import math
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from mere.bulk import parquet
from mere.bulk.plan import CorpusSettings, Shard, Slice
from mere.errors import DataError, MereError
from mere.inference.io import InputText, check_text, decode_utf8, parse_json_row, unmarked

MAX_ROW_BYTES = 16_000_000
"""A longer row is set aside: one file without line ends must not fill the memory."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Aside:
    """A row that is set aside.

    Args:
        where: its file and line ("notes.txt:12"), or row in Parquet.
        reason: what is wrong with it.
        row: the row as it stands, so that it can be mended and run again; None where it is too long to hold.
        rest: whether all that follows in its file is missing, too.
    """

    where: str
    reason: str
    row: bytes | str | None = None
    rest: bool = False

    def to_json(self) -> dict[str, Any]:
        record: dict[str, Any] = {"where": self.where, "reason": self.reason}
        if isinstance(self.row, bytes):
            try:
                record["row"] = self.row.decode("utf-8")
            except UnicodeDecodeError:
                record["base64"] = base64.b64encode(self.row).decode("ascii")
        elif self.row is not None:
            record["row"] = self.row
        return record


def read_rows(shard: Shard, settings: CorpusSettings) -> Iterator[InputText | Aside]:
    """Yield the rows of a shard, read as they are asked for.

    Raises:
        MereError: a file is not the one that the plan was made for.
        OSError: the disk failed; this is no property of a row.
    """
    for part in shard.slices:
        if part.file.kind == "parquet":
            yield from _parquet_rows(part, settings)
        elif part.file.kind == "text" and settings.per == "file":
            with part.file.open() as stream:
                yield from _whole(stream, part)
        else:
            yield from _line_rows(part, settings)


def _whole(stream: IO[bytes], part: Slice) -> Iterator[InputText | Aside]:
    name = part.file.name
    try:
        raw = stream.read(MAX_ROW_BYTES + 1)
    except (EOFError, zlib.error, OSError) as error:
        yield _broken_off(part, name, error)
        return
    yield _too_long(name) if len(raw) > MAX_ROW_BYTES else _text(raw, name, marked=True)


def _line_rows(part: Slice, settings: CorpusSettings) -> Iterator[InputText | Aside]:
    name, number = part.file.name, part.first - 1
    with part.file.open() as stream:
        try:
            for number, raw in enumerate(_raw_lines(stream, part), part.first):
                where = f"{name}:{number}"
                if raw is None:
                    yield _too_long(where)
                    continue
                line = raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw
                if part.file.kind == "text":
                    yield _text(line, where, marked=number == 1)
                elif line.removeprefix(BOM_UTF8 if number == 1 else b"").strip():
                    yield _json(line, where, settings.text_key, marked=number == 1)
        except (EOFError, zlib.error, OSError) as error:
            yield _broken_off(part, f"{name}:{number + 1}", error)
            return
    if part.lines is not None and number - part.first + 1 != part.lines:
        raise _changed(part)


def _raw_lines(stream: IO[bytes], part: Slice) -> Iterator[bytes | None]:
    """Yield the lines of a slice with their ends; None for one that is too long to hold."""
    stream.seek(part.start)
    position = part.start
    while part.end is None or position < part.end:
        raw = stream.readline(MAX_ROW_BYTES + 1)
        if not raw:
            return
        position += len(raw)
        held = len(raw) <= MAX_ROW_BYTES
        while not held and not raw.endswith(b"\n") and (raw := stream.readline(_CHUNK)):
            position += len(raw)
        yield raw if held else None


def _parquet_rows(part: Slice, settings: CorpusSettings) -> Iterator[InputText | Aside]:
    name, number = part.file.name, part.first - 1
    part.file.check()
    assert part.end is not None
    try:
        rows = parquet.read(part.file, range(part.start, part.end), settings.text_key)
        for number, row in enumerate(rows, part.first):
            where = f"{name}:{number}"
            if isinstance(row, Exception):
                yield Aside(where, f"{where}: {row}")
            else:
                yield _record(row, where, settings.text_key)
    except MereError:
        raise
    except (OSError, ValueError) as error:  # what pyarrow says of damaged pages
        yield _broken_off(part, f"{name}:{number + 1}", error)
        return
    if number - part.first + 1 != part.lines:
        raise _changed(part)


def _text(raw: bytes, where: str, *, marked: bool) -> InputText | Aside:
    try:
        return InputText(decode_utf8(unmarked(raw, where) if marked else raw, where), where)
    except DataError as error:
        return Aside(where, str(error), raw)


def _json(raw: bytes, where: str, text_key: str, *, marked: bool) -> InputText | Aside:
    try:
        line = decode_utf8(unmarked(raw, where) if marked else raw, where)
        return parse_json_row(line, where, text_key)
    except DataError as error:
        return Aside(where, str(error), raw)


def _record(row: Mapping[str, Any], where: str, text_key: str) -> InputText | Aside:
    text = row[text_key]
    if text is None:
        return Aside(where, f'{where}: "{text_key}" is null.')
    try:
        check_text(text, where)
    except DataError as error:
        return Aside(where, str(error))
    extra = {key: _plain(value) for key, value in row.items() if key not in (text_key, "lang")}
    return InputText(text, where, row.get("lang"), extra)


def _plain(value: Any) -> Any:
    """Return a value that JSON has: moments and decimals as strings, what is no number as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value) if isinstance(value, decimal.Decimal | datetime.timedelta) else value


def _too_long(where: str) -> Aside:
    return Aside(
        where, f"{where}: longer than {MAX_ROW_BYTES:,} bytes. Cut it into texts; has it no line ends?"
    )


def _broken_off(part: Slice, where: str, error: Exception) -> Aside:
    """Return the row that stands for the missing rest of a damaged file; a failing disk is another matter."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
    return Aside(
        where,
        f"{where}: the file is damaged or cut short here ({error}); the rest of {part.file.name} was not read.",
        rest=True,
    )


def _changed(part: Slice) -> DataError:
    return DataError(
        f"{part.file.name}: has not the rows that were counted when the run began; was it written to? "
        "Begin again with another --out."
    )
