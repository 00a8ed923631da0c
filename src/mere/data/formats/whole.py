"""Whole files: documents that are a file each, read up to a limit and written at once or not at all."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

from mere.data.formats import files
from mere.data.formats.lines import open_binary
from mere.data.formats.problems import Problem, report
from mere.errors import DataError
from mere.files import write_whole
from mere.types import Sentence

MAX_BYTES = 2_000_000_000
"""Files that unpack to more are refused: what is read here is held in memory."""
MAX_NAME = 200  # bytes; file systems take 255, endings included
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|%]|^\.|[. ]$')


def read_bytes(path: Path, problems: list[Problem] | None, max_bytes: int = MAX_BYTES) -> bytes | None:
    """Return a file's bytes, gzip seen through; None where a problem was noted.

    Raises:
        DataError: it cannot be opened; or it is damaged or too large, and `problems` is None.
    """
    with open_binary(path) as stream:
        try:
            data = stream.read(max_bytes + 1)
        except (EOFError, OSError, zlib.error) as error:
            message = f"the gzip stream is damaged or cut short ({error})"
            report(Problem(path, None, "gzip-cut", message, "Copy the file again."), problems)
            return None
    if len(data) > max_bytes:
        message = f"unpacks to more than {max_bytes:,} bytes"
        report(Problem(path, None, "too-large", message, "Split it into smaller files."), problems)
        return None
    return data


def read_text(path: Path, problems: list[Problem] | None) -> str | None:
    """Return a file as text, line ends and byte order mark kept; None where a problem was noted."""
    data = read_bytes(path, problems)
    if data is None:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start:,} of the file (0x{data[error.start]:02X}) is not UTF-8"
        report(Problem(path, line, "not-utf8", message, "Save the file as UTF-8."), problems)
        return None


def write_bytes(data: bytes, path: Path) -> None:
    """Write a file whole or not at all, gzip where its name ends in `.gz`.

    Raises:
        MereError: the folder is missing, or the disk is full.
    """
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    write_whole(path, data)


def make_folder(path: Path) -> None:
    """Make the folder that documents are written to, if it is not there.

    Raises:
        DataError: a file has its name, or it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{path}: a folder is needed, one file a document: {error.strerror}.") from None


def encoded(text: str, sentence: Sentence) -> bytes:
    """Return text of a sentence as UTF-8.

    Raises:
        DataError: it holds a lone surrogate.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        code = ord(error.object[error.start])
        raise DataError(
            f"sentence {sentence.id!r}: a lone surrogate, U+{code:04X}, cannot be written as UTF-8. "
            "Replace it in the text."
        ) from None


class Names:
    """File names for the ids of documents, each once; `id_of` reads them back."""

    def __init__(self, lost: Counter[str]):
        self._lost = lost
        self._taken: set[str] = set()

    def __call__(self, id: str) -> str:
        """Return a name without ending, percent-escaped where file systems need it."""
        name = _escaped(id)
        if len(name.encode()) > MAX_NAME:
            digest = hashlib.sha256(id.encode()).hexdigest()[:12]
            name = f"{name.encode()[: MAX_NAME - 13].decode('utf-8', 'ignore')}-{digest}"
            self._lost["ids too long for a file name, cut"] += 1
        if name.casefold() in self._taken:
            self._lost["ids given twice, numbered"] += 1
            number = 2
            while f"{name}-{number}".casefold() in self._taken:
                number += 1
            name = f"{name}-{number}"
        self._taken.add(name.casefold())
        return name


def id_of(path: Path) -> str:
    """Return the id that a file name stands for: the name without its ending, escapes undone."""
    stem = files.stem(path)
    plain = unquote(stem)
    return plain if plain and _escaped(plain) == stem else stem


def _escaped(id: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), id)
