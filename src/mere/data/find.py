"""The corpus files under a path: what is read, and what looks like a corpus file and is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mere.data.formats import Format, Problem, files, kinds, sniff
from mere.data.formats.lines import is_packed
from mere.errors import DataError

_BY_NAME = frozenset(
    (".jsonl", ".ndjson", ".tsv", ".conll", ".conllu", ".bio", ".iob", ".iob2", ".ann", ".xmi")
)  # endings that no other kind of file has
_DATA = frozenset(
    (".txt", ".csv", ".json", ".xml", ".parquet", ".zip", ".tar", ".xlsx", ".dat", ".data", ".bz2", ".xz")
)
_OTHER = (
    ".md", ".rst", ".yaml", ".yml", ".toml", ".py", ".sh", ".html", ".pdf", ".png", ".svg", ".log", ".lock", ".sha256",
)  # fmt: skip
_OTHER_NAMES = (
    "readme", "licen", "changelog", "copying", "makefile", "notice", "citation", "typesystem", "dataset_info",
)  # fmt: skip


class CorpusFile(NamedTuple):
    """One file of a corpus and the split that its name states."""

    path: Path
    format: Format
    split: str


class Found(NamedTuple):
    """What is under a path.

    Args:
        files: the files that are read, in order of their names.
        passed: warnings on files that look like a corpus's and are not read, or are read twice under two names.
    """

    files: list[CorpusFile]
    passed: list[Problem]


def find_files(path: Path | str, format: Format | None = None) -> Found:
    """Return the corpus files under a path.

    A folder, and the folders in it, hold files named `<lang>.<split>.<ending>` or `<lang>/<split>.<ending>`, plain
    or gzip. A file whose ending is no corpus's is read where it shows a format and its name states a split or a
    language. A single file may have any name; its split is "train" where the name states none.

    Args:
        path: a folder or a file.
        format: take only files of this format, and trust a single file to be of it.

    Raises:
        DataError: nothing there, or nothing that mere reads; names what was passed over.
    """
    path = Path(path)
    if not path.exists():
        raise files.not_found(path)
    if not path.is_dir():
        return Found([_corpus_file(path, format or sniff(path))], [])
    found = Found([], [])
    seen: dict[tuple[int, int], Path] = {}
    for entry in _entries(path, found.passed):
        stat = entry.stat()
        first = seen.setdefault((stat.st_dev, stat.st_ino), entry)
        if first != entry:
            found.passed.append(_passed(entry, f"is the same file as {first}"))
        else:
            _take(entry, format, found)
    _note_same_names(found)
    if not found.files:
        raise _nothing(path, found.passed)
    return found


def _entries(path: Path, passed: list[Problem]) -> Iterator[Path]:
    """Yield the files of a folder and of the folders in it, by name; those further down are passed over."""
    visited = {path.resolve()}
    entries = []
    for entry in path.iterdir():
        if entry.name.startswith("."):
            continue
        if not entry.is_dir():
            entries.append(entry)
            continue
        if entry.resolve() in visited or path.resolve().is_relative_to(entry.resolve()):
            passed.append(_passed(entry, "is a link to a folder that is read already"))
            continue
        visited.add(entry.resolve())
        for inner in entry.iterdir():
            if not inner.name.startswith(".") and not inner.is_dir():
                entries.append(inner)
            elif inner.is_dir() and any(kinds.by_suffix(deep) for deep in inner.iterdir()):
                passed.append(_passed(inner, "is a folder further down. Name it to read it"))
    yield from (entry for entry in sorted(entries, key=lambda entry: entry.as_posix()) if entry.is_file())


def _take(entry: Path, format: Format | None, found: Found) -> None:
    """Add a file to those that are read, or to those that are passed over, or to neither."""
    ending = Path(entry.name.removesuffix(".gz")).suffix
    if _is_companion(entry, ending) or ending in _OTHER or entry.name.casefold().startswith(_OTHER_NAMES):
        return
    states = files.states_split(entry) or files.lang_of(entry) is not None
    if is_packed(entry):
        if entry.with_suffix("").exists():
            found.passed.append(_passed(entry, f"is packed, and {entry.stem} stands beside it"))
        elif states or kinds.by_suffix(entry.with_suffix("")):
            found.files.append(_corpus_file(entry, kinds.by_suffix(entry.with_suffix("")) or Format.JSONL))
        return
    shown, named = kinds.looks_like(entry), kinds.by_suffix(entry)
    fits = shown is not None and (states or ending in kinds.KINDS[shown].endings)
    kind = shown if fits else None
    if kind is None and ending in _BY_NAME:
        kind = shown or named
    if kind is None and format is not None and states:
        kind = format
    if kind is not None:
        if format in (None, kind):
            found.files.append(_corpus_file(entry, kind))
    elif shown is not None:
        cure = "Name it <lang>.<split> with any ending, such as de.train, or name the file itself"
        found.passed.append(_passed(entry, f"looks like {shown.value}, but its name states no split. {cure}"))
    elif ending in _DATA or ending == "":
        found.passed.append(_passed(entry, "shows no annotation that mere reads"))


def _is_companion(entry: Path, ending: str) -> bool:
    """Whether a file belongs to another, as a text does to its standoff annotation."""
    return any(
        ending in kind.companions and any(entry.with_suffix(own).exists() for own in kind.endings)
        for kind in kinds.KINDS.values()
    )


def _note_same_names(found: Found) -> None:
    """Warn of files that differ in their endings alone: most often one corpus in two formats."""
    by_stem: dict[Path, list[Path]] = {}
    for file in found.files:
        by_stem.setdefault(file.path.with_name(files.stem(file.path)), []).append(file.path)
    for paths in by_stem.values():
        for other in paths[1:]:
            message = f"has the name of {paths[0].name} but for its ending: both are read"
            cure = "If they hold the same sentences, take one away."
            found.passed.append(Problem(other, None, "same-name", message, cure, "warning"))


def _passed(path: Path, why: str) -> Problem:
    return Problem(path, None, "passed-over", f"not read: it {why}", "", "warning")


def _corpus_file(path: Path, format: Format) -> CorpusFile:
    """Return a file with its split: what its name states, or its folder's where a file is one document."""
    named = Path(f"{path.absolute().parent.name}.x") if kinds.KINDS[format].is_document else path
    return CorpusFile(path, format, files.split_of(named))


def _nothing(path: Path, passed: list[Problem]) -> DataError:
    endings = sorted({ending for kind in kinds.KINDS.values() for ending in kind.endings})
    expected = (
        f"Expected <lang>.<split>.jsonl or <lang>/<split>.jsonl, or another ending: {', '.join(endings)}"
    )
    told = "".join(f"\n  {problem.path}: {problem.message}" for problem in passed[:10])
    more = f"\n  … and {len(passed) - 10:,} more" if len(passed) > 10 else ""
    return DataError(f"{path}: no corpus files in this folder. {expected}.{told}{more}")
