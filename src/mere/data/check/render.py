"""A check report for a terminal: the verdict, the findings from the weightiest down, then the figures."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mere import advice
from mere.data.check.finding import CheckReport, Finding, Histogram, Weight

STYLES: dict[Weight, str] = {"error": "bold red", "warning": "yellow", "note": "cyan"}
EXAMPLES: dict[Weight, int] = {"error": 3, "warning": 1, "note": 0}
MAX_PLACES = 5
MAX_TABLE = 30
BAR_WIDTH = 16
SPLIT_ORDER = ("train", "dev", "test")


def render(report: CheckReport, console: Console) -> None:
    """Print the report; about two screens for a corpus of seven languages."""
    _verdict(report, console)
    for finding in report.findings:
        _finding(finding, console)
    console.print()
    if report.sizes:
        console.print(_sources(report))
        console.print()
    if report.relations:
        console.print(_labels("Relations (triples)", report.relations, limit=15))
    if report.types:
        console.print(_labels("Types (entities)", report.types, limit=8))
    if report.errors:
        console.print(Text("Errors must be mended before training.", style=STYLES["error"]))


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def _verdict(report: CheckReport, console: Console) -> None:
    langs = {lang for by_lang in report.sizes.values() for lang in by_lang}
    total = sum(sum(by_lang.values()) for by_lang in report.sizes.values())
    size = [_count(total, "sentence"), _count(len(langs), "language"), _count(len(report.files), "file")]
    line = Text(", ".join(size) + ": ")
    parts = [(report.errors, "error"), (report.warnings, "warning"), (report.notes, "note")]
    found = [f"{_count(len(findings), 'kind')} of {word}" for findings, word in parts if findings]
    line.append(", ".join(found) or "nothing to complain of", style="bold")
    console.print(line)


def _finding(finding: Finding, console: Console) -> None:
    head = Text(f"{finding.weight:8}", style=STYLES[finding.weight])
    head.append(f"{finding.title}: ")
    head.append(f"{finding.count:,}", style="bold")
    head.append(f"  [{finding.code}]", style="dim")
    console.print(head)
    body = [_places(finding), f"→ {finding.meaning}" if finding.meaning else ""]
    if finding.weight == "note":
        body = ["  ".join(body).strip()]
    shown = finding.examples[: EXAMPLES[finding.weight]]
    body[1:1] = [part for example in shown for part in advice.parts(f"e.g. {example}")]
    for line in filter(None, body):
        if advice.is_command(line):  # to be copied: never cut, never broken
            console.print(Text(f"{'':8}{line}"), soft_wrap=True)
            continue
        example = line.startswith("e.g.")
        text = Text(line, style="dim" if example and finding.weight != "error" else "")
        if example and finding.weight != "error":
            text.no_wrap, text.overflow = True, "ellipsis"
        console.print(Padding(text, (0, 0, 0, 8)))


def _places(finding: Finding) -> str:
    parts = []
    for place, count in list(finding.by.items())[:MAX_PLACES]:
        shown = place if len(place) <= 48 else place[:47] + "…"
        total = finding.of.get(place)
        if total:
            parts.append(f"{shown} {count:,} ({_share(count / total)})")
        else:
            parts.append(shown if count == 1 and finding.count == len(finding.by) else f"{shown} {count:,}")
    if len(finding.by) > MAX_PLACES:
        parts.append(f"… {len(finding.by) - MAX_PLACES:,} more")
    return " · ".join(parts)


def _share(share: float) -> str:
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"


def _splits(found: Mapping[str, object] | set[str]) -> list[str]:
    known = [split for split in SPLIT_ORDER if split in found]
    return known + sorted(set(found) - set(SPLIT_ORDER))


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)


def _sources(report: CheckReport) -> Table:
    splits = _splits(report.sizes)
    table = _table("Sources (sentences)")
    table.add_column("lang")
    table.add_column("source", overflow="ellipsis", no_wrap=True)
    for name in (*splits, "triples", "relations", "tripleless", "complete", "chars", "tokenised"):
        table.add_column(name, justify="right")
    for row in report.sources[:MAX_TABLE]:
        table.add_row(
            row.lang,
            row.source,
            *(f"{row.sentences.get(split, 0):,}" for split in splits),
            f"{row.triples:,}",
            f"{row.relations} of {'all' if row.covered is None else row.covered}",
            f"{_share(row.without_triple)}",
            f"{_share(row.complete)}",
            f"{row.chars:.0f}",
            f"{_share(row.tokenised)}",
        )
    _more(table, len(report.sources))
    return table


def _labels(title: str, labels: Histogram, limit: int) -> Table:
    splits = _splits({split for by_split in labels.values() for split in by_split})
    totals = {
        label: {split: sum(by_split.get(split, {}).values()) for split in splits}
        for label, by_split in labels.items()
    }
    order = sorted(totals, key=lambda label: (-sum(totals[label].values()), label))
    most = max(sum(total.values()) for total in totals.values())
    table = _table(title)
    table.add_column("name", overflow="ellipsis", no_wrap=True)
    for split in splits:
        table.add_column(split, justify="right")
    table.add_column("langs", justify="right")
    table.add_column("")
    for label in order[:limit]:
        langs = {lang for by_lang in labels[label].values() for lang in by_lang}
        total = totals[label]
        bar = "█" * round(BAR_WIDTH * sum(total.values()) / most)
        table.add_row(label, *(f"{total[split]:,}" for split in splits), str(len(langs)), bar or "▏")
    _more(table, len(order), limit)
    return table


def _more(table: Table, total: int, limit: int = MAX_TABLE) -> None:
    if total > limit:
        table.caption = f"… and {total - limit:,} more; --json has them all"
        table.caption_justify = "left"
