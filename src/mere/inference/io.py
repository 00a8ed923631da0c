"""Texts from files and standard input, for `mere extract`: plain text or JSON lines, decoded strictly.

Plain text: a line ends at LF; a CR just before it belongs to the line end. Neither is part of the line's
text, so offsets count from the line's first character. A byte order mark at the start of a file is no
character either. With `per="file"` the text is the whole file, line ends included, as they stand.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

from mere.data.formats.lines import archive_problem
from mere.errors import DataError
from mere.inference.arriving import Arriving
from mere.lang_codes import stated
from mere.types import Document

_SURROGATE = re.compile("[\ud800-\udfff]")
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class InputText:
    """One text to read, and where it came from ("notes.txt:12")."""

    text: str
    where: str
    lang: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def check_text(text: str, where: str) -> None:
    """Refuse what is no text.

    Raises:
        DataError: not a string, or a string with a lone surrogate; names `where`.
    """
    if not isinstance(text, str):
        raise DataError(
            f"{where}: expected a string, got {type(text).__name__}. Decode bytes as UTF-8 first."
        )
    surrogate = _SURROGATE.search(text)
    if surrogate:
        code = f"U+{ord(surrogate[0]):04X}"
        raise DataError(
            f"{where}: lone surrogate {code} at character {surrogate.start()}; it is half a character. "
            "Decode the source as UTF-8, or mend it: "
            'text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")'
        )


def read_texts(
    source: str,
    *,
    kind: Literal["auto", "text", "jsonl"] = "auto",
    per: Literal["line", "file"] = "line",
    text_key: str = "text",
    tell: Callable[[int], None] = lambda read: None,
) -> Iterator[InputText | None]:
    """Yield the texts of a file, or of standard input for "-", as they are read; None where standard input pauses.

    Args:
        source: a path; `.gz` is unpacked. "auto" takes `.jsonl` files for JSON lines and all else for text.
        per: what one text is, in plain text.
        text_key: the key that holds the text, in JSON lines.
        tell: is called before each text of a file with how many of the file's bytes were read.

    Raises:
        DataError: no such file, bytes that are not UTF-8, a line that is not a JSON object with a text.
    """
    name = "stdin" if source == "-" else source
    is_json = kind == "jsonl" or (kind == "auto" and name.removesuffix(".gz").endswith((".jsonl", ".ndjson")))
    with _open(source) as stream:
        if is_json:
            items = _json_lines(stream, name, text_key)
        elif per == "file":
            items = _whole(stream, name)
        else:
            items = (
                None if row is None else InputText(row[1], f"{name}:{row[0]}") for row in _lines(stream, name)
            )
        if source == "-":
            yield from items
            return
        packed = cast("IO[bytes]", getattr(stream, "fileobj", stream))  # of a .gz, the file that is unpacked
        for item in items:
            tell(packed.tell())
            yield item


def _whole(stream: IO[bytes] | Arriving, name: str) -> Iterator[InputText | None]:
    try:
        yield InputText(decode_utf8(unmarked(stream.read(), name), name), name)
    except (OSError, EOFError) as error:
        raise _unreadable(name, error) from error


def _open(source: str) -> IO[bytes] | Arriving:
    if source == "-":
        if not _has_fileno():
            return sys.stdin.buffer
        can_wait = sys.platform != "win32"  # where only sockets can be waited for
        return Arriving(sys.stdin.fileno()) if can_wait else open(sys.stdin.fileno(), "rb", closefd=False)
    path = Path(source)
    try:
        return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")
    except FileNotFoundError:
        raise DataError(f'{source}: no such file. Give a path, or "-" for standard input.') from None
    except OSError as error:
        raise _unreadable(source, error) from error


def _has_fileno() -> bool:
    try:
        sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    return True


def _unreadable(name: str, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or str(error)
    return DataError(f"{name}: cannot be read ({reason}). Check the file and its permissions.")


def unmarked(head: bytes, name: str) -> bytes:
    """Take a byte order mark off the start of a file; refuse UTF-16 and archives."""
    if head.startswith(_UTF16_MARKS):
        raise DataError(f"{name}: starts like UTF-16; mere reads UTF-8. Convert it: iconv -f UTF-16 -t UTF-8")
    if archive := archive_problem(head, Path(name)):
        raise DataError(
            f"{name}: {archive.message}. {archive.cure if name != 'stdin' else 'Unpack it before.'}"
        )
    return head.removeprefix(_UTF8_MARK)


def decode_utf8(raw: bytes, where: str) -> str:
    """Return the text of a line or a file.

    Raises:
        DataError: names `where` and the first byte that is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        at = where if ":" in Path(where).name else f"{where}:{line}"
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        raise DataError(
            f"{at}: byte {column} of the line (0x{raw[error.start]:02x}) is not UTF-8. "
            "Convert the file, for example: iconv -f WINDOWS-1252 -t UTF-8"
        ) from None


def _lines(stream: IO[bytes] | Arriving, name: str) -> Iterator[tuple[int, str] | None]:
    number = 0
    try:
        for raw in stream:
            if raw is None:
                yield None
                continue
            number += 1
            if number == 1:
                raw = unmarked(raw, name)
            line = raw.removesuffix(b"\n").removesuffix(b"\r") if raw.endswith(b"\n") else raw
            yield number, decode_utf8(line, f"{name}:{number}")
    except (OSError, EOFError) as error:  # EOFError: a gzip file cut short
        raise _unreadable(f"{name}:{number + 1}", error) from error


def _json_lines(stream: IO[bytes] | Arriving, name: str, text_key: str) -> Iterator[InputText | None]:
    for row in _lines(stream, name):
        if row is None:
            yield None
        elif row[1].strip():
            yield parse_json_row(row[1], f"{name}:{row[0]}", text_key)


def parse_json_row(line: str, where: str, text_key: str = "text") -> InputText:
    """Return the text of one JSON line, with its language and what came along.

    Raises:
        DataError: not a JSON object with a text; names `where`.
    """
    try:
        record = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        column, reason = getattr(error, "colno", 1), getattr(error, "msg", "nested too deeply")
        raise DataError(
            f"{where}: not a JSON object (column {column} of {len(line)}: {reason}). "
            "Each line must hold one whole object; is the file cut short?"
        ) from None
    if not isinstance(record, dict):
        raise DataError(
            f"{where}: expected a JSON object, got {type(record).__name__}. Or pass --input text."
        )
    text, lang = record.get(text_key), record.get("lang")
    if not isinstance(text, str):
        keys = ", ".join(sorted(record)) or "none"
        raise DataError(f'{where}: no string under "{text_key}"; its keys: {keys}. Or pass --text-key.')
    if lang is not None and not isinstance(lang, str):
        raise DataError(f'{where}: "lang" must be a string or null, got {type(lang).__name__}.')
    check_text(text, where)
    extra = {key: value for key, value in record.items() if key not in (text_key, "lang")}
    return InputText(text, where, stated(lang), extra)


_OURS = frozenset({"text", "lang", "entities", "triples", "sentences", "notes", "offsets", "input"})


def output_record(item: InputText, document: Document) -> dict[str, Any]:
    """A document with what came along in its input: id first, then ours, then keys that mere does not use.

    A key of the input that has the name of one of ours stands under "input", so that neither passes for the other.
    """
    given = {key: value for key, value in item.extra.items() if key in _OURS}
    carried = {key: value for key, value in item.extra.items() if key not in _OURS and key != "id"}
    record = {"id": item.extra.get("id", item.where), **document.to_json(), **carried}
    return record | {"input": given} if given else record


def encode_record(record: Mapping[str, Any]) -> bytes:
    """Return a record as one JSON line, its end included."""
    try:
        return json.dumps(record, ensure_ascii=False).encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # a lone surrogate in a key that came along: JSON can escape it
        return json.dumps(record).encode("ascii") + b"\n"
