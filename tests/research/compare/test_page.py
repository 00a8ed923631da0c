"""The page and the plots: self-contained, with the numbers of the results file."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mere.metrics.render import with_interval
from mere.research.compare.curves import Curves
from mere.research.compare.report import headline, page_of
from mere.research.report.tables import p_value, points
from mere.research.results import Comparison, Costs, FailedAttempt, Results
from tests.research import results_examples

METRIC = "triple_f1/strict"
FIGURES = {"macro-triple-f1-strict", "languages-triple-f1-strict", "cost", "dev", "loss"}


def made_up() -> Results:
    """Two systems with costs, tests in every scope, a failure, and words that HTML would trip over."""
    results = results_examples.results()
    naive = results.systems["naive"]
    costs = Costs(
        train_seconds=120, steps=900, epochs_per_language={"de": 6, "te": 6}, bytes_stored=2_000_000
    )
    results.systems["naive"] = naive.model_copy(
        update={"costs": costs, "description": 'One model for <all> & "every" language.', "note": "Mind."}
    )
    results.comparisons = [
        Comparison(
            a="two-stage",
            b="naive",
            metric=METRIC,
            scope=scope,
            difference=0.06,
            low=0.01,
            high=0.11,
            p=p,
            p_holm=2 * p,
            family=2,
        )
        for scope, p in (("macro", 0.0005), ("de", 0.004), ("te", 0.2))
    ]
    results.failed_attempts = [
        FailedAttempt(what="lora, seed 1", outcome="killed by SIGKILL", note="</script><b>x")
    ]
    results.split = "test"
    return results


CURVES = {
    "naive": [Curves(0, [(50.0, 3.0), (100.0, 2.0)], [(60.0, 0.2), (100.0, 0.4)], [("together", 100)])],
    "two-stage": [Curves(0, [(50.0, 3.0), (100.0, 1.0)], [(100.0, 0.46)], [("unified", 100)])],
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(page_of(made_up(), CURVES, [METRIC], "naive").html(), encoding="utf-8")
    return path


class Tables(HTMLParser):
    """Reads every table of a page: its id to rows of cells' text; and the JSON at the end."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.json, self._rows, self._in = "", [[""]], ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = self.tables[dict(attrs)["id"] or ""] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "br":
            self._rows[-1][-1] += " "
        self._in = tag if tag in ("td", "th", "script") else self._in

    def handle_endtag(self, tag: str) -> None:
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.json += data
        elif self._in:
            self._rows[-1][-1] += data


def test_the_numbers_on_the_page_are_those_of_the_results_file(page: Path) -> None:
    results = made_up()
    read = Tables(page.read_text(encoding="utf-8"))
    assert Results.model_validate_json(read.json) == results
    header, *rows = read.tables["scores-triple-f1-strict"]
    assert header == ["regime", "de", "te", "macro", "micro"]
    for name, *cells in rows:
        scores = results.systems[name].metrics[METRIC]
        assert cells == [with_interval(scores[scope]) for scope in header[1:]]
    header, row = read.tables["tests-triple-f1-strict"]
    found = {c.scope: c for c in results.comparisons}
    shown = [
        f"{points(found[s].difference, found[s].low, found[s].high)}\np {p_value(found[s].p_holm)}"
        for s in header[1:]
    ]
    assert row == ["two-stage", *shown]
    costs = {row[0]: row[1:] for row in read.tables["costs"][1:]}
    assert costs["two-stage"][:2] == ["15.5 min", "12,000"]
    assert costs["naive"][:3] == ["2.0 min", "900", "6"]
    regimes = {row[0]: row[1:] for row in read.tables["regimes"][1:]}
    assert regimes["naive"] == ['One model for <all> & "every" language. Mind.', "6 in every language"]
    assert regimes["two-stage"][1] == "de 6, te 18"
    assert read.tables["failed"][1] == ["lora, seed 1", "killed by SIGKILL", "</script><b>x"]


def test_the_page_needs_nothing_else(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert not re.search(r'\b(src|href)="(?!#)|url\((?!#)|@import|<link', html)
    assert re.findall(r"<script[^>]*>", html) == ['<script type="application/json" id="results">']


def test_every_figure_is_well_formed_and_names_every_regime(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    figures = dict(re.findall(r'<figure id="([^"]+)">.*?(<svg.*?</svg>)', html, re.DOTALL))
    assert set(figures) == FIGURES
    for svg in figures.values():
        texts = {text.text for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
        assert texts >= {"naive", "two-stage"}


def test_the_headline_says_what_differs_significantly() -> None:
    best, tested, seeds = headline(made_up(), METRIC)
    assert best == "two-stage has the highest mean over languages: 46.0 [44.0, 48.0] % triple_f1/strict."
    assert tested == (
        "two-stage against naive: +6.0 [+1.0, +11.0] points, significant (p 0.001 after Holm's correction); "
        "significantly better in de."
    )
    assert seeds.startswith("One seed: ")


def test_the_same_in_markdown_without_the_charts() -> None:
    text = page_of(made_up(), CURVES, [METRIC], "naive").markdown()
    assert (
        "| regime | de | te | macro | micro |\n| --- | ---: | ---: | ---: | ---: |\n| naive | 50.0 [48.0, 52.0]"
        in text
    )
    assert "| two-stage | +6.0 [+1.0, +11.0] p 0.008 |" in text
    assert "## Failed cells" in text
    assert "| lora, seed 1 | killed by SIGKILL | </script><b>x |" in text
    assert "<svg" not in text
