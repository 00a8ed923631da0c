"""Which formats mere reads, how to tell which one a file has, and one way to read any of them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from mere.data.formats import conll, files, jsonl, smiler
from mere.data.formats.problems import Problem
from mere.errors import DataError
from mere.types import Sentence


class Format(Enum):
    """A corpus file format; the value is what `--format` takes."""

    JSONL = "jsonl"
    SMILER = "smiler"
    CONLL = "conll"

    @property
    def ending(self) -> str:
        """The ending that files of the format are given."""
        return {"jsonl": ".jsonl", "smiler": ".tsv", "conll": ".conll"}[self.value]


SUFFIXES = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".tsv": Format.SMILER,
    ".conll": Format.CONLL,
    ".bio": Format.CONLL,
    ".iob": Format.CONLL,
    ".iob2": Format.CONLL,
}


def by_suffix(path: Path) -> Format | None:
    """Return the format that a file's name promises, seen through `.gz`, or None."""
    return SUFFIXES.get(Path(path.name.removesuffix(".gz")).suffix)


def sniff(path: Path | str) -> Format:
    """Return the format of a file: by its ending, else by its first line.

    Raises:
        DataError: the file cannot be opened, or is in no format that mere reads.
    """
    path = Path(path)
    known = by_suffix(path)
    if known is not None:
        return known
    first = next((line for _, _, line in files.numbered_lines(path)), "")
    if first.lstrip().startswith("{"):
        return Format.JSONL
    if conll.looks_like(first):
        return Format.CONLL
    if first.count("\t") >= smiler.NUM_REQUIRED - 1:
        return Format.SMILER
    if first.lstrip().startswith("["):
        cure = f"Run: jq -c '.[]' {path.name} > {files.stem(path)}.jsonl"
        raise DataError(f"{path}:1: a JSON array; one JSON object a line was expected. {cure}")
    raise DataError(
        f"{path}: not a format that mere reads ({', '.join(kind.value for kind in Format)}). "
        "Give JSON lines the ending .jsonl, SMiLER files .tsv, CoNLL columns .conll."
    )


def read(
    path: Path, format: Format, problems: list[Problem], repairs: smiler.Repairs | None = None
) -> Iterator[Sentence]:
    """Yield the sentences of a file of a known format, noting what is wrong in `problems`."""
    if format is Format.JSONL:
        return jsonl.read(path, problems)
    if format is Format.CONLL:
        return conll.read(path, problems)
    return smiler.read(path, problems, repairs=repairs)
