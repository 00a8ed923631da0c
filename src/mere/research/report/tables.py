"""Tables of text, as Markdown too, and how figures are written in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mere.metrics.render import UNKNOWN
from mere.research.results import Costs, Results, System

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
