"""The plots of a comparison: macro means, single languages, cost against F1, training curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mere.metrics.intervals import Measured
from mere.metrics.render import with_interval
from mere.research.compare.curves import Curves
from mere.research.compare.svg import Drawing, Scale
from mere.research.results import Results

WIDTH = 760.0
_ROW, _BAND = 26.0, 11.0
_LABEL_PIXELS = 7.2
"""Of one character of a row's label, about."""


def macro_plot(results: Results, metric: str, baseline: str) -> str:
    """Draw each regime's macro mean with its interval, and a line where the baseline stands."""
    scores = {name: system.metrics[metric]["macro"] for name, system in results.systems.items()}
    left, top = _room_for(scores), 14.0
    bottom = top + _ROW * len(scores)
    drawing = Drawing(WIDTH, bottom + 46, f"Macro {metric} of each regime")
    scale = Scale.around(_percentages(scores.values()), left, WIDTH - 20)
    drawing.x_axis(scale, top, bottom, f"{metric}, mean over languages, %")
    _mark_baseline(drawing, scale, scores.get(baseline), top, bottom)
    for series, (name, score) in enumerate(scores.items()):
        y = top + _ROW * (series + 0.5)
        drawing.text(left - 10, y + 4, name, "name", "end")
        _across(drawing, scale, score, y, series, f"{name}: {with_interval(score)}", 5.0)
    return drawing.svg()


def language_plot(results: Results, metric: str, langs: Sequence[str]) -> str:
    """Draw a band of regimes for every language, in the order given."""
    by_lang = {
        lang: {name: system.metrics[metric].get(lang) for name, system in results.systems.items()}
        for lang in langs
    }
    height = _BAND * len(results.systems) + 12
    left, top = 62.0, 10.0
    bottom = top + height * len(by_lang)
    drawing = Drawing(WIDTH, bottom + 46, f"{metric} of each regime in each language")
    known = [score for scores in by_lang.values() for score in scores.values() if score is not None]
    scale = Scale.around(_percentages(known), left, WIDTH - 20)
    drawing.x_axis(scale, top, bottom, f"{metric}, %")
    for row, (lang, scores) in enumerate(by_lang.items()):
        begin = top + height * row
        if row % 2:
            drawing.rect(8, begin, WIDTH - 28, height, "band")
        drawing.text(left - 12, begin + height / 2 + 4, lang, "name", "end")
        for series, (name, score) in enumerate(scores.items()):
            if score is not None:
                y = begin + 6 + _BAND * (series + 0.5)
                _across(drawing, scale, score, y, series, f"{lang}, {name}: {with_interval(score)}", 3.6)
    return drawing.svg()


def cost_plot(results: Results, metric: str) -> str:
    """Draw the macro mean of each regime over the time that its training took."""
    points = [
        (name, system.costs.train_seconds / 60, system.metrics[metric]["macro"])
        for name, system in results.systems.items()
        if system.costs is not None and system.costs.train_seconds is not None
    ]
    names = list(results.systems)
    right = WIDTH - 20
    drawing = Drawing(WIDTH, 400, f"Macro {metric} over minutes of training")
    x = Scale.around([minutes for _, minutes, _ in points], 66, right, from_zero=True)
    y = Scale.around(_percentages([score for _, _, score in points]), 350, 14)
    drawing.x_axis(x, 14, 350, "training of one seed, all its models, minutes of one thread")
    drawing.y_axis(y, 66, right, f"{metric}, mean over languages, %")
    for name, minutes, score in points:
        if score.value is None:
            continue
        series, px, py = names.index(name), x(minutes), y(100 * score.value)
        if score.low is not None and score.high is not None:
            drawing.interval(px, y(100 * score.low), px, y(100 * score.high), series)
        drawing.mark(px, py, series, f"{name}: {with_interval(score)}, {minutes:.1f} min", 5.5)
    return drawing.svg()


def dev_plot(curves: Mapping[str, Sequence[Curves]], metric: str) -> str:
    """Draw dev F1 over steps, a line per seed; regimes have the colours of the other plots."""
    lines = {name: [(c.seed, [(x, 100 * y) for x, y in c.dev]) for c in of] for name, of in curves.items()}
    return _lines_plot(lines, f"{metric} on dev, mean over languages, %", marks=True)


def loss_plot(curves: Mapping[str, Sequence[Curves]]) -> str:
    """Draw the training loss over steps, a line per seed."""
    lines = {name: [(c.seed, _smooth(c.loss)) for c in of] for name, of in curves.items()}
    return _lines_plot(lines, "training loss, all tasks, running mean", marks=False)


def _lines_plot(
    lines: Mapping[str, Sequence[tuple[int, Sequence[tuple[float, float]]]]], title: str, *, marks: bool
) -> str:
    every = [point for of in lines.values() for _, points in of for point in points]
    drawing = Drawing(WIDTH, 360, f"{title} over optimiser steps")
    x = Scale.around([point[0] for point in every], 66, WIDTH - 20, from_zero=True)
    y = Scale.around([point[1] for point in every], 310, 14)
    drawing.x_axis(x, 14, 310, "optimiser steps, all models of a regime together")
    drawing.y_axis(y, 66, WIDTH - 20, title)
    for series, (name, of) in enumerate(lines.items()):
        for seed, points in of:
            at = [(x(px), y(py)) for px, py in points]
            if len(at) > 1:
                drawing.curve(at, series, f"{name}, seed {seed}")
            if marks:
                for (px, py), (steps, value) in zip(at, points, strict=True):
                    drawing.mark(px, py, series, f"{name}, seed {seed}: {value:.1f} at {steps:,.0f}", 3.5)
    return drawing.svg()


def key(names: Sequence[str]) -> str:
    """Draw the mark and colour of every regime."""
    drawing = Drawing(WIDTH, 22, "Key")
    x = 8.0
    for series, name in enumerate(names):
        width = 26 + _LABEL_PIXELS * len(name)
        if x + width > WIDTH:
            x, drawing.height = 8.0, drawing.height + 20
        drawing.mark(x + 5, drawing.height - 11, series, name)
        drawing.text(x + 15, drawing.height - 7, name, "name")
        x += width
    return drawing.svg()


def _across(
    drawing: Drawing, scale: Scale, score: Measured, y: float, series: int, tip: str, size: float
) -> None:
    if score.value is None:
        return
    if score.low is not None and score.high is not None:
        drawing.interval(scale(100 * score.low), y, scale(100 * score.high), y, series)
    drawing.mark(scale(100 * score.value), y, series, tip, size)


def _mark_baseline(drawing: Drawing, scale: Scale, score: Measured | None, top: float, bottom: float) -> None:
    if score is not None and score.value is not None:
        drawing.line(scale(100 * score.value), top, scale(100 * score.value), bottom, "baseline")


def _percentages(scores: Iterable[Measured]) -> list[float]:
    found = [n for s in scores for n in (s.value, s.low, s.high) if n is not None]
    return [100 * number for number in found]


def _room_for(names: Mapping[str, object]) -> float:
    return 24 + _LABEL_PIXELS * max((len(name) for name in names), default=0)


def _smooth(points: Sequence[tuple[float, float]], window: int = 5) -> list[tuple[float, float]]:
    """Return a running mean over the last `window` records of the log."""
    return [
        (x, sum(y for _, y in points[max(0, i + 1 - window) : i + 1]) / min(window, i + 1))
        for i, (x, _) in enumerate(points)
    ]
