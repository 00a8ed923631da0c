"""The lines of a text file: the one place where bytes become lines of text, gzip seen through.

A line ends at LF or CRLF (LFCR); in a file with many CR alone for each LF, at CR too; in one without either, at
whatever else parts its lines (NEL, U+2028, a form feed …), which in all others stays inside a line. A byte order mark
at the start of a file or of a line is no part of the text. What is not UTF-8 is told with a command that mends it and
nothing else.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from mere import advice
from mere.data.formats.encodings import likely_encoding
from mere.data.formats.files import lang_of, not_found
from mere.data.formats.problems import Problem, report
from mere.errors import DataError

BOM = b"\xef\xbb\xbf"
GZIP_MAGIC = b"\x1f\x8b"
JOINED = "characters written as two halves, joined"
MARKED = "byte order marks inside the file, taken out"
_CHUNK = 1 << 16
MAX_LINE = 1 << 28
"""A longer line, which a small gzip file may hold, is refused: lines are held in memory."""
_FEW = 10  # CR for each LF: then these are the odd ones
_OTHER_ENDS = (b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\x0b", b"\x0c", b"\x1e")
_WIDE = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
ZIP = b"PK\x03\x04"
_ARCHIVES: tuple[tuple[bytes, int, str, tuple[str, ...]], ...] = (
    (ZIP, 0, "a zip archive", ("unzip",)),
    (b"BZh", 0, "compressed by bzip2", ("bunzip2", "--keep")),
    (b"\xfd7zXZ", 0, "compressed by xz", ("unxz", "--keep")),
    (b"\x28\xb5\x2f\xfd", 0, "compressed by zstd", ("unzstd",)),
    (b"ustar", 257, "a tar archive", ("tar", "-xf")),
    (b"version https://git-lfs", 0, "a pointer of Git LFS", ("git", "lfs", "pull", "--include")),
)
_HALF = re.compile("[\ud800-\udfff]")
_BY_WINDOWS_1252 = (
    "import sys, codecs; codecs.register_error('w', lambda e: "
    "(e.object[e.start:e.end].decode('cp1252', 'replace'), e.end)); "
    "sys.stdout.buffer.write(sys.stdin.buffer.read().decode('utf-8', 'w').encode())"
)
_BY_REPLACEMENT = (
    "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().decode('utf-8', 'replace').encode())"
)


class Head(NamedTuple):
    """The beginning of a file, gzip seen through: what tells its format.

    Args:
        raw: up to 64 KiB.
        lines: the lines in `raw` that are not blank, those that are not UTF-8 left out, the last one too where it
            may be cut.
    """

    path: Path
    raw: bytes
    lines: tuple[str, ...]


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


def head_of(path: Path) -> Head:
    """Return the beginning of a file; what a damaged gzip file gives before its damage.

    Raises:
        DataError: the file cannot be opened.
    """
    raw = b""
    with open_binary(path) as stream:
        try:
            while len(raw) < _CHUNK and (chunk := stream.read(4096)):
                raw += chunk
        except (EOFError, OSError, zlib.error):
            pass
    lines = _split(raw.removeprefix(BOM))
    if len(raw) >= _CHUNK and len(lines) > 1:
        lines.pop()
    texts = (line.decode("utf-8", "replace") for line in lines)
    return Head(path, raw, tuple(text for text in texts if text.strip() and "\ufffd" not in text))


def numbered_lines(
    path: Path,
    problems: list[Problem] | None = None,
    *,
    repaired: Counter[str] | None = None,
    keep_halves: bool = False,
) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, text) for every line that is not blank, ends stripped.

    A line that is not UTF-8 is a problem and is passed over; so is the rest of a gzip file cut short.

    Args:
        repaired: where characters that were joined from two halves (CESU-8) are counted.
        keep_halves: yield lines with a lone half of a character, for a reader that knows where the other is.

    Raises:
        DataError: the file cannot be opened, or the first problem where `problems` is None.
    """
    with open_binary(path) as stream:
        for number, line in lines_of(stream, path, problems, repaired=repaired, keep_halves=keep_halves):
            if line.strip():
                yield number, line


def lines_of(
    stream: BinaryIO,
    path: Path,
    problems: list[Problem] | None = None,
    *,
    repaired: Counter[str] | None = None,
    keep_halves: bool = False,
) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, text) for every line of an open stream, blank ones too; else as `numbered_lines`."""
    number = 0
    cure = _Cure(path)
    try:
        for number, raw in enumerate(_raw_lines(stream, path), 1):
            if raw.startswith(BOM):  # where files were put together
                raw = raw.removeprefix(BOM)
                if repaired is not None:
                    repaired[MARKED] += 1
            try:
                yield number, raw.decode("utf-8")
                continue
            except UnicodeDecodeError as error:
                fault = error
            text = _joined_halves(raw, repaired)
            if text is not None and (keep_halves or not _HALF.search(text)):
                yield number, text
            elif text is not None:
                report(half_problem(path, number, text), problems)
            else:
                report(cure.problem(number, fault), problems)
    except _NotText as not_text:
        report(not_text.problem, problems)
    except (EOFError, OSError, zlib.error) as error:
        cut = f"the gzip stream is damaged or cut short after line {number:,} ({error})"
        report(Problem(path, number + 1, "gzip-cut", cut, "Copy the file again."), problems)


class _NotText(Exception):
    def __init__(self, problem: Problem):
        self.problem = problem
        super().__init__(str(problem))


def _raw_lines(stream: BinaryIO, path: Path) -> Iterator[bytes]:
    parts: list[bytes] = []  # of the line that goes on
    size = 0
    for chunk in _chunks(stream, path):
        first, *others = chunk.split(b"\n")
        parts.append(first)
        size = len(others[-1]) if others else size + len(first)
        if size > MAX_LINE:
            message = f"a line has more than {MAX_LINE:,} bytes"
            raise _NotText(Problem(path, None, "too-large", message, "One record a line is expected."))
        if others:
            yield b"".join(parts).strip(b"\r")
            for line in others[:-1]:
                yield line.strip(b"\r")
            parts = others[-1:]
    if last := b"".join(parts).strip(b"\r"):
        yield last


def _chunks(stream: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file without its byte order mark, and LF for its own line ends."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    chunk = read(_CHUNK)
    while len(chunk) < _CHUNK and b"\n" not in chunk and (more := read(_CHUNK)):
        chunk += more
    _refuse_other(chunk, path)
    chunk = chunk.removeprefix(BOM)
    end = _own_end(chunk)
    while chunk:
        if not end:
            yield chunk
            chunk = read(_CHUNK)
            continue
        following = read(_CHUNK)
        begun = end if end == b"\r" else end[:-1]
        half = next((n for n in range(len(begun), 0, -1) if following and chunk.endswith(begun[:n])), 0)
        if half:  # of a CRLF, or of a character
            chunk, following = chunk[:-half], chunk[-half:] + following
        yield (chunk.replace(b"\r\n", b"\n") if end == b"\r" else chunk).replace(end, b"\n")
        chunk = following


def _own_end(chunk: bytes) -> bytes:
    """Return what ends the lines of a file beside LF, by its beginning; nothing where LF does, or nobody knows."""
    alone = chunk.count(b"\r") - chunk.count(b"\r\n")
    ends = chunk.count(b"\n")
    if alone > (_FEW * ends if ends > 1 else ends) and b"\r" in chunk[:-1]:
        return b"\r"
    if b"\n" in chunk:
        return b""
    is_json = chunk.lstrip()[:1] in (b"{", b"[")  # whose strings may hold the sign
    return next(
        (end for end in _OTHER_ENDS if (b"}" + end + b"{" in chunk if is_json else chunk.count(end) > 1)), b""
    )


def _split(raw: bytes) -> list[bytes]:
    return [line.strip(b"\r") for line in raw.replace(_own_end(raw) or b"\n", b"\n").split(b"\n")]


def _refuse_other(head: bytes, path: Path) -> None:
    """Raise what a file is that is not UTF-8 text, with the command that makes it so."""
    if archive := archive_problem(head, path):
        raise _NotText(archive)
    encoding = next((name for mark, name in _WIDE if head.startswith(mark)), None)
    if encoding is None and not head.startswith(BOM) and 20 * head.count(0) > len(head) > 15:
        even, odd = head[::2].count(0), head[1::2].count(0)
        ends, wide = head.count(b"\n"), head.count(b"\n\0" if odd else b"\0\n")  # else text with a NUL in it
        if not (even and odd) and 2 * wide >= ends:
            encoding = "UTF-16LE" if odd else "UTF-16BE"  # without its mark
    if encoding:
        message = f"the file is {encoding}, UTF-8 was expected"
        raise _NotText(Problem(path, 1, "not-utf8", message, _iconv(path, encoding)))


def is_packed(path: Path) -> bool:
    """Whether a file is compressed in a way that is not seen through."""
    with open_binary(path) as stream:
        try:
            head = stream.read(8)
        except (EOFError, OSError, zlib.error):
            return False
    return any(head.startswith(magic) for magic, at, *_ in _ARCHIVES if at == 0 and magic != ZIP)


def archive_problem(head: bytes, path: Path) -> Problem | None:
    """Return the problem of a file that begins as an archive, with the command that unpacks it; None for others."""
    for magic, at, what, unpack in _ARCHIVES:
        if head[at : at + len(magic)] == magic:
            cure = advice.run(*unpack, path)
            return Problem(path, None, "archive", f"the file is {what}, text was expected", cure)
    return None


def _iconv(path: Path, encoding: str) -> str:
    out = advice.beside(path, "utf8")
    if path.name.endswith(".gz"):
        return advice.run("gzip", "-dc", path, "|", "iconv", "-f", encoding, "-t", "UTF-8", ">", out)
    return advice.run("iconv", "-f", encoding, "-t", "UTF-8", path, ">", out)


def piped(path: Path, program: str, mark: str = "utf8", *, ending: str | None = None) -> str:
    """Return the advice to send a file through a line of Python, into a file beside it with `mark` in its name."""
    out = advice.beside(path, mark, ending=ending)
    if path.name.endswith(".gz"):
        return advice.run("gzip", "-dc", path, "|", "python3", "-c", program, ">", out)
    return advice.run("python3", "-c", program, "<", path, ">", out)


def _joined_halves(raw: bytes, repaired: Counter[str] | None) -> str | None:
    """Return the text of a line of CESU-8, where two halves make one character; None for what is not."""
    try:
        halves = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return join_halves(halves, repaired)


def join_halves(text: str, repaired: Counter[str] | None) -> str:
    """Return the text with every two halves of one character joined, lone ones left as they are."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    if repaired is not None and len(joined) < len(text):
        repaired[JOINED] += len(text) - len(joined)
    return joined


def has_half(text: str) -> bool:
    """Whether half a character stands alone in a text."""
    return _HALF.search(text) is not None


def half_problem(path: Path, number: int, text: str) -> Problem:
    """Return the problem of a line with half a character whose other half is not beside it."""
    half = _HALF.search(text)
    code = f"U+{ord(half[0]):04X}" if half else ""
    message = f"the line holds half a character ({code}, a surrogate), the other half is not beside it"
    cure = f"Only such bytes change, into U+FFFD. {piped(path, _BY_REPLACEMENT)}"
    return Problem(path, number, "half-character", message, cure)


class _Cure:
    """Tells what a line is that is not UTF-8, by what the rest of the file is; reads the file once, if ever."""

    def __init__(self, path: Path):
        self.path = path
        self._advice = ""

    def problem(self, number: int, error: UnicodeDecodeError) -> Problem:
        self._advice = self._advice or self._find()
        byte = error.object[error.start]
        message = f"byte {error.start + 1:,} of the line (0x{byte:02X}) is not UTF-8"
        return Problem(self.path, number, "not-utf8", message, self._advice)

    def _find(self) -> str:
        proper = 0
        sample: list[bytes] = []
        try:
            with open_binary(self.path) as stream:
                for raw in _raw_lines(stream, self.path):
                    if raw.isascii():
                        continue
                    try:
                        raw.decode("utf-8")
                        proper += 1
                    except UnicodeDecodeError:
                        if len(sample) < 1000:
                            sample.append(raw)
        except (DataError, EOFError, OSError, zlib.error):
            pass
        if proper:
            count = f"{proper:,} other {'line is' if proper == 1 else 'lines are'}"
            advised = piped(self.path, _BY_WINDOWS_1252)
            return f"{count} UTF-8 beyond ASCII and must stay so; what is not may be WINDOWS-1252. {advised}"
        if encoding := likely_encoding(sample, lang_of(self.path)):
            guess = f"It may be {encoding}; put another encoding that it was written in"
            return f"{guess}. {_iconv(self.path, encoding)}"
        return "Write it again as UTF-8."
