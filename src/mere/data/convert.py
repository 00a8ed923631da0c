"""Corpus files from one format to another, one by one, with a count of all that was mended or lost.

for done in convert("ner", "ner-jsonl"):   # ner/de/train.bio.gz -> ner-jsonl/de/train.jsonl.gz
    print(done.target, done.sentences, done.repaired, done.left_out, done.lost)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mere import advice
from mere.data.corpus import CorpusFile, corpus_files, empty_file
from mere.data.formats import Format, Problem, Reading, files, kinds
from mere.data.formats.problems import raise_errors
from mere.data.formats.reading import AS_THEY_ARE
from mere.data.formats.tally import Tally
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
    source: Path | str, out: Path | str, *, to: Format | None = None, reading: Reading = AS_THEY_ARE
) -> Iterator[Converted]:
    """Convert a file, or every corpus file of a folder, and yield what became of each as it is written.

    A file with an error is not written; the others are, and then the errors are raised.

    Args:
        source: a file, or a folder as `Corpus.load` takes it.
        out: the file to write, or the folder that gets the same layout with other endings.
        to: the format to write. None: what the ending of `out` says, else JSON lines.
        reading: what the user says of the files; of a folder, only files of its `format` are taken.

    Raises:
        DataError: there is nothing to read, or a file has errors (one message lists the first ten).
        UserError: the options do not fit the files, or a file would be written over its source.
    """
    source, out = Path(source), Path(out)
    found = corpus_files(source, reading.format)
    pairs = _pairs(source, out, found, to or kinds.by_suffix(out) or Format.JSONL)
    refuse_unfit(reading, source, {file.format for file in found})
    return _convert(source, pairs, reading)


def refuse_unfit(reading: Reading, source: Path, formats: set[Format]) -> None:
    """Refuse options that say nothing about any of the formats.

    Raises:
        UserError: there is one.
    """
    takes = frozenset[str]().union(*(kinds.KINDS[format].takes for format in formats))
    for name in ("scheme", "column", "token_column", "outside", "offsets", "lang"):
        if getattr(reading, name) and name not in takes:
            what = " and ".join(sorted(format.value for format in formats))
            raise UserError(
                f"--{name.replace('_', '-')} says nothing about {what}, which {source} is. Leave it out."
            )


def _pairs(
    source: Path, out: Path, found: list[CorpusFile], to: Format
) -> list[tuple[CorpusFile, Path, Format]]:
    """Return each file with the file to write and its format."""
    if kinds.KINDS[to].write is None:
        raise UserError(f"--to {to.value}: mere reads this format and does not write it.")
    pairs: list[tuple[CorpusFile, Path, Format]] = []
    takes: dict[Path, Path] = {}
    for file in found:
        inner = file.path.relative_to(source) if source.is_dir() else Path(file.path.name)
        zipped = ".gz" if inner.name.endswith(".gz") else ""
        target = out / inner.with_name(files.stem(inner) + kinds.KINDS[to].endings[0] + zipped)
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
    source: Path, pairs: list[tuple[CorpusFile, Path, Format]], reading: Reading
) -> Iterator[Converted]:
    errors: list[Problem] = []
    for file, target, to in pairs:
        problems: list[Problem] = []
        tally = Tally()
        replaced = target.exists()
        sentences = list(kinds.read(file.path, file.format, problems, reading, tally))
        if not sentences and not any(problem.severity == "error" for problem in problems):
            problems.append(empty_file(file.path))
        wrong = [problem for problem in problems if problem.severity == "error"]
        errors += wrong
        if not wrong:
            target.parent.mkdir(parents=True, exist_ok=True)
            count = _write(sentences, target, to, tally)
            yield Converted(
                file.path, target, count, +tally.repaired, +tally.left_out, +tally.lost, replaced=replaced
            )
    raise_errors(errors, _cure(errors, source, reading))


def _cure(errors: list[Problem], source: Path, reading: Reading) -> str:
    if len(errors) == 1:
        return "Nothing was written for this file."
    check = advice.run("mere", "check", source, *reading.options())
    return f"Nothing was written for files with errors. {check}"


def _write(sentences: list[Sentence], target: Path, to: Format, tally: Tally) -> int:
    write = kinds.KINDS[to].write
    assert write is not None  # _pairs refuses such a format
    written = write(sentences, target)
    tally.left_out.update(written.left_out)
    tally.lost.update(written.lost)
    if to is Format.CONLL:
        other = sum(sentence.lang != files.lang_of(target) for sentence in sentences)
        tally.lost["sentences whose language the file's name does not say"] += other
    return written.sentences
