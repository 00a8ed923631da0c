"""Charts of an analysis: lines, bars, heat maps and points, drawn as the plots of `mere compare` are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mere.research.compare.svg import NUM_COLOURS, Drawing, Scale, label_of

Point = tuple[float, float]

WIDTH = 760.0
_LETTER = 7.2
"""Width of one character of a label, about, in pixels."""


def shown(value: float | None, decimals: int = 2) -> str:
    """Return a number as people read it; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value, decimals) + 0.0:.{decimals}f}"  # no minus before 0


def per_cent(share: float) -> str:
    """Return a share as a whole number of per cent."""
    return f"{shown(100 * share, 0)} %"


def line_chart(
    lines: Mapping[str, Sequence[Point]], *, label: str, x_label: str, y_label: str, logarithmic: bool = False
) -> str:
    """Draw lines over one x axis, with a key beside them.

    Args:
        lines: name to points in order of x; a y that is NaN is left out.
        logarithmic: of the x axis, whose ticks are then the points' own; x is above 0.
    """
    known = {name: [p for p in line if math.isfinite(p[1])] for name, line in lines.items()}
    xs = sorted({x for line in known.values() for x, _ in line})
    right, bottom = WIDTH - 40 - _LETTER * max(map(len, lines)), 300.0
    drawing = Drawing(WIDTH, max(bottom + 46, 40 + 20 * len(lines)), label)
    place = math.log if logarithmic else float
    x = Scale.around([place(value) for value in xs], 66, right)
    y = Scale.around([value for line in known.values() for _, value in line], bottom, 14, from_zero=True)
    drawing.y_axis(y, 66, right, y_label)
    if logarithmic:
        for value in xs:
            drawing.text(x(place(value)), bottom + 16, label_of(value), "tick", "middle")
        drawing.line(66, bottom, right, bottom, "axis")
        drawing.text((66 + right) / 2, bottom + 36, x_label, "title", "middle")
    else:
        drawing.x_axis(x, 14, bottom, x_label)
    for series, (name, line) in enumerate(known.items()):
        at = [(x(place(px)), y(py)) for px, py in line]
        if len(at) > 1:
            drawing.curve(at, series, name)
        for (px, py), (left, top) in zip(line, at, strict=True):
            drawing.mark(left, top, series, f"{name}, {label_of(px)}: {shown(py, 3)}", 3.5)
        drawing.mark(right + 18, 22 + 20 * series, series, name)
        drawing.text(right + 30, 26 + 20 * series, name, "name")
    return drawing.svg()


def bar_chart(
    groups: Mapping[str, Mapping[str, float]], *, label: str, x_label: str, chance: float | None = None
) -> str:
    """Draw horizontal bars: a group per row, in it a bar per series.

    Args:
        chance: where to draw a broken line.
    """
    series = list(dict.fromkeys(name for bars in groups.values() for name in bars))
    bar, gap, top = 13.0, 9.0, 30.0
    left = 24 + _LETTER * max(map(len, groups))
    bottom = top + sum(bar * len(bars) + gap for bars in groups.values())
    drawing = Drawing(WIDTH, bottom + 46, label)
    values = [v for bars in groups.values() for v in bars.values() if math.isfinite(v)]
    values += [] if chance is None else [chance]
    scale = Scale.around([0.0, *values], left, WIDTH - 20, from_zero=min(values, default=0.0) >= 0)
    drawing.x_axis(scale, top, bottom, x_label)
    x = left
    for place, name in enumerate(series if len(series) > 1 else ()):
        drawing.rect(x, 6, 11, 11, f"fill s{place % NUM_COLOURS}")
        drawing.text(x + 17, 16, name, "name")
        x += 40 + _LETTER * len(name)
    y = top + gap / 2
    for group, bars in groups.items():
        drawing.text(left - 10, y + bar * len(bars) / 2 + 4, group, "name", "end")
        for name, value in bars.items():
            if math.isfinite(value):
                low, high = sorted((scale(0.0), scale(value)))
                drawing.rect(
                    low, y, max(high - low, 0.5), bar - 2, f"fill s{series.index(name) % NUM_COLOURS}"
                )
                drawing.text(high + 5, y + bar - 4, shown(value), "tick")
            y += bar
        y += gap
    if chance is not None:
        drawing.line(scale(chance), top, scale(chance), bottom, "baseline")
    return drawing.svg()


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    label: str,
    middle: float | None = None,
    decimals: int = 2,
) -> str:
    """Draw a matrix: the more, the darker; with `middle`, one colour above it and another below.

    Args:
        values: (rows, columns); NaN is left blank.
    """
    finite = [value for row in values for value in row if math.isfinite(value)] or [0.0]
    base = min(finite) if middle is None else middle
    reach = max(max(finite) - base, base - min(finite)) or 1.0
    wide = max(_LETTER * max(map(len, columns)) + 8, 9.0 * decimals + 32)
    left, top, high = 24 + _LETTER * max(map(len, rows)), 26.0, 24.0
    drawing = Drawing(max(WIDTH, left + wide * len(columns) + 10), top + high * len(rows) + 8, label)
    for column, name in enumerate(columns):
        drawing.text(left + wide * (column + 0.5), 18, name, "name", "middle")
    for place, (name, row) in enumerate(zip(rows, values, strict=True)):
        y = top + high * place
        drawing.text(left - 10, y + 16, name, "name", "end")
        for column, value in enumerate(row):
            x = left + wide * column
            if math.isfinite(value):
                share = (value - base) / reach
                depth = min(9, int(abs(share) * 10))
                drawing.rect(x, y, wide - 2, high - 2, f"heat {'above' if share >= 0 else 'below'} d{depth}")
            drawing.text(x + wide / 2 - 1, y + 16, shown(value, decimals), "", "middle")
    return drawing.svg()


def scatter(points: Sequence[Point], groups: Sequence[str], *, label: str) -> str:
    """Draw points with the mark of their group; the axes have no unit, and one scale."""
    size, left, top = 260.0, 8.0, 26.0
    xs, ys = [x for x, _ in points], [y for _, y in points]
    reach = 1.1 * max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    x = Scale((min(xs) + max(xs) - reach) / 2, (min(xs) + max(xs) + reach) / 2, left, left + size)
    y = Scale((min(ys) + max(ys) - reach) / 2, (min(ys) + max(ys) + reach) / 2, top + size, top)
    names = list(dict.fromkeys(groups))
    drawing = Drawing(left + size + 70, max(top + size, top + 18 * len(names)) + 8, label)
    drawing.rect(left, top, size, size, "band")
    drawing.text(left, 16, label, "title")
    for (px, py), group in zip(points, groups, strict=True):
        drawing.mark(x(px), y(py), names.index(group), group, 2.8)
    for place, name in enumerate(names):
        drawing.mark(left + size + 16, top + 10 + 18 * place, place, name)
        drawing.text(left + size + 28, top + 14 + 18 * place, name, "name")
    return drawing.svg()
