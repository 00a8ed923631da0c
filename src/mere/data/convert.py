"""Corpus files from one format to another, one by one, with a count of all that was mended or lost.

for done in convert("ner", "ner-jsonl"):   # ner/de/train.bio.gz -> ner-jsonl/de/train.jsonl.gz
    print(done.target, done.sentences, done.repaired, done.left_out, done.lost)
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mere import advice
from mere.data.check.rows import MAX_CHARS
from mere.data.corpus import empty_file
from mere.data.find import CorpusFile, find_files
from mere.data.formats import Format, Problem, Reading, files, kinds
from mere.data.formats.problems import raise_errors
from mere.data.formats.reading import AS_THEY_ARE
from mere.data.formats.tally import Tally
from mere.data.split import Cutter, split_sentence
from mere.errors import UserError
from mere.types import Sentence


@dataclass(frozen=True)
class Converted:
    """One file written, or one folder of documents.

    Args:
        source: the file read, or the folder of documents.
        target: the file written, or the folder of documents.
        sentences: how many sentences were read and written.
        repaired: what was mended on reading, by kind.
        left_out: sentences or rows that were not written, by reason.
        lost: what the written file no longer says, by kind.
        replaced: whether there was a file of that name before.
        long: how many of the texts have more than 1,000 characters.
        langs: the languages of the sentences.
    """

    source: Path
    target: Path
    sentences: int
    repaired: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    replaced: bool = False
    long: int = 0
    langs: frozenset[str] = frozenset()


class _Job(NamedTuple):
    """What becomes one target: a file, or the documents of a folder."""

    source: Path
    files: list[CorpusFile]
    target: Path


def convert(
    source: Path | str,
    out: Path | str,
    *,
    to: Format | None = None,
    reading: Reading = AS_THEY_ARE,
    cut: Cutter | None = None,
) -> Iterator[Converted]:
    """Convert a file, or every corpus file of a folder, and yield what became of each as it is written.

    A file with an error is not written; the others are, and then the errors are raised. Where a format has a
    file for each document, the documents of a folder become one file, named after it, and a file becomes a
    folder of documents.

    Args:
        source: a file, or a folder as `Corpus.load` takes it.
        out: the file to write, or the folder that gets the same layout with other endings.
        to: the format to write. None: what the ending of `out` says, else JSON lines.
        reading: what the user says of the files; of a folder, only files of its `format` are taken.
        cut: what cuts a text of a language into sentences, each written by itself. None: texts stay whole.

    Raises:
        DataError: there is nothing to read, or a file has errors (one message lists the first ten).
        UserError: the options do not fit the files, or a file would be written over its source.
    """
    source, out = Path(source), Path(out)
    found, passed = find_files(source, reading.format)
    for problem in passed:
        warnings.warn(str(problem), stacklevel=2)
    format = to or kinds.by_suffix(out) or Format.JSONL
    jobs = _jobs(source, out, found, format)
    kinds.refuse_unfit(reading, [source], {file.format for file in found})
    return _convert(source, jobs, format, reading, cut)


def _jobs(source: Path, out: Path, found: list[CorpusFile], to: Format) -> list[_Job]:
    """Return what is read together, with the file or folder to write."""
    groups: dict[Path, list[CorpusFile]] = {}
    for file in found:
        together = source.is_dir() and kinds.KINDS[file.format].is_document
        groups.setdefault(file.path.parent if together else file.path, []).append(file)
    one_file = not out.is_dir() and kinds.by_suffix(out) is not None and source.is_dir()
    if one_file and len(groups) > 1:
        raise UserError(
            f"{out}: one file, but {source} gives {len(groups)}. Name a folder, such as {out.stem}."
        )
    jobs: list[_Job] = []
    takes: dict[Path, Path] = {}
    for path, files_ in groups.items():
        target = out if one_file else _target(source, out, path, to)
        if target.exists() and target.samefile(path):
            raise UserError(f"{target}: would be written over the file it is read from. Name another OUT.")
        if target in takes:
            both = f"{takes[target]} and {path}"
            raise UserError(f"{both} would both be written to {target}. Take one format: --from FORMAT")
        takes[target] = path
        jobs.append(_Job(path, files_, target))
    return jobs


def _target(source: Path, out: Path, path: Path, to: Format) -> Path:
    """Return what a file, or the documents of a folder, are written to."""
    if not source.is_dir() and not out.is_dir():
        return out
    kind = kinds.KINDS[to]
    inner = path.relative_to(source) if source.is_dir() else Path(path.name)
    name = files.stem(inner) if path.is_file() else inner.name or path.absolute().name
    if kind.is_document:
        return out / inner.with_name(name) if inner.name else out
    zipped = ".gz" if inner.name.endswith(".gz") else ""
    return out / inner.parent / (name + kind.endings[0] + zipped)


def _convert(
    source: Path, jobs: list[_Job], to: Format, reading: Reading, cut: Cutter | None
) -> Iterator[Converted]:
    errors: list[Problem] = []
    for job in jobs:
        problems: list[Problem] = []
        tally = Tally()
        replaced = job.target.exists()
        sentences: list[Sentence] = []
        for file in job.files:
            sentences += kinds.read(file.path, file.format, problems, reading, tally)
        wrong = [problem for problem in problems if problem.severity == "error"]
        if not sentences and not wrong:
            wrong.append(empty_file(job.source, problems))
        errors += wrong
        if not wrong:
            if cut is not None:
                sentences = [part for whole in sentences for part in split_sentence(whole, cut, tally)]
            job.target.parent.mkdir(parents=True, exist_ok=True)
            count = _write(sentences, job.target, to, tally)
            yield Converted(
                job.source,
                job.target,
                count,
                +tally.repaired,
                +tally.left_out,
                +tally.lost,
                replaced=replaced,
                long=sum(len(sentence.text) > MAX_CHARS for sentence in sentences),
                langs=frozenset(sentence.lang for sentence in sentences),
            )
    raise_errors(errors, _cure(errors, source, reading))


def _cure(errors: list[Problem], source: Path, reading: Reading) -> str:
    if len(errors) == 1:
        return "Nothing was written for this file."
    check = advice.run("mere", "check", source, *reading.options())
    return f"Nothing was written for files with errors. {check}"


def _write(sentences: list[Sentence], target: Path, to: Format, tally: Tally) -> int:
    written = kinds.KINDS[to].module.write(sentences, target)
    tally.left_out.update(written.left_out)
    tally.lost.update(written.lost)
    if to is Format.CONLL:
        other = sum(sentence.lang != files.lang_of(target) for sentence in sentences)
        tally.lost["sentences whose language the file's name does not say"] += other
    return written.sentences
