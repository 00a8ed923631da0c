"""A report as tables for a terminal; percentages with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from mere.metrics import render_errors
from mere.metrics.intervals import Measured
from mere.metrics.render_errors import new_table
from mere.metrics.scores import ENTITY_F1, ENTITY_RECALLS, RECALLS, TRIPLE_METRICS

if TYPE_CHECKING:
    from mere.metrics.report import MetricScores, Report, Score

MAIN = "triple_f1/strict"
UNKNOWN = "–"  # nothing to measure by


def percent(value: float | None) -> str:
    """Write a fraction as a percentage with one decimal: 0.6131 -> "61.3"."""
    return UNKNOWN if value is None else f"{100 * value:.1f}"


def with_interval(measured: Measured) -> str:
    """Write a measured fraction with its interval: "61.3 [59.0, 63.4]"."""
    if measured.low is None:
        return percent(measured.value)
    return f"{percent(measured.value)} [{percent(measured.low)}, {percent(measured.high)}]"


def tables(report: Report) -> Iterator[Table]:
    """Make the report's tables, in the order in which they are read."""
    main = _main_metric(report)
    scores = report.metrics[main]
    yield _languages(report)
    yield _parts(f"{main} per source", "source", scores.source, report.num_runs)
    if scores.relation and scores.macro_relations is not None:
        yield _parts(
            f"{main} per relation",
            "relation",
            _by_gold(scores.relation, scores.macro_relations),
            report.num_runs,
        )
    entities = report.metrics[ENTITY_F1]
    if entities.macro_types is not None:
        rows = _by_gold(entities.type, entities.macro_types)
        yield _parts(f"{ENTITY_F1} per type", "type", rows, report.num_runs)
        yield _parts(f"{ENTITY_F1} per length", "length", entities.length, report.num_runs)
    for names, what in ((RECALLS, "triples"), (ENTITY_RECALLS, "mentions")):
        if all(name in report.metrics for name in names):
            yield _seen(report, names, what)
    if report.errors is not None and report.errors.num_examples:
        yield from render_errors.tables(report.errors, report.num_runs)


def _main_metric(report: Report) -> str:
    """The metric to break down: triples, or entities in a corpus that has no triples."""
    if MAIN not in report.metrics:
        return ENTITY_F1
    has_triples = any(score.f1.value is not None for score in report.metrics[MAIN].language.values())
    return MAIN if has_triples else ENTITY_F1


def _by_gold(parts: Mapping[str, Score], macro: Score) -> dict[str, Score]:
    """Order parts by their number of gold items, the mean last."""
    return dict(sorted(parts.items(), key=lambda item: -(item[1].tp + item[1].fn))) | {"macro": macro}


def _languages(report: Report) -> Table:
    runs = f", mean over {report.num_runs} runs" if report.num_runs > 1 else ""
    interval = f", {100 * report.level:g} % intervals" if report.resamples else ""
    title = f"F1 per language{runs}{interval}"
    total = sum(report.sentences.values())
    if MAIN not in report.metrics:  # one metric: there is room for what it is made of
        scores = report.metrics[ENTITY_F1]
        table = new_table(f"{ENTITY_F1}, {title}", "language", "texts", "gold", "precision", "recall", "F1")
        for lang, num_sentences in report.sentences.items():
            table.add_row(escape(lang), str(num_sentences), *_ratios(scores.language[lang], report.num_runs))
        table.add_section()
        for name, score in (("macro", scores.macro), ("micro", scores.micro)):
            table.add_row(name, str(total), *_ratios(score, report.num_runs))
        return table
    # metric names fold at the slash
    table = new_table(title, "language", "texts", *(name.replace("/", "/\n") for name in TRIPLE_METRICS))
    metrics = [report.metrics[name] for name in TRIPLE_METRICS]

    def row(name: str, num_sentences: int, scores: list[Measured]) -> None:
        # Only the main metric shows its interval, so that the table fits 80 columns; --json has them all.
        table.add_row(
            escape(name),
            str(num_sentences),
            with_interval(scores[0]),
            *(percent(s.value) for s in scores[1:]),
        )

    for lang, num_sentences in report.sentences.items():
        row(lang, num_sentences, [metric.language[lang].f1 for metric in metrics])
    table.add_section()
    row("macro", total, [metric.macro.f1 for metric in metrics])
    row("micro", total, [metric.micro.f1 for metric in metrics])
    return table


def _ratios(score: Score, num_runs: int) -> tuple[str, str, str, str]:
    """Gold items of one run, precision, recall, F1."""
    gold = str((score.tp + score.fn) // num_runs)
    return gold, percent(score.precision), percent(score.recall), with_interval(score.f1)


def _parts(title: str, part: str, rows: Mapping[str, Score], num_runs: int) -> Table:
    table = new_table(title, part, "gold", "precision", "recall", "F1")
    for name, score in rows.items():
        table.add_row(escape(name), *_ratios(score, num_runs))
    return table


def _seen(report: Report, metrics: tuple[str, ...], what: str) -> Table:
    title = f"strict recall of {what} that training states (seen) or not"
    table = new_table(title, "language", "gold seen", "seen", "gold unseen", "unseen")
    parts: list[MetricScores] = [report.metrics[name] for name in metrics]

    def row(name: str, scores: list[Score]) -> None:
        cells: list[str] = []
        for score in scores:
            cells += (str((score.tp + score.fn) // report.num_runs), with_interval(score.f1))
        table.add_row(escape(name), *cells)

    for lang in report.sentences:
        row(lang, [part.language[lang] for part in parts])
    table.add_section()
    row("macro", [part.macro for part in parts])
    row("micro", [part.micro for part in parts])
    return table
