"""Tables in the docs that are generated from results files, so that no figure is typed by hand.

    python -m mere.research.tables docs/*.md README.md [--check] [--results benchmarks/results]

rewrites, in each file, what stands between two lines like these (outside code fences):

    <!-- results: facts.json metric=triple_f1/strict -->
    <!-- /results -->

Options of the first line: `table=` one of languages (default), sources, recall, costs, comparisons, attempts, and of
claims.json claims, answers or trained; `metric=` (default triple_f1/strict); `systems=a,b` to choose and order rows
(of claims by their ids). Scores are percentages.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from mere.errors import DataError, UserError, nearest
from mere.research.claims import Answers
from mere.research.claims.table import TABLES as CLAIM_TABLES
from mere.research.claims.table import render_claims
from mere.research.markdown import DEFAULT_METRIC, render_table
from mere.research.results import Results

__all__ = ["render_table", "update_markers"]

OPENING, CLOSING = "<!-- results:", "<!-- /results -->"


def update_markers(markdown_file: str | Path, results_dir: str | Path, *, check: bool = False) -> bool:
    """Rewrite every generated table of a Markdown file; return whether the file was stale.

    Args:
        check: leave the file as it is, only say whether it is stale.

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
    systems = [name.strip() for name in options["systems"].split(",") if name.strip()]
    try:
        if options["table"] in CLAIM_TABLES:
            return render_claims(Answers.read(results_dir / words[0]), options["table"], systems)
        results = Results.read(results_dir / words[0])
        return render_table(results, options["metric"], table=options["table"], systems=systems)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Update the files named on the command line, or check them: 0 fine, 1 stale, 2 the caller's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m mere.research.tables",
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
        print(f"stale tables in {names}. Run: python -m mere.research.tables {names}", file=sys.stderr)
        return 1
    for file in stale:
        print(f"updated {file}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
