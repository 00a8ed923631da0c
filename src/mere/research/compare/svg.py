"""Plots as plain SVG: scales with round ticks, marks, lines, and text that takes the page's own colours.

Colours are CSS classes (`s0` … for series, `grid`, `axis`), so a page is readable on dark and on light ground.
Series differ by the shape of their mark as well as by colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

NUM_COLOURS = 8
_SHAPES = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Scale:
    """A linear map of values to pixels."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self, most: int = 7) -> list[float]:
        """Return round values inside the scale, at most `most` of them."""
        return round_ticks(self.low, self.high, most)

    @classmethod
    def around(cls, values: Sequence[float], begin: float, end: float, *, from_zero: bool = False) -> Scale:
        """Return a scale that holds the values with a little room; all alike are given room too."""
        low, high = (min(values), max(values)) if values else (0.0, 1.0)
        low = 0.0 if from_zero else low
        room = 0.06 * (high - low) or 0.06 * abs(high) or 0.5
        return cls(low if from_zero else low - room, high + room, begin, end)


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten between `low` and `high`, at most `most` of them."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    factor = next(f for f in (1, 2, 5, 10, 20, 50) if (high - low) / (step * f) <= most - 1)
    step *= factor
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def label_of(value: float) -> str:
    """Write a tick's value: 0.5, 20, 1,500."""
    return f"{value:,.10g}"


@dataclass
class Drawing:
    """An SVG picture while it is drawn; coordinates are pixels of a `width` wide view."""

    width: float
    height: float
    label: str
    parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        self.parts.append(f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def rect(self, x: float, y: float, width: float, height: float, css: str) -> None:
        self.parts.append(
            f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        )

    def text(self, x: float, y: float, words: str, css: str = "", anchor: str = "start") -> None:
        self.parts.append(
            f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def curve(self, points: Sequence[tuple[float, float]], series: int, tip: str) -> None:
        path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
        self.parts.append(f'<path class="curve s{series % NUM_COLOURS}" d="{path}">{_tip(tip)}</path>')

    def mark(self, x: float, y: float, series: int, tip: str, size: float = 4.5) -> None:
        """Draw the mark of a series; `tip` is shown under the pointer."""
        shape = _SHAPES[(series + series // NUM_COLOURS) % len(_SHAPES)]  # no two alike before the 33rd
        css, r = f"mark s{series % NUM_COLOURS}", size
        if shape == "circle":
            drawn = f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}">{_tip(tip)}</circle>'
        else:
            corners = {
                "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
                "diamond": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
                "triangle": [(0, -1.2), (1.15, 0.85), (-1.15, 0.85)],
            }[shape]
            points = " ".join(f"{x + r * dx:.1f},{y + r * dy:.1f}" for dx, dy in corners)
            drawn = f'<polygon class="{css}" points="{points}">{_tip(tip)}</polygon>'
        self.parts.append(drawn)

    def interval(self, x1: float, y1: float, x2: float, y2: float, series: int) -> None:
        self.line(x1, y1, x2, y2, f"interval s{series % NUM_COLOURS}")

    def x_axis(self, scale: Scale, top: float, bottom: float, title: str) -> None:
        for tick in scale.ticks():
            x = scale(tick)
            self.line(x, top, x, bottom, "grid")
            self.text(x, bottom + 16, label_of(tick), "tick", "middle")
        self.line(scale.begin, bottom, scale.end, bottom, "axis")
        self.text((scale.begin + scale.end) / 2, bottom + 36, title, "title", "middle")

    def y_axis(self, scale: Scale, left: float, right: float, title: str) -> None:
        for tick in scale.ticks():
            y = scale(tick)
            self.line(left, y, right, y, "grid")
            self.text(left - 8, y + 4, label_of(tick), "tick", "end")
        self.line(left, scale.begin, left, scale.end, "axis")
        x, y = 16.0, (scale.begin + scale.end) / 2
        self.parts.append(
            f'<text class="title" text-anchor="middle" transform="translate({x:.1f} {y:.1f}) rotate(-90)">'
            f"{escape(title)}</text>"
        )

    def svg(self) -> str:
        """Return the picture as an element to stand in a page."""
        return (
            f'<svg viewBox="0 0 {self.width:.0f} {self.height:.0f}" role="img" '
            f'aria-label="{escape(self.label)}">' + "".join(self.parts) + "</svg>"
        )


def _tip(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""
