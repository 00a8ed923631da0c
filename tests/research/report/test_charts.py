"""Charts as XML: one element, the same bytes each time, with every label, and a mark for every score that there is."""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from mere.metrics.intervals import Measured
from mere.research.report import charts

SVG = "{http://www.w3.org/2000/svg}"
SCORE = Measured(value=0.5, low=0.4, high=0.7)
NONE = Measured(value=None)
NAN = math.nan


def intervals() -> str:
    rows = {"de": {"naive <a>": SCORE, "own & all": SCORE}, "te": {"naive <a>": NONE, "own & all": SCORE}}
    return charts.interval_chart(rows, title="Scores", x_label="F1, %", reference=SCORE)


def lines() -> str:
    of = {"de": [[(1.0, 2.0), (10.0, NAN), (100.0, 3.0)]], "te": [[(1.0, 1.0)], [(1.0, 4.0)]]}
    return charts.line_chart(of, title="Lines", x_label="steps", y_label="F1", logarithmic=True)


def bars() -> str:
    rows = {"encoder": {"a": 0.25, "b": -0.5}, "heads": {"a": NAN, "b": 1.0}}
    return charts.bar_chart(rows, title="Bars", x_label="cosine", reference=1.0)


def heat() -> str:
    values = [[0.25, NAN], [-0.001, 1.0]]
    return charts.heat_map(["de", "te"], ["en", "ru"], values, title="Heat", middle=0.0)


def scatter() -> str:
    points = [(0.0, 1.0), (2.0, 3.0), (1.0, 1.0)]
    return charts.scatter_chart(points, ["de", "de", "te"], title="unified/encoder")


LABELS: list[tuple[Callable[[], str], set[str]]] = [
    (intervals, {"naive <a>", "own & all", "de", "te", "F1, %"}),
    (lines, {"de", "te", "1", "10", "100", "steps", "F1"}),
    (bars, {"encoder", "heads", "a", "b", "0.25", "-0.50", "1.00", "cosine"}),
    (heat, {"de", "te", "en", "ru", "0.25", "0.00", "1.00"}),
    (scatter, {"de", "te", "unified/encoder"}),
]


@pytest.mark.parametrize(("draw", "labels"), LABELS)
def test_a_chart_is_one_element_with_its_labels(draw: Callable[[], str], labels: set[str]) -> None:
    svg = draw()
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.get("aria-label")
    texts = {(text.text or "").replace("\u2212", "-") for text in root.iter(f"{SVG}text")}
    assert labels <= texts
    assert not any(group.get("id") for group in root.iter(f"{SVG}g")), "ids occur once in a page"
    assert draw() == svg


def test_a_score_without_a_value_has_no_mark() -> None:
    one, two = ({"de": {"a": SCORE}, "te": {"a": other}} for other in (NONE, SCORE))
    marks = [
        len(
            list(
                ElementTree.fromstring(charts.interval_chart(rows, title="t", x_label="x")).iter(f"{SVG}use")
            )
        )
        for rows in (one, two)
    ]
    assert marks[0] < marks[1]


def test_nothing_to_draw_is_an_empty_chart() -> None:
    for svg in (
        charts.line_chart({}, title="t", x_label="x", y_label="y"),
        charts.interval_chart({"de": {"a": NONE}}, title="t", x_label="x"),
        charts.heat_map(["de"], ["te"], [[NAN]], title="t"),
    ):
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("value", "decimals", "text"), [(0.125, 1, "0.1"), (-0.001, 2, "0.00"), (None, 2, "–"), (NAN, 2, "–")]
)
def test_numbers(value: float | None, decimals: int, text: str) -> None:
    assert charts.shown(value, decimals) == text
