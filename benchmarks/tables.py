"""Tables in the docs that are generated from results files, so that no figure is typed by hand.

    python -m benchmarks.tables docs/*.md README.md [--check] [--results benchmarks/results]

Run from the project's root. In each file it rewrites what stands between two lines like these (outside code fences):

    <!-- results: facts.json metric=triple_f1/strict -->
    <!-- /results -->

Options of the first line: `table=` one of languages (default), sources, recall, costs, comparisons, attempts, and of
claims.json claims, answers or trained; `metric=` (default triple_f1/strict); `systems=a,b` to choose and order rows
(of claims by their ids; `systems="a, b; c"` where names hold commas). Scores are percentages.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.claims.answers import Answers
from benchmarks.claims.table import TABLES as CLAIM_TABLES
from benchmarks.claims.table import render_claims
from benchmarks.reading import read

from mere.errors import DataError, UserError, nearest
from mere.metrics.intervals import Measured
from mere.metrics.render import with_interval
from mere.research.report import tables
from mere.research.report.tables import SUMMARY, Systems, Table
from mere.research.results import Comparison, Results

DEFAULT_METRIC = "triple_f1/strict"
OPENING, CLOSING = "<!-- results:", "<!-- /results -->"


def render_table(
    results: Results, metric: str = DEFAULT_METRIC, *, table: str = "languages", systems: Sequence[str] = ()
) -> str:
    """Return one table of a results file as Markdown.

    Args:
        metric: of the tables of scores and comparisons.
        table: one of `_TABLES`.
        systems: names of the systems to show, in this order; all if empty.

    Raises:
        DataError: no such table, metric or system; names the nearest.
    """
    if table not in _TABLES:
        raise DataError(f'unknown table "{table}".{nearest(table, _TABLES)} There are: {", ".join(_TABLES)}.')
    for name in systems:
        if name not in results.systems:
            known = ", ".join(results.systems)
            raise DataError(f'unknown system "{name}".{nearest(name, results.systems)} There are: {known}.')
    chosen = {name: results.systems[name] for name in systems or results.systems}
    return _TABLES[table](results, chosen, metric).markdown(numbers=table != "attempts")


def score_table(systems: Systems, metric: str) -> Table:
    """Return a row of scores for each system: its languages by code, then macro and micro.

    Raises:
        DataError: a system lacks the metric.
    """
    rows = {name: scores_of(system.metrics, metric, f"system {name}") for name, system in systems.items()}
    return by_scope("system", rows)


def by_scope(corner: str, rows: Mapping[str, Mapping[str, Measured]]) -> Table:
    """Return a table of scores with a column for each language, then macro and micro."""
    found = {scope for row in rows.values() for scope in row}
    columns = [*sorted(found.difference(SUMMARY)), *(scope for scope in SUMMARY if scope in found)]
    return measured_table(corner, rows, columns)


def measured_table(corner: str, rows: Mapping[str, Mapping[str, Measured]], columns: Sequence[str]) -> Table:
    """Return a table of scores with their intervals; a dash where there is none."""
    none = Measured(value=None)
    cells = [[name, *(with_interval(row.get(c, none)) for c in columns)] for name, row in rows.items()]
    return Table([corner, *columns], cells)


def scores_of(by_metric: Mapping[str, dict[str, Measured]], metric: str, where: str) -> dict[str, Measured]:
    """Return the scores of a metric.

    Raises:
        DataError: there is no such metric; names the nearest.
    """
    if metric not in by_metric:
        known = ", ".join(by_metric) or "none"
        raise DataError(f'{where} has no metric "{metric}".{nearest(metric, by_metric)} It has: {known}.')
    return by_metric[metric]


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """Return a row for each comparison, with Holm's p where there is one."""
    corrected = any(c.p_holm is not None for c in comparisons)
    rows = []
    for c in comparisons:
        holm = [tables.p_value(c.p_holm)] if corrected else []
        difference = tables.points(c.difference, c.low, c.high)
        rows.append([f"{c.a} − {c.b}", c.scope, difference, tables.p_value(c.p), *holm, c.test])
    return Table(["a − b", "scope", "points", "p", *(["p (Holm)"] if corrected else []), "test"], rows)


def _sources(results: Results, systems: Systems, metric: str) -> Table:
    columns = {
        name: scores_of(system.per_source, metric, f"system {name}") for name, system in systems.items()
    }
    sources = sorted({source for scores in columns.values() for source in scores})
    rows = {source: {name: s[source] for name, s in columns.items() if source in s} for source in sources}
    return measured_table("source", rows, list(columns))


def _recall(results: Results, systems: Systems, metric: str) -> Table:
    rows = {
        f"{name}, {part}": scores
        for name, system in systems.items()
        for part, scores in system.recall.items()
    }
    return by_scope("system, seen in training or not", rows)


def _comparisons(results: Results, systems: Systems, metric: str) -> Table:
    chosen = [c for c in results.comparisons if c.metric == metric and c.a in systems and c.b in systems]
    if not chosen:
        known = sorted({comparison.metric for comparison in results.comparisons})
        raise DataError(
            f'no comparison by "{metric}" of these systems.{nearest(metric, known)} Compare them first.'
        )
    return comparison_table(chosen)


_TABLES: Mapping[str, Callable[[Results, Systems, str], Table]] = {
    "languages": lambda results, systems, metric: score_table(systems, metric),
    "sources": _sources,
    "recall": _recall,
    "costs": lambda results, systems, metric: tables.cost_table(systems),
    "comparisons": _comparisons,
    "attempts": lambda results, systems, metric: tables.attempt_table(results),
}


def update_markers(markdown_file: str | Path, results_dir: str | Path, *, check: bool = False) -> bool:
    """Rewrite the generated tables of a Markdown file and return whether any was stale.

    Args:
        check: change nothing.

    Raises:
        DataError: the file cannot be read, a marker is malformed or not closed (with file and line), or a
            results file is missing or not valid.
    """
    path = Path(markdown_file)
    try:
        old = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}. Give Markdown files.") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: is not UTF-8: {error.reason} at byte {error.start}. Give Markdown files."
        ) from None
    new = _with_tables(old, path, Path(results_dir))
    if new != old and not check:
        path.write_bytes(new.encode("utf-8"))
    return new != old


def _with_tables(text: str, path: Path, results_dir: Path) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines: list[str] = []
    opened: tuple[int, str] | None = None  # line number and text of the marker whose table we are in
    fence = ""
    for number, line in enumerate(text.split(newline), start=1):
        word = line.strip()
        if opened is None and word[:3] in ("```", "~~~") and fence in ("", word[:3]):
            fence = "" if fence else word[:3]  # a marker inside a code fence is an example
        if fence or not word.startswith((OPENING, CLOSING)):
            if opened is None:
                lines.append(line)
        elif word.startswith(OPENING) and opened is None:
            opened = number, word
            lines.append(line)
        elif word == CLOSING and opened is not None:
            lines += ["", *_table_of(opened[1], f"{path}:{opened[0]}", results_dir).splitlines(), "", line]
            opened = None
        else:
            before = f"the marker of line {opened[0]} is still open" if opened else "no marker is open"
            raise DataError(f'{path}:{number}: found "{word}" but {before}. Close each table with {CLOSING}')
    if opened is not None:
        raise DataError(f"{path}:{opened[0]}: the marker is never closed. Close the table with {CLOSING}")
    return newline.join(lines)


def _table_of(marker: str, where: str, results_dir: Path) -> str:
    try:
        words = shlex.split(marker.removeprefix(OPENING).removesuffix("-->"))
    except ValueError as error:
        raise DataError(f"{where}: the marker cannot be read: {error}. Close its quotes.") from None
    if not marker.endswith("-->") or not words or "=" in words[0]:
        raise DataError(f"{where}: the marker names no results file. Write {OPENING} facts.json -->")
    options = {"metric": DEFAULT_METRIC, "table": "languages", "systems": ""}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if key not in options or not equals:
            raise DataError(
                f'{where}: unknown option "{word}".{nearest(key, options)} Options: {", ".join(options)}.'
            )
        options[key] = value
    divider = ";" if ";" in options["systems"] else ","
    systems = [name.strip() for name in options["systems"].split(divider) if name.strip()]
    try:
        if options["table"] in CLAIM_TABLES:
            return render_claims(read(Answers, results_dir / words[0]), options["table"], systems)
        results = read(Results, results_dir / words[0])
        return render_table(results, options["metric"], table=options["table"], systems=systems)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Update the files named on the command line, or check them: 0 fine, 1 stale, 2 the caller's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tables",
        description="Rewrite the generated tables of Markdown files.",
    )
    parser.add_argument("files", nargs="+", type=Path, help="Markdown files")
    parser.add_argument(
        "--results", type=Path, default=Path("benchmarks/results"), help="folder of results files"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a file is stale")
    options = parser.parse_args(arguments)
    try:
        stale = [file for file in options.files if update_markers(file, options.results, check=options.check)]
    except UserError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_status
    if stale and options.check:
        names = " ".join(str(file) for file in stale)
        print(f"stale tables in {names}. Run: python -m benchmarks.tables {names}", file=sys.stderr)
        return 1
    for file in stale:
        print(f"updated {file}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
