"""A results file as tables of text, scores in percent: for Markdown and for the HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mere.errors import DataError, nearest
from mere.metrics.intervals import Measured
from mere.metrics.render import UNKNOWN, with_interval
from mere.research.results import Comparison, Costs, Results, System

SUMMARY = ("macro", "micro")
Systems = Mapping[str, System]


class Table(NamedTuple):
    """A header and rows of cells; the first column names the rows."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self, *, numbers: bool = True) -> str:
        """Return a Markdown table, with all but the first column aligned right if they are numbers."""
        rule = ["---", *(["---:" if numbers else "---"] * (len(self.header) - 1))]
        return "\n".join(
            "| " + " | ".join(map(_escaped, row)) + " |" for row in (self.header, rule, *self.rows)
        )


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


def cost_table(systems: Systems) -> Table:
    """Return what each system took to train and takes to store."""
    header = ["system", "training", "steps", "epochs per language", "trained", "parameters", "stored"]
    rows = [[name, *_costs(system.costs or Costs())] for name, system in systems.items()]
    return Table([*header, "peak memory"], rows)


def _costs(costs: Costs) -> list[str]:
    return [
        in_units(costs.train_seconds, 60, "min"),
        UNKNOWN if costs.steps is None else f"{costs.steps:,}",
        _range(costs.epochs_per_language.values()),
        " → ".join(in_units(number, 1e6, "M") for number in costs.parameters_by_stage.values())
        or in_units(costs.parameters_trained, 1e6, "M"),
        in_units(costs.parameters_total, 1e6, "M"),
        in_units(costs.bytes_stored, 1e6, "MB"),
        in_units(costs.peak_memory_mb, 1, "MB"),
    ]


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """Return a row for each comparison, with Holm's p where there is one."""
    corrected = any(c.p_holm is not None for c in comparisons)
    rows = []
    for c in comparisons:
        holm = [p_value(c.p_holm)] if corrected else []
        difference = points(c.difference, c.low, c.high)
        rows.append([f"{c.a} − {c.b}", c.scope, difference, p_value(c.p), *holm, c.test])
    return Table(["a − b", "scope", "points", "p", *(["p (Holm)"] if corrected else []), "test"], rows)


def attempt_table(results: Results) -> Table:
    """Return what was tried and failed."""
    rows = [[attempt.what, attempt.outcome, attempt.note] for attempt in results.failed_attempts]
    return Table(["tried", "outcome", "note"], rows)


def points(difference: float | None, low: float | None, high: float | None) -> str:
    """Write a difference of fractions in percentage points with its interval: "+6.0 [+4.1, +7.9]"."""
    if difference is None:
        return UNKNOWN
    interval = "" if low is None or high is None else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * difference:+.1f}{interval}"


def p_value(p: float | None) -> str:
    """Write a p value with three decimals."""
    return UNKNOWN if p is None else ("< 0.001" if p < 0.001 else f"{p:.3f}")


def in_units(value: float | None, size: float, unit: str) -> str:
    """Write a value as a multiple of `size` with one decimal: "15.5 min"."""
    return UNKNOWN if value is None else f"{value / size:,.1f} {unit}"


def _range(values: Iterable[float]) -> str:
    ordered = sorted(set(values))
    ends = dict.fromkeys(f"{value:.3g}" for value in (*ordered[:1], *ordered[-1:]))
    return " to ".join(ends) or UNKNOWN


def _escaped(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
