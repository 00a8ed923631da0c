"""The files of a corpus: what lies under the paths a user gives, each file once, and what was passed over."""

from __future__ import annotations

import gzip
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

from mere.errors import DataError
from mere.inference.io import unmarked

Kind = Literal["text", "jsonl", "parquet"]
PLAN = "_plan.json"
"""A folder that holds this file is the output of a corpus run, and no input of another."""

_KINDS: dict[str, Kind] = {".txt": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a corpus, as it was when the plan was made.

    Args:
        name: as the user gave it; documents without an id of their own are named after it ("notes.txt:12").
        path: where it is, from the root of the file system.
        size: in bytes.
        modified_ns: when it was last written.
    """

    name: str
    path: str
    kind: Kind
    size: int
    modified_ns: int

    @property
    def packed(self) -> bool:
        """Whether it is a gzip file, which can be read from its start only."""
        return self.path.endswith(".gz")

    def open(self) -> IO[bytes]:
        """Return its bytes, unpacked.

        Raises:
            DataError: it is gone, or not the file of the plan any more.
        """
        self.check()
        return cast("IO[bytes]", gzip.open(self.path)) if self.packed else open(self.path, "rb")

    def check(self) -> None:
        """Refuse a file that has changed since the plan was made: its rows would not be those that were counted.

        Raises:
            DataError: it has, or it is gone.
        """
        try:
            status = os.stat(self.path)
        except FileNotFoundError:
            raise DataError(f"{self.name}: was there when the run began, and is gone. Put it back.") from None
        if (status.st_size, status.st_mtime_ns) != (self.size, self.modified_ns):
            raise DataError(
                f"{self.name}: has changed since the run began. "
                "Put the old file back, or begin again with another --out."
            )


def find_files(
    sources: Sequence[str], kind: Literal["auto", "text", "jsonl"], out: Path
) -> tuple[list[InputFile], list[str]]:
    """Return the files under `sources`, in order of the sources and of names within a folder, and notes.

    A file that is named is read whatever its ending; in folders the ending decides, and what it does not tell
    is passed over with a note. A file that two paths lead to is read once; a link back to a folder that is
    being read is not followed.

    Raises:
        DataError: no such file, one that cannot be read, UTF-16, or nothing at all.
    """
    files: dict[tuple[int, int], InputFile] = {}
    passed_over: Counter[str] = Counter()
    notes: list[str] = []
    for source in sources:
        path = Path(source)
        if not path.exists():
            raise DataError(
                f"{source}: no such file or folder. A corpus run reads files, not standard input."
            )
        for file in _walk(path, out, notes) if path.is_dir() else [path]:
            found = _kind(file, kind)
            if found is None and path.is_dir():
                passed_over[_ending(file)] += 1
                continue
            status = file.stat()
            key = (status.st_dev, status.st_ino)
            if key in files:
                notes.append(f"{file}: is the same file as {files[key].name}; read once")
                continue
            own = found or ("text" if kind == "auto" else kind)
            _check_start(file, own)
            files[key] = InputFile(str(file), str(file.absolute()), own, status.st_size, status.st_mtime_ns)
    if passed_over:
        endings = ", ".join(f"{count:,} {ending}" for ending, count in sorted(passed_over.items()))
        notes.append(f"passed over, by their endings: {endings}. To read one, name the file itself")
    if not files:
        told = "".join(f" {note}." for note in notes)
        raise DataError(
            f"{', '.join(sources)}: no file to read; in folders mere looks for "
            f".txt, .jsonl, .ndjson (also .gz) and .parquet.{told}"
        )
    return list(files.values()), notes


def _walk(root: Path, out: Path, notes: list[str]) -> Iterator[Path]:
    """Yield the files under a folder in order of their names; links are followed, but never in a circle."""

    def inside(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
        real = folder.resolve()
        if real in above:
            notes.append(f"{folder}: links back to {real}; not followed")
        elif real == out.resolve() or (folder / PLAN).is_file():
            notes.append(f"{folder}: is the output of a corpus run; passed over")
        else:
            try:
                entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
            except OSError as error:
                raise DataError(
                    f"{folder}: cannot be read ({error.strerror}). Check its permissions."
                ) from error
            for entry in entries:
                if entry.is_dir():
                    yield from inside(entry, above | {real})
                elif entry.exists():
                    yield entry
                else:
                    notes.append(f"{entry}: links to nothing; passed over")

    yield from inside(root, frozenset())


def _ending(file: Path) -> str:
    if file.name.startswith((".", "_")):
        return "hidden"
    return "".join(file.suffixes[-2:]) if file.suffix == ".gz" else file.suffix or "without an ending"


def _kind(file: Path, wanted: Literal["auto", "text", "jsonl"]) -> Kind | None:
    """Return what a file is by its name, or None; hidden files (`.x`, `_x`) are none."""
    if file.name.startswith((".", "_")):
        return None
    known = _KINDS.get(Path(file.name.removesuffix(".gz")).suffix)
    if known == "parquet":
        return None if file.suffix == ".gz" else known
    return known if known is None or wanted == "auto" else wanted


def _check_start(file: Path, kind: Kind) -> None:
    """Refuse, before any work is done, a file that cannot be opened or that is UTF-16."""
    try:
        with open(file, "rb") as stream:
            start = stream.read(512)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}). Check its permissions.") from error
    if kind != "parquet":
        unmarked(start, str(file))
