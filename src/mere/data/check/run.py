"""`check`: read everything, note every problem, look for what readers cannot see, and report.

Sentences are seen one at a time and not kept, so a corpus of any size is checked in the same memory. What grows is the
number of files, types, relations, sources and languages, and the rows of the text or the pair that comes most often.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mere import lang_codes
from mere.data.check.catalogue import CATALOGUE, READING, UNREADABLE, finding
from mere.data.check.finding import MAX_EXAMPLES, CheckReport, Finding, Tally
from mere.data.check.labels import Labels, check_relations, check_types
from mere.data.check.languages import Languages
from mere.data.check.leaks import Repeats
from mere.data.check.rows import Normalisation, Row, check_row
from mere.data.check.sources import Sources, check_sources
from mere.data.corpus import empty_file
from mere.data.find import CorpusFile, find_files
from mere.data.formats import Problem, Reading, kinds
from mere.data.formats.reading import AS_THEY_ARE
from mere.data.formats.tally import Tally as Counts
from mere.errors import DataError, nearest
from mere.types import Sentence

_MOST_MESSAGES = 1000


def check(
    paths: Sequence[Path | str], *, languages: Iterable[str] | None = None, reading: Reading = AS_THEY_ARE
) -> CheckReport:
    """Check corpus files and folders as one corpus, so that leaks between them are found.

    Args:
        paths: folders or files, as `Corpus.load` takes them.
        languages: look only at these; None looks at all. Lines that cannot be read are always reported.
        reading: what the user says of the files; of folders, only files of its `format` are taken.

    Raises:
        DataError: a path does not exist or holds no corpus file, or a language asked for does not occur.
            What is wrong inside a file is reported, not raised.
        UserError: an option says nothing about any of the files.
    """
    found = [find_files(path, reading.format) for path in paths]
    files = {file.path: file for each in found for file in each.files}
    kinds.refuse_unfit(reading, paths, {file.format for file in files.values()})
    run = _Run(reading, None if languages is None else tuple(languages))
    run.problems.take(problem for each in found for problem in each.passed)
    for file in files.values():
        run.read(file)
    return run.report(tuple(str(path) for path in files))


class _Run:
    """One check while the corpus goes by."""

    def __init__(self, reading: Reading, languages: tuple[str, ...] | None):
        self.reading, self.languages = reading, languages
        self.problems = _Problems()
        self.counts = Counts()
        self.tallies: dict[str, Tally] = {code: Tally() for code in CATALOGUE}
        self.sizes: dict[str, Counter[str]] = defaultdict(Counter)
        self.normalisation, self.labels, self.sources = Normalisation(), Labels(), Sources()
        self.named = Languages()
        self.repeats = Repeats(self.tallies)
        self._label: dict[str, str] = {}  # every spelling of a language, and the one that came first

    def read(self, file: CorpusFile) -> None:
        """See every sentence of a file."""
        problems: list[Problem] = []
        seen = errors = 0
        warned: list[Problem] = []
        for sentence in kinds.read(file.path, file.format, problems, self.reading, self.counts):
            seen += 1
            self._see(Row(self._spelt(sentence), file.split, file.path))
            if problems:
                errors += self.problems.take(problems)
                problems.clear()
        errors += self.problems.take(problems)
        warned = problems[:MAX_EXAMPLES]
        if not seen and not errors:
            self.problems.take([empty_file(file.path, warned)])

    def _spelt(self, sentence: Sentence) -> Sentence:
        """Return the sentence with the spelling of its language that came first."""
        lang = sentence.lang
        label = self._label.get(lang)
        if label is None:
            label = self._label[lang] = lang_codes.labels_of([*self._label, lang])[lang]
        return sentence if label == lang else dataclasses.replace(sentence, lang=label)

    def _see(self, row: Row) -> None:
        wanted = self.languages
        if wanted is not None and lang_codes.find(row.sentence.lang, wanted) is None:
            return
        self.sizes[row.split][row.sentence.lang] += 1
        check_row(row, self.tallies)
        self.normalisation.see(row)
        self.labels.see(row)
        self.sources.see(row)
        self.named.see(row)
        self.repeats.see(row)

    def report(self, files: tuple[str, ...]) -> CheckReport:
        """Return what was found.

        Raises:
            DataError: a language asked for does not occur.
        """
        self._refuse_missing()
        self._tally_reading()
        self.normalisation.finish(self.tallies["mixed-normalisation"])
        self.repeats.finish()
        self.named.finish(self.tallies)
        relations, types, sources = self.labels.relations, self.labels.types, self.sources.rows()
        check_relations(relations, self.tallies)
        check_types(types, self.tallies)
        check_sources(sources, len(relations), self.tallies)
        findings = [
            *self.problems.findings(),
            *(finding(code, tally) for code, tally in self.tallies.items() if tally.count),
        ]
        order = ("error", "warning", "note")
        return CheckReport(
            files=files,
            sizes={split: dict(sorted(by_lang.items())) for split, by_lang in sorted(self.sizes.items())},
            findings=tuple(sorted(findings, key=lambda item: order.index(item.weight))),
            relations=relations,
            types=types,
            sources=sources,
        )

    def _refuse_missing(self) -> None:
        known = sorted(set(self._label.values()))
        for lang in self.languages or ():
            if lang_codes.find(lang, known) is None:
                has = f"The data has: {', '.join(known)}."
                raise DataError(f'no sentence in the language "{lang}".{nearest(lang, known)} {has}')

    def _tally_reading(self) -> None:
        """Add what the readers counted: what was mended, left out and not kept, unless a warning tells it."""
        told = self.problems.messages
        counted: Mapping[str, Counter[str]] = {
            "repaired": self.counts.repaired,
            "left-out": self.counts.left_out,
            "not-kept": self.counts.lost,
        }
        for code, kinds_of in counted.items():
            for kind, count in kinds_of.items():
                if count and kind not in told:
                    self.tallies[code].add(kind, count=count)
        groups: dict[str, list[str]] = defaultdict(list)
        for spelling, label in self._label.items():
            groups[label].append(spelling)
        for label, spellings in groups.items():
            if len(spellings) > 1:
                tally = self.tallies["language-spellings"]
                tally.add(label, f"{', '.join(spellings)} are read as {label}", len(spellings) - 1)


class _Problems:
    """The readers' problems, counted and not kept, but for the first of each kind."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._first: dict[tuple[str, str], list[Problem]] = {}
        self.messages: set[str] = set()

    def take(self, problems: Iterable[Problem]) -> int:
        """Count problems and return how many are errors."""
        errors = 0
        for problem in problems:
            key = problem.severity, problem.code
            self._counts.setdefault(key, Counter())[problem.path.name] += 1
            first = self._first.setdefault(key, [])
            if len(first) < MAX_EXAMPLES:
                first.append(problem)
            if len(self.messages) < _MOST_MESSAGES:
                self.messages.add(problem.message)
            errors += problem.severity == "error"
        return errors

    def findings(self) -> Iterator[Finding]:
        """Yield one finding per kind, most frequent first."""
        for (severity, code), counts in sorted(self._counts.items(), key=lambda item: -item[1].total()):
            entry = CATALOGUE.get(code)
            meaning = UNREADABLE.meaning if severity == "error" else "The row is left out."
            yield Finding(
                code=code,
                weight="error" if severity == "error" else "warning",
                title=entry.title if entry else READING.get(code, f"lines: {code.replace('-', ' ')}"),
                count=counts.total(),
                by=dict(counts.most_common()),
                meaning=entry.meaning if entry else meaning,
                examples=tuple(str(problem) for problem in self._first[severity, code]),
            )
