"""Charts of a report as SVG: points with intervals, lines, bars, heat maps and scatter plots.

Each function returns one `<svg>` element with its text kept as text, the same bytes for the same figures.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from mere.metrics.intervals import Measured
from mere.metrics.render import UNKNOWN

if (
    TYPE_CHECKING
):  # it takes seconds to import: where a chart is drawn, and not where a report might be written
    from matplotlib.axes import Axes

WIDTH = 8.0
"""Inches of a whole-width chart; an inch is 72 units of the SVG."""
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#d9dee4",
    "legend.frameon": False,
}
_MARKERS = "osD^vPX*"
Point = tuple[float, float]


class Chart:
    """One chart while it is drawn."""

    def __init__(self, title: str, axes: Axes):
        self.title, self.axes = title, axes
        self.svg = ""


@contextmanager
def _chart(title: str, width: float, height: float) -> Iterator[Chart]:
    """Give axes to draw on; afterwards `svg` is the element."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(width, max(height, 0.8)), layout="constrained")
        chart = Chart(title, figure.add_subplot())
        yield chart
        written = io.StringIO()
        FigureCanvasSVG(figure).print_svg(written, metadata={"Date": None})  # type: ignore[no-untyped-call]
    text = written.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(
        r'<g id="[^"]*"', "<g", text
    )  # names such as figure_1 would occur once for each chart of a page
    chart.svg = text.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)


def interval_chart(
    rows: Mapping[str, Mapping[str, Measured | None]],
    *,
    title: str,
    x_label: str,
    reference: Measured | None = None,
) -> str:
    """Draw measured fractions as per cent with their intervals: a row for each name, in it a mark for each series.

    Args:
        rows: name to series to score; what has no value has no mark.
        reference: where to draw a broken line.
    """
    series = list(dict.fromkeys(name for scores in rows.values() for name in scores))
    step = 1 / (len(series) + 1)
    with _chart(title, WIDTH, 0.9 + len(rows) * max(0.26, 0.13 * len(series))) as chart:
        for number, name in enumerate(series):
            at = [
                (row + step * (number + 1) - 0.5, s)
                for row, scores in enumerate(rows.values())
                if (s := scores.get(name)) is not None and s.value is not None
            ]
            x = np.array([100 * (s.value or 0.0) for _, s in at])
            ends = [
                [100 * (end if end is not None else s.value or 0.0) for end in (s.low, s.high)] for _, s in at
            ]
            errors = np.abs(np.array(ends).reshape(-1, 2).T - x)
            chart.axes.errorbar(
                x,
                [y for y, _ in at],
                xerr=errors,
                fmt=_MARKERS[number % len(_MARKERS)],
                color=f"C{number % 10}",
                markersize=4,
                label=name,
            )
        if reference is not None and reference.value is not None:
            chart.axes.axvline(100 * reference.value, color="black", linestyle="--", linewidth=0.8)
        chart.axes.set_yticks(range(len(rows)), list(rows))
        chart.axes.set_ylim(len(rows) - 0.5, -0.5)
        chart.axes.set_xlabel(x_label)
        _legend(chart.axes, series)
    return chart.svg


def line_chart(
    lines: Mapping[str, Sequence[Sequence[Point]]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    logarithmic: bool = False,
    marks: bool = True,
) -> str:
    """Draw lines over one x axis, with a key.

    Args:
        lines: name to its lines, all of one colour, each of points in order of x; a y that is NaN is left out.
        logarithmic: of the x axis, whose ticks are then at the points.
    """
    with _chart(title, WIDTH, 4.0) as chart:
        for number, (name, of) in enumerate(lines.items()):
            for place, points in enumerate(of):
                known = [point for point in points if math.isfinite(point[1])]
                chart.axes.plot(
                    [x for x, _ in known],
                    [y for _, y in known],
                    color=f"C{number % 10}",
                    marker=_MARKERS[number % len(_MARKERS)] if marks else "",
                    markersize=4,
                    linewidth=1.2,
                    label=name if place == 0 else None,
                )
        if logarithmic:
            ticks = sorted({x for of in lines.values() for points in of for x, _ in points})
            chart.axes.set_xscale("log")
            chart.axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            chart.axes.minorticks_off()
        chart.axes.set_xlabel(x_label)
        chart.axes.set_ylabel(y_label)
        _legend(chart.axes, list(lines))
    return chart.svg


def bar_chart(
    rows: Mapping[str, Mapping[str, float]], *, title: str, x_label: str, reference: float | None = None
) -> str:
    """Draw horizontal bars: a row for each name, in it a bar for each series.

    Args:
        reference: where to draw a broken line.
    """
    series = list(dict.fromkeys(name for bars in rows.values() for name in bars))
    height = 0.8 / max(1, len(series))
    with _chart(title, WIDTH, 0.9 + 0.16 * len(rows) * (len(series) + 1)) as chart:
        for number, name in enumerate(series):
            places = [row - 0.4 + height * (number + 0.5) for row in range(len(rows))]
            values = [bars.get(name, math.nan) for bars in rows.values()]
            drawn = chart.axes.barh(places, values, height, label=name, color=f"C{number % 10}")
            labels = [shown(value) if math.isfinite(value) else "" for value in values]
            chart.axes.bar_label(drawn, labels, padding=2, fontsize=7)
        if reference is not None:
            chart.axes.axvline(reference, color="black", linestyle="--", linewidth=0.8)
        chart.axes.set_yticks(range(len(rows)), list(rows))
        chart.axes.set_ylim(len(rows) - 0.5, -0.5)
        chart.axes.set_xlabel(x_label)
        _legend(chart.axes, series)
    return chart.svg


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    title: str,
    middle: float | None = None,
    decimals: int = 2,
) -> str:
    """Draw a matrix with its numbers: the more, the darker; with `middle`, one colour above it and another below.

    Args:
        values: (rows, columns); NaN is left blank.
    """
    matrix = np.array(values, dtype=float).reshape(len(rows), len(columns))
    known = matrix[np.isfinite(matrix)] if np.isfinite(matrix).any() else np.zeros(1)
    low, high = float(known.min()), float(known.max())
    if middle is not None:
        reach = max(high - middle, middle - low) or 1.0
        low, high = middle - reach, middle + reach
    name_inches = 0.075 * max(map(len, rows))
    with _chart(title, max(3.0, name_inches + 0.55 * len(columns)), 0.5 + 0.27 * len(rows)) as chart:
        chart.axes.grid(False)
        colours = "Blues" if middle is None else "PuOr_r"
        high += 1.0 if high == low else 0.0
        cells = np.ma.masked_invalid(matrix)
        chart.axes.pcolormesh(cells, cmap=colours, vmin=low, vmax=high, alpha=0.7, edgecolors="white")
        for row, column in np.argwhere(np.isfinite(matrix)):
            number = shown(float(matrix[row, column]), decimals)
            chart.axes.text(column + 0.5, row + 0.5, number, ha="center", va="center", fontsize=8)
        chart.axes.set_xticks(np.arange(len(columns)) + 0.5, list(columns))
        chart.axes.set_yticks(np.arange(len(rows)) + 0.5, list(rows))
        chart.axes.invert_yaxis()
        chart.axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    return chart.svg


def scatter_chart(points: Sequence[Point], groups: Sequence[str], *, title: str) -> str:
    """Draw points with the mark and colour of their group; the axes have no unit, and one scale."""
    with _chart(title, 3.4, 2.7) as chart:
        for number, group in enumerate(dict.fromkeys(groups)):
            of = [point for point, name in zip(points, groups, strict=True) if name == group]
            chart.axes.scatter(
                [x for x, _ in of],
                [y for _, y in of],
                s=6,
                marker=_MARKERS[number % len(_MARKERS)],
                color=f"C{number % 10}",
                label=group,
            )
        chart.axes.set_title(title, fontsize=9, loc="left")
        chart.axes.set_aspect("equal", "datalim")
        chart.axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        chart.axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7)
    return chart.svg


def shown(value: float | None, decimals: int = 2) -> str:
    """Write a number with some decimals, without a minus before 0; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def per_cent(share: float) -> str:
    """Write a share as a whole number of per cent."""
    return f"{shown(100 * share, 0)} %"


def _legend(axes: Axes, names: Sequence[str]) -> None:
    """Put a key above the axes where there are several series."""
    if len(names) > 1:
        longest = max(map(len, names))
        columns = max(1, min(len(names), int(100 / (longest + 6))))
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, fontsize=8)
