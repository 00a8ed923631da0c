"""`check`: read everything, note every problem, look for what readers cannot see, and report."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from mere.data.check.catalogue import CATALOGUE, UNREADABLE, finding
from mere.data.check.finding import MAX_EXAMPLES, CheckReport, Finding, Tally
from mere.data.check.labels import check_relations, check_types, relations_of, types_of
from mere.data.check.leaks import check_duplicates, check_leaks
from mere.data.check.rows import Row, check_normalisation, check_rows
from mere.data.check.sources import check_sources, source_rows
from mere.data.corpus import corpus_files, empty_file
from mere.data.formats import Format, Problem, Reading, kinds
from mere.data.formats.tally import Tally as Counts
from mere.data.surface import normalise
from mere.errors import DataError, nearest


def check(
    paths: Sequence[Path | str], *, languages: Iterable[str] | None = None, format: Format | None = None
) -> CheckReport:
    """Check corpus files and folders as one corpus, so that leaks between them are found.

    Args:
        paths: folders or files, as `Corpus.load` takes them.
        languages: look only at these; None looks at all. Lines that cannot be read are always reported.
        format: read only files of this format; None takes each file for what it is.

    Raises:
        DataError: a path does not exist or holds no corpus file, or a language asked for does not occur.
            What is wrong inside a file is reported, not raised.
    """
    found = {file.path: file for path in paths for file in corpus_files(path, format)}
    problems: list[Problem] = []
    counts = Counts()
    reading = Reading(format=format)
    rows: list[Row] = []
    for file in found.values():
        before = len(rows), len(problems)
        sentences = kinds.read(file.path, file.format, problems, reading, counts)
        rows += [Row(sentence, file.split, file.path) for sentence in sentences]
        if (len(rows), len(problems)) == before:
            problems.append(empty_file(file.path))
    if languages is not None:
        rows = _only(rows, list(languages))
    tallies: dict[str, Tally] = {code: Tally() for code in CATALOGUE}
    for kind, count in counts.repaired.items():
        tallies["repaired"].add(kind, count=count)
    told = {problem.message for problem in problems}
    for code, kinds_of in (("left-out", counts.left_out), ("not-kept", counts.lost)):
        for kind, count in kinds_of.items():
            if count and kind not in told:
                tallies[code].add(kind, count=count)
    texts = [normalise(row.sentence.text) for row in rows]
    check_rows(rows, tallies)
    check_normalisation(rows, tallies["mixed-normalisation"])
    check_duplicates(rows, texts, tallies)
    check_leaks(rows, texts, tallies)
    relations, types = relations_of(rows), types_of(rows)
    check_relations(relations, tallies)
    check_types(types, tallies)
    sources = source_rows(rows)
    check_sources(sources, len(relations), tallies)
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        sizes[row.split][row.sentence.lang] += 1
    findings = [
        *unreadable(problems),
        *(finding(code, tally) for code, tally in tallies.items() if tally.count),
    ]
    order = ("error", "warning", "note")
    return CheckReport(
        files=tuple(str(path) for path in found),
        sizes={split: dict(sorted(by_lang.items())) for split, by_lang in sorted(sizes.items())},
        findings=tuple(sorted(findings, key=lambda item: order.index(item.weight))),
        relations=relations,
        types=types,
        sources=sources,
    )


def _only(rows: list[Row], languages: list[str]) -> list[Row]:
    known = sorted({row.sentence.lang for row in rows})
    for lang in languages:
        if lang not in known:
            has = f"The data has: {', '.join(known)}."
            raise DataError(f'no sentence in the language "{lang}".{nearest(lang, known)} {has}')
    return [row for row in rows if row.sentence.lang in languages]


def unreadable(problems: Iterable[Problem]) -> list[Finding]:
    """Return the readers' problems as findings, one per kind, most frequent first."""
    groups: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        groups[problem.severity, problem.code].append(problem)
    findings = []
    for (severity, code), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        entry = CATALOGUE.get(code)
        meaning = UNREADABLE.meaning if severity == "error" else "The row is left out."
        findings.append(
            Finding(
                code=code,
                weight="error" if severity == "error" else "warning",
                title=entry.title if entry else f"lines: {code.replace('-', ' ')}",
                count=len(members),
                by=dict(Counter(problem.path.name for problem in members).most_common()),
                meaning=entry.meaning if entry else meaning,
                examples=tuple(str(problem) for problem in members[:MAX_EXAMPLES]),
            )
        )
    return findings
