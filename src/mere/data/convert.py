"""Corpus files from one format to another, one by one, with a count of all that was mended or lost.

for done in convert("ner", "ner-jsonl"):   # ner/de/train.bio.gz -> ner-jsonl/de/train.jsonl.gz
    print(done.target, done.sentences, done.repaired, done.left_out, done.lost)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mere.data.corpus import CorpusFile, corpus_files, empty_file
from mere.data.formats import Format, Problem, conll, files, jsonl, kinds, smiler
from mere.data.formats.problems import raise_errors
from mere.data.formats.schemes import Scheme
from mere.errors import UserError
from mere.types import Sentence


@dataclass(frozen=True)
class Converted:
    """One file written.

    Args:
        source: the file read.
        target: the file written.
        sentences: how many sentences were read and written.
        repaired: what was mended on reading, by kind.
        left_out: sentences or rows that were not written, by reason.
        lost: what the written file no longer says, by kind.
        replaced: whether there was a file of that name before.
    """

    source: Path
    target: Path
    sentences: int
    repaired: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    replaced: bool = False


def convert(
    source: Path | str,
    out: Path | str,
    *,
    to: Format | None = None,
    format: Format | None = None,
    scheme: Scheme | None = None,
    tag_column: int | None = None,
    lang: str | None = None,
) -> Iterator[Converted]:
    """Convert a file, or every corpus file of a folder, and yield what became of each as it is written.

    A file with an error is not written; the others are, and then the errors are raised.

    Args:
        source: a file, or a folder as `Corpus.load` takes it.
        out: the file to write, or the folder that gets the same layout with other endings.
        to: the format to write. None: what the ending of `out` says, else JSON lines.
        format: the format of the input; needed where a single file's ending says nothing. In a folder, only
            files of this format are taken.
        scheme: how CoNLL tags are read (`conll.read`): None takes IOB2 and nothing else.
        tag_column: the column of CoNLL tags, from 1. None: the last.
        lang: the language of CoNLL and SMiLER files, in place of what their names say.

    Raises:
        DataError: there is nothing to read, or a file has errors (one message lists the first ten).
        UserError: the options do not fit the files, or a file would be written over its source.
    """
    source, out = Path(source), Path(out)
    found = corpus_files(source, format)
    pairs = _pairs(source, out, found, to or kinds.by_suffix(out) or Format.JSONL)
    kinds_found = {file.format for file in found}
    if (scheme or tag_column) and Format.CONLL not in kinds_found:
        what = "--scheme" if scheme else "--column"
        raise UserError(
            f"{what} says how CoNLL tags are read; {source} is {_names(kinds_found)}. Leave it out."
        )
    if lang and Format.JSONL in kinds_found:
        raise UserError(
            f"--lang is for files that state no language; in {source} every line does. Leave it out."
        )
    return _convert(source, pairs, scheme, tag_column, lang)


def _names(formats: set[Format]) -> str:
    return " and ".join(sorted(format.value for format in formats))


def _pairs(
    source: Path, out: Path, found: list[CorpusFile], to: Format
) -> list[tuple[CorpusFile, Path, Format]]:
    """Return each file with the file to write and its format."""
    pairs: list[tuple[CorpusFile, Path, Format]] = []
    takes: dict[Path, Path] = {}
    for file in found:
        inner = file.path.relative_to(source) if source.is_dir() else Path(file.path.name)
        zipped = ".gz" if inner.name.endswith(".gz") else ""
        target = out / inner.with_name(files.stem(inner) + to.ending + zipped)
        if not source.is_dir() and not out.is_dir():
            target = out
        if target.exists() and target.samefile(file.path):
            raise UserError(f"{target}: would be written over the file it is read from. Name another OUT.")
        if target in takes:
            both = f"{takes[target]} and {file.path}"
            raise UserError(f"{both} would both be written to {target}. Take one format: --from FORMAT")
        takes[target] = file.path
        pairs.append((file, target, to))
    return pairs


def _convert(
    source: Path,
    pairs: list[tuple[CorpusFile, Path, Format]],
    scheme: Scheme | None,
    tag_column: int | None,
    lang: str | None,
) -> Iterator[Converted]:
    errors: list[Problem] = []
    for file, target, to in pairs:
        problems: list[Problem] = []
        done = Converted(file.path, target, 0, replaced=target.exists())
        sentences = list(_read(file, problems, done, scheme, tag_column, lang))
        if not sentences and not problems:
            problems.append(empty_file(file.path))
        wrong = [problem for problem in problems if problem.severity == "error"]
        errors += wrong
        if not wrong:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield _write(sentences, target, to, done)
    raise_errors(errors, _cure(errors, source))


def _cure(errors: list[Problem], source: Path) -> str:
    if len(errors) == 1:
        return "Nothing was written for this file."
    return f"Nothing was written for files with errors. Run: mere check {source}"


def _read(
    file: CorpusFile,
    problems: list[Problem],
    done: Converted,
    scheme: Scheme | None,
    tag_column: int | None,
    lang: str | None,
) -> Iterator[Sentence]:
    if file.format is Format.CONLL:
        mended = conll.Repairs(repaired=done.repaired, unread=done.lost)
        yield from conll.read(
            file.path, problems, lang=lang, scheme=scheme, tag_column=tag_column, repairs=mended
        )
    elif file.format is Format.SMILER:
        rows = smiler.Repairs(repaired=done.repaired)
        yield from smiler.read(file.path, problems, lang=lang, repairs=rows)
        done.left_out.update(f"row refused: {problem.code}" for problem in rows.refused)
    else:
        yield from jsonl.read(file.path, problems)
        done.lost.update(problem.message for problem in problems if problem.severity == "warning")


def _write(sentences: list[Sentence], target: Path, to: Format, done: Converted) -> Converted:
    count = len(sentences)
    if to is Format.JSONL:
        jsonl.write(sentences, target)
    elif to is Format.SMILER:
        rows = smiler.write(sentences, target)
        done.left_out.update(rows.left_out)
        done.lost.update(rows.lost)
        count -= rows.left_out.total()
    else:
        written = conll.write(sentences, target)
        done.left_out.update(written.left_out)
        done.lost.update(written.lost)
        other = sum(sentence.lang != files.lang_of(target) for sentence in sentences)
        done.lost["sentences whose language the file's name does not say"] += other
        count = written.sentences
    return Converted(
        done.source, target, count, +done.repaired, +done.left_out, +done.lost, replaced=done.replaced
    )
