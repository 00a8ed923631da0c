"""Which formats mere reads and writes: one table; how to tell which one a file has; one way to read any of them.

A format is one file in this folder with `looks_like`, `read` and `write`, a name in `reading.Format`, and a row
of `KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from mere import advice
from mere.data.formats import (
    brat,
    conll,
    doccano,
    files,
    hf_jsonl,
    hf_parquet,
    jsonl,
    label_studio,
    plain_text,
    prodigy,
    smiler,
    spacy_docbin,
    table_csv,
    uima_json,
    uima_xmi,
    webanno,
)
from mere.data.formats.holds import Holds
from mere.data.formats.lines import ZIP, Head, archive_problem, head_of
from mere.data.formats.problems import Problem
from mere.data.formats.reading import AS_THEY_ARE, Format, Reading
from mere.data.formats.records import Reader, Writer
from mere.data.formats.tally import Tally
from mere.errors import DataError, UserError
from mere.types import Sentence

_PAIR = re.compile(
    r'\s*\[\s*"(?:[^"\\]|\\.)*"\s*,\s*\{'
)  # a text and its annotations, as spaCy 2 was trained with
_ARRAY = re.compile(r'\s*\[\s*(?:[\[{"\]\d]|$)')
_IN_AN_ARRAY = re.compile(rf"\s*\[{_PAIR.pattern}")


class Module(Protocol):
    """A file of this folder that is a format; its docstring says what the format is."""

    @property
    def HOLDS(self) -> Holds: ...

    @property
    def looks_like(self) -> Callable[[Head], bool]:
        """Whether the beginning of a file is that of this format, whatever its name ends in."""

    @property
    def read(self) -> Reader: ...

    @property
    def write(self) -> Writer: ...


class Kind(NamedTuple):
    """One format.

    Args:
        module: what reads and writes it.
        endings: what its files' names end in; the first is what mere gives them.
        takes: the fields of `Reading` that say something about it, beside `format`.
        companions: endings of files that belong to one of this format and are no corpus files themselves.
        is_document: whether a file is one document: they are written into a folder, and those of a folder are
            read as one corpus, which the folder's name tells split and language of.
    """

    module: Module
    endings: tuple[str, ...]
    takes: frozenset[str] = frozenset({"lang"})
    companions: tuple[str, ...] = ()
    is_document: bool = False


WITH_OFFSETS = frozenset({"lang", "offsets"})
COLUMNS = frozenset({"lang", "column", "token_column", "scheme", "outside", "tag_names"})

# The first that a file looks like is its format, so the particular stand before the general.
KINDS: dict[Format, Kind] = {
    Format.LABEL_STUDIO: Kind(label_studio, (".json",)),
    Format.UIMA_JSON: Kind(uima_json, (".json",), is_document=True),
    Format.UIMA_XMI: Kind(uima_xmi, (".xmi", ".zip"), is_document=True),
    Format.BRAT: Kind(brat, (".ann",), companions=(".txt", ".conf"), is_document=True),
    Format.WEBANNO: Kind(webanno, (".tsv",)),
    Format.DOCCANO: Kind(doccano, (".jsonl",), WITH_OFFSETS),
    Format.HF_JSONL: Kind(hf_jsonl, (".jsonl",), hf_jsonl.TAKES),
    Format.HF_PARQUET: Kind(hf_parquet, (".parquet",), hf_parquet.TAKES),
    Format.SPACY: Kind(spacy_docbin, (".spacy",)),
    Format.PRODIGY: Kind(prodigy, (".jsonl",), WITH_OFFSETS),
    Format.JSONL: Kind(jsonl, (".jsonl", ".ndjson"), WITH_OFFSETS),
    Format.SMILER: Kind(smiler, (".tsv",)),
    Format.CONLL: Kind(conll, (".conll", ".bio", ".iob", ".iob2", ".conllu"), COLUMNS),
    Format.CSV: Kind(table_csv, (".csv", ".tsv"), table_csv.TAKES),
    Format.TEXT: Kind(plain_text, (".txt",)),
}


# Where several formats have an ending, it promises the one that is mere's own; the others are seen by their contents.
_BY_ENDING = {ending: format for format, kind in KINDS.items() for ending in kind.endings} | {
    ending: format
    for format in (Format.JSONL, Format.SMILER, Format.LABEL_STUDIO)
    for ending in KINDS[format].endings
}


def by_suffix(path: Path) -> Format | None:
    """Return the format that a file's name promises, seen through `.gz`, or None."""
    return _BY_ENDING.get(Path(path.name.removesuffix(".gz")).suffix)


def looks_like(path: Path) -> Format | None:
    """Return the format that the beginning of a file shows, or None.

    Raises:
        DataError: the file cannot be opened.
    """
    return _shown(head_of(path))


def _shown(head: Head) -> Format | None:
    if archive_problem(head.raw, head.path):
        is_xmi = head.raw.startswith(ZIP) and KINDS[Format.UIMA_XMI].module.looks_like(head)
        return Format.UIMA_XMI if is_xmi else None
    return next((format for format, kind in KINDS.items() if kind.module.looks_like(head)), None)


def sniff(path: Path | str) -> Format:
    """Return the format of a file: the one that it looks like, else the one that its name promises.

    Raises:
        DataError: the file cannot be opened, or is in no format that mere reads.
    """
    path = Path(path)
    head = head_of(path)
    shown = _shown(head)
    if shown is None and (archive := archive_problem(head.raw, path)):
        raise DataError(str(archive))
    is_array = bool(head.lines) and _ARRAY.match(head.lines[0]) is not None
    if shown is None and not is_array:
        shown = by_suffix(path)
    if shown is not None:
        return shown
    if is_array:
        raise DataError(f"{path}:1: a JSON array; one JSON object a line was expected. {_objects(head)}")
    raise DataError(
        f"{path}: not a format that mere reads ({', '.join(kind.value for kind in Format)}). "
        "Say what it is with --from, or write it as JSON lines."
    )


def _objects(head: Head) -> str:
    """Return the advice to write what an array holds, or an array on every line, as an object a line."""
    several = len(head.lines) > 1 and head.lines[1].lstrip().startswith("[")
    first = _PAIR if several else _IN_AN_ARRAY
    program = "." if several else ".[]"
    if first.match("".join(head.lines)):
        program += ' | {"text": .[0]} + .[1]'
    out = advice.beside(head.path, "lines" if ".jsonl" in head.path.name else "", ending=".jsonl")
    if head.path.name.endswith(".gz"):
        return advice.run("gzip", "-dc", head.path, "|", "jq", "-c", program, ">", out)
    return advice.run("jq", "-c", program, head.path, ">", out)


def refuse_unfit(reading: Reading, paths: Sequence[Path | str], formats: set[Format]) -> None:
    """Refuse options that say nothing about any of the formats that the paths hold.

    Raises:
        UserError: there is one.
    """
    takes = frozenset[str]().union(*(KINDS[format].takes for format in formats))
    for name in ("scheme", "column", "token_column", "outside", "tag_names", "offsets", "lang"):
        if getattr(reading, name) and name not in takes:
            option = f"--{name.replace('_', '-')}"
            what = " and ".join(sorted(format.value for format in formats))
            where = " ".join(map(str, paths))
            raise UserError(f"{option} says nothing about {what}, which {where} is. Leave it out.")


def read(
    path: Path,
    format: Format,
    problems: list[Problem] | None = None,
    reading: Reading = AS_THEY_ARE,
    tally: Tally | None = None,
) -> Iterator[Sentence]:
    """Yield the sentences of a file of a known format, noting what is wrong in `problems`."""
    return KINDS[format].module.read(path, problems, reading, tally)


__all__ = ["KINDS", "Format", "Kind", "Reader", "by_suffix", "files", "looks_like", "read", "sniff"]
