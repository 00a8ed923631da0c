"""A results file as Markdown tables, scores in percent: what stands between the markers of `tables.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from mere.errors import DataError, nearest
from mere.metrics.intervals import Measured
from mere.metrics.render import UNKNOWN, with_interval
from mere.research.results import Costs, Results, System

DEFAULT_METRIC = "triple_f1/strict"
SUMMARY = ("macro", "micro")


def render_table(
    results: Results, metric: str = DEFAULT_METRIC, *, table: str = "languages", systems: Sequence[str] = ()
) -> str:
    """Write one table of a results file as Markdown.

    Args:
        metric: for the tables of scores and comparisons.
        table: "languages" (one row per system), "sources", "recall" (of seen and unseen triples), "costs",
            "comparisons" or "attempts" (that failed).
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
    return _TABLES[table](results, chosen, metric)


def _languages(results: Results, systems: Mapping[str, System], metric: str) -> str:
    rows = {name: _scores(system.metrics, metric, f"system {name}") for name, system in systems.items()}
    return _score_table("system", rows, _scopes(rows.values()))


def _sources(results: Results, systems: Mapping[str, System], metric: str) -> str:
    columns = {name: _scores(system.per_source, metric, f"system {name}") for name, system in systems.items()}
    sources = sorted({source for scores in columns.values() for source in scores})
    rows = {source: {name: s[source] for name, s in columns.items() if source in s} for source in sources}
    return _score_table("source", rows, list(columns))


def _recall(results: Results, systems: Mapping[str, System], metric: str) -> str:
    rows = {
        f"{name}, {part}": scores
        for name, system in systems.items()
        for part, scores in system.recall.items()
    }
    return _score_table("system, seen in training or not", rows, _scopes(rows.values()))


def _costs(results: Results, systems: Mapping[str, System], metric: str) -> str:
    header = [
        "system",
        "training",
        "steps",
        "epochs per language",
        "trained",
        "parameters",
        "stored",
        "peak memory",
    ]
    rows = []
    for name, system in systems.items():
        costs = system.costs
        if costs is None:
            rows.append([name, *[UNKNOWN] * (len(header) - 1)])
            continue
        epochs = sorted(set(costs.epochs_per_language.values()))
        span = (
            f"{epochs[0]:.3g}" + (f" to {epochs[-1]:.3g}" if len(epochs) > 1 else "") if epochs else UNKNOWN
        )
        rows.append(
            [
                name,
                _unit(costs.train_seconds, 60, "min"),
                UNKNOWN if costs.steps is None else f"{costs.steps:,}",
                span,
                _trained(costs),
                _unit(costs.parameters_total, 1e6, "M"),
                _unit(costs.bytes_stored, 1e6, "MB"),
                _unit(costs.peak_memory_mb, 1, "MB"),
            ]
        )
    return markdown_table(header, rows)


def _comparisons(results: Results, systems: Mapping[str, System], metric: str) -> str:
    chosen = [c for c in results.comparisons if c.metric == metric and c.a in systems and c.b in systems]
    corrected = ["p (Holm)"] if any(c.p_holm is not None for c in chosen) else []
    header = ["a − b", "scope", "points", "p", *corrected, "test"]
    rows = [
        [
            f"{c.a} − {c.b}",
            c.scope,
            points(c.difference, c.low, c.high),
            p_value(c.p),
            *(p_value(c.p_holm) for _ in corrected),
            c.test,
        ]
        for c in chosen
    ]
    if not rows:
        known = sorted({comparison.metric for comparison in results.comparisons})
        raise DataError(
            f'no comparison by "{metric}" of these systems.{nearest(metric, known)} Compare them first.'
        )
    return markdown_table(header, rows)


def _attempts(results: Results, systems: Mapping[str, System], metric: str) -> str:
    rows = [[attempt.what, attempt.outcome, attempt.note] for attempt in results.failed_attempts]
    return markdown_table(["tried", "outcome", "note"], rows, numbers=False)


_TABLES: Mapping[str, Callable[[Results, Mapping[str, System], str], str]] = {
    "languages": _languages,
    "sources": _sources,
    "recall": _recall,
    "costs": _costs,
    "comparisons": _comparisons,
    "attempts": _attempts,
}


def _scores(by_metric: Mapping[str, dict[str, Measured]], metric: str, where: str) -> dict[str, Measured]:
    if metric not in by_metric:
        known = ", ".join(by_metric) or "none"
        raise DataError(f'{where} has no metric "{metric}".{nearest(metric, by_metric)} It has: {known}.')
    return by_metric[metric]


def _scopes(rows: Iterable[Mapping[str, Measured]]) -> list[str]:
    """Return the languages in order of their codes, then macro and micro."""
    names = {scope for row in rows for scope in row}
    return [*sorted(names.difference(SUMMARY)), *(scope for scope in SUMMARY if scope in names)]


def _score_table(corner: str, rows: Mapping[str, Mapping[str, Measured]], columns: Sequence[str]) -> str:
    unknown = Measured(value=None)
    cells = [
        [name, *(with_interval(row.get(column, unknown)) for column in columns)] for name, row in rows.items()
    ]
    return markdown_table([corner, *columns], cells)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True) -> str:
    """Write a table whose first column is text and whose others are numbers, set to the right."""
    rule = ["---", *(["---:" if numbers else "---"] * (len(header) - 1))]
    return "\n".join("| " + " | ".join(map(_escape, row)) + " |" for row in (header, rule, *rows))


def _escape(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")


def _unit(value: float | None, size: float, unit: str) -> str:
    return UNKNOWN if value is None else f"{value / size:,.1f} {unit}"


def _trained(costs: Costs) -> str:
    """Write how many numbers each stage trains, one after the other."""
    stages = costs.parameters_by_stage.values()
    if not stages:
        return _unit(costs.parameters_trained, 1e6, "M")
    return " → ".join(_unit(number, 1e6, "M") for number in stages)


def points(difference: float | None, low: float | None, high: float | None) -> str:
    """Write a difference of fractions in points with its interval: "+6.0 [+4.1, +7.9]"."""
    if difference is None:
        return UNKNOWN
    interval = "" if low is None or high is None else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * difference:+.1f}{interval}"


def p_value(p: float | None) -> str:
    """Write a p value with three decimals."""
    return UNKNOWN if p is None else ("< 0.001" if p < 0.001 else f"{p:.3f}")
