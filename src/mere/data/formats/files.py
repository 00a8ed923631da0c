"""Corpus files as numbered lines of UTF-8 text, gzip seen through, and what their names say.

A line ends at LF or CRLF and nowhere else (U+2028 and the like stay inside it). A byte order mark at the
start of the file is no part of its text.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from mere.data.formats.problems import Problem, report
from mere.errors import DataError, nearest

BOM = b"\xef\xbb\xbf"
GZIP_MAGIC = b"\x1f\x8b"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "valid": "dev",
    "validation": "dev",
    "val": "dev",
    "test": "test",
    "heldout": "heldout",
}
_LANG_FIRST = re.compile(r"([a-z]{2,3})(?:-[A-Za-z]+)*$")


def not_found(path: Path) -> DataError:
    """Return the error for a path that does not exist; names the nearest file, or the folder that does."""
    parent = path.parent
    if parent.is_dir():
        near = nearest(path.name, (entry.name for entry in parent.iterdir()))
        where = f'The folder "{parent}" exists.' if str(parent) != "." else ""
        return DataError(f"{path}: no such file or folder. {where}{near}".rstrip())
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    return DataError(f'{path}: no such file or folder. The nearest folder that exists is "{parent}".')


def open_binary(path: Path) -> BinaryIO:
    """Open a plain or gzip file for reading bytes; what the file is, not its name, decides.

    Raises:
        DataError: the file does not exist, is a folder, or may not be read.
    """
    try:
        raw = path.open("rb")
    except FileNotFoundError:
        raise not_found(path) from None
    except IsADirectoryError:
        raise DataError(f"{path}: is a folder, a file was expected.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if raw.peek(2)[:2] == GZIP_MAGIC:
        return cast(BinaryIO, io.BufferedReader(_Gunzip(raw)))
    return raw


class _Gunzip(gzip.GzipFile):
    """A GzipFile that closes the file beneath it as well."""

    def __init__(self, raw: BinaryIO):
        super().__init__(fileobj=raw)
        self._raw_below = raw

    def close(self) -> None:
        super().close()
        self._raw_below.close()


def numbered_lines(path: Path, problems: list[Problem] | None = None) -> Iterator[tuple[int, bytes, str]]:
    """Yield (line number from 1, bytes, text) for every line that is not blank, ends stripped.

    A line that is not UTF-8 is a problem and is passed over; so is the rest of a gzip file cut short.

    Raises:
        DataError: the file cannot be opened, or the first problem where `problems` is None.
    """
    number = 0
    offset = 0  # bytes before this line
    with open_binary(path) as stream:
        while True:
            try:
                raw = stream.readline()
            except (EOFError, OSError, zlib.error) as error:
                cut = f"the gzip stream is damaged or cut short after line {number:,} ({error})"
                report(Problem(path, number + 1, "gzip-cut", cut, "Copy the file again."), problems)
                return
            if not raw:
                return
            number += 1
            line = raw[:-1] if raw.endswith(b"\n") else raw
            line = line[:-1] if line.endswith(b"\r") else line
            if number == 1 and line.startswith(BOM):
                line = line[len(BOM) :]
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                report(_not_utf8(path, number, offset, raw, error), problems)
                if number == 1 and raw.startswith(UTF16_MARKS):
                    return
            else:
                if line.strip():
                    yield number, line, text
            offset += len(raw)


def _not_utf8(path: Path, number: int, offset: int, raw: bytes, error: UnicodeDecodeError) -> Problem:
    if number == 1 and raw.startswith(UTF16_MARKS):
        message = "the file is UTF-16, UTF-8 was expected"
        encoding = "UTF-16"
    else:
        byte = offset + error.start + (len(BOM) if number == 1 and raw.startswith(BOM) else 0)
        message = f"byte {byte:,} of the file (0x{error.object[error.start]:02X}) is not UTF-8"
        encoding = "WINDOWS-1252"
    cure = f"Convert it: iconv -f {encoding} -t UTF-8 {path.name} > utf8.{path.name}"
    if encoding != "UTF-16":
        cure += " (with the encoding it was written in)"
    return Problem(path, number, "not-utf8", message, cure)


def write_lines(lines: Iterable[str], path: Path) -> int:
    """Write lines of UTF-8 to a file, gzip where its name ends in `.gz`, and return how many.

    The file appears whole or not at all: a crash or a full disk leaves what was there before. The same
    lines give the same bytes.

    Raises:
        DataError: the folder is missing, or the disk is full.
    """
    if path.parent.name and not path.parent.is_dir():
        raise not_found(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    count = 0
    try:
        with beside.open("wb") as raw:
            zipped = path.suffix == ".gz"
            out = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) if zipped else raw
            for line in lines:
                out.write(line.encode("utf-8") + b"\n")
                count += 1
            if zipped:
                out.close()
        beside.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}.") from None
    finally:
        beside.unlink(missing_ok=True)
    return count


def stem(path: Path) -> str:
    """Return the name without `.gz` and the format's ending: `de.train.jsonl.gz` is `de.train`."""
    name = path.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] if "." in name[1:] else name


def lang_of(path: Path) -> str | None:
    """Return the language that a file name or its folder states, or None.

    `de.train.jsonl`, `de_corpora_train.tsv`, `en-full_corpora_train.tsv` and `de/train.jsonl` say so;
    `corpus.jsonl` does not.
    """
    parts = re.split(r"[._]", stem(path))
    match = _LANG_FIRST.match(parts[0])
    if match and len(parts) > 1 and match.group(1) not in SPLIT_NAMES:
        return match.group(1)
    folder = path.parent.name
    if parts[0] in SPLIT_NAMES and re.fullmatch(r"[a-z]{2,3}", folder):
        return folder
    return None


def split_of(path: Path) -> str:
    """Return the split that a file name states (train, dev, test, heldout), or "train" where it states none."""
    for part in reversed(re.split(r"[._-]", stem(path))):
        if part in SPLIT_NAMES:
            return SPLIT_NAMES[part]
    return "train"
