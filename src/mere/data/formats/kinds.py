"""Which formats mere reads and writes: one table; how to tell which one a file has; one way to read any of them.

A format is one file in this folder with `looks_like`, `read` and `write`, a name in `reading.Format`, and a row
of `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

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
from mere.data.formats.lines import Head, head_of
from mere.data.formats.problems import Problem
from mere.data.formats.reading import AS_THEY_ARE, Format, Reading
from mere.data.formats.records import Reader
from mere.data.formats.tally import Tally, Written
from mere.errors import DataError, UserError
from mere.types import Sentence


class Kind(NamedTuple):
    """One format.

    Args:
        endings: what its files' names end in; the first is what mere gives them.
        looks_like: whether the beginning of a file is that of this format, whatever its name ends in.
        read: the reader.
        write: the writer, or None where there is none.
        takes: the fields of `Reading` that say something about it, beside `format`.
        companions: endings of files that belong to one of this format and are no corpus files themselves.
        is_document: whether a file is one document: they are written into a folder, and those of a folder are
            read as one corpus, which the folder's name tells split and language of.
    """

    endings: tuple[str, ...]
    looks_like: Callable[[Head], bool]
    read: Reader
    write: Callable[[Iterable[Sentence], Path], Written] | None
    takes: frozenset[str] = frozenset({"lang"})
    companions: tuple[str, ...] = ()
    is_document: bool = False


COLUMNS = frozenset({"lang", "column", "token_column", "scheme", "outside"})

# The first that a file looks like is its format, so the particular stand before the general.
KINDS: dict[Format, Kind] = {
    Format.LABEL_STUDIO: Kind((".json",), label_studio.looks_like, label_studio.read, label_studio.write),
    Format.UIMA_JSON: Kind(
        (".json",), uima_json.looks_like, uima_json.read, uima_json.write, is_document=True
    ),
    Format.UIMA_XMI: Kind(
        (".xmi", ".zip"), uima_xmi.looks_like, uima_xmi.read, uima_xmi.write, is_document=True
    ),
    Format.BRAT: Kind(
        (".ann",), brat.looks_like, brat.read, brat.write, companions=(".txt", ".conf"), is_document=True
    ),
    Format.WEBANNO: Kind((".tsv",), webanno.looks_like, webanno.read, webanno.write),
    Format.DOCCANO: Kind((".jsonl",), doccano.looks_like, doccano.read, doccano.write),
    Format.HF_JSONL: Kind((".jsonl",), hf_jsonl.looks_like, hf_jsonl.read, hf_jsonl.write, hf_jsonl.TAKES),
    Format.HF_PARQUET: Kind(
        (".parquet",), hf_parquet.looks_like, hf_parquet.read, hf_parquet.write, hf_parquet.TAKES
    ),
    Format.SPACY: Kind((".spacy",), spacy_docbin.looks_like, spacy_docbin.read, spacy_docbin.write),
    Format.PRODIGY: Kind((".jsonl",), prodigy.looks_like, prodigy.read, prodigy.write),
    Format.JSONL: Kind(
        (".jsonl", ".ndjson"), jsonl.looks_like, jsonl.read, jsonl.write, frozenset({"lang", "offsets"})
    ),
    Format.SMILER: Kind((".tsv",), smiler.looks_like, smiler.read, smiler.write),
    Format.CONLL: Kind(
        (".conll", ".bio", ".iob", ".iob2", ".conllu"), conll.looks_like, conll.read, conll.write, COLUMNS
    ),
    Format.CSV: Kind(
        (".csv", ".tsv"), table_csv.looks_like, table_csv.read, table_csv.write, table_csv.TAKES
    ),
    Format.TEXT: Kind((".txt",), plain_text.looks_like, plain_text.read, plain_text.write),
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
    head = head_of(path)
    return next((format for format, kind in KINDS.items() if kind.looks_like(head)), None)


def sniff(path: Path | str) -> Format:
    """Return the format of a file: the one that it looks like, else the one that its name promises.

    Raises:
        DataError: the file cannot be opened, or is in no format that mere reads.
    """
    path = Path(path)
    head = head_of(path)
    shown = next((format for format, kind in KINDS.items() if kind.looks_like(head)), None) or by_suffix(path)
    if shown is not None:
        return shown
    if head.lines and head.lines[0].lstrip().startswith("["):
        cure = advice.run("jq", "-c", ".[]", path, ">", advice.beside(path, "", ending=".jsonl"))
        raise DataError(f"{path}:1: a JSON array; one JSON object a line was expected. {cure}")
    raise DataError(
        f"{path}: not a format that mere reads ({', '.join(kind.value for kind in Format)}). "
        "Say what it is with --from, or write it as JSON lines."
    )


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
    return KINDS[format].read(path, problems, reading, tally)


__all__ = ["KINDS", "Format", "Kind", "Reader", "by_suffix", "files", "looks_like", "read", "sniff"]
