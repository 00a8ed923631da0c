"""The page and the plots: complete in a real browser, and with the numbers of the results file."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.experiments import results_examples

from mere.metrics.intervals import Measured
from mere.metrics.render import with_interval
from mere.research.compare.curves import Curves
from mere.research.compare.page import write_page
from mere.research.compare.svg import Drawing, Scale, round_ticks
from mere.research.compare.text import headline, write_markdown
from mere.research.markdown import p_value, points
from mere.research.results import Comparison, Costs, FailedAttempt, Results

METRIC = "triple_f1/strict"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
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
    write_page(path, made_up(), CURVES, [METRIC], "naive")
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
        f"{points(found[s].difference, found[s].low, found[s].high)} p {p_value(found[s].p_holm)}"
        for s in header[1:]
    ]
    assert row == ["two-stage", *shown]
    costs = {row[0]: row[1:] for row in read.tables["costs"][1:]}
    assert costs["two-stage"][:2] == ["15.5", "12,000"]
    assert costs["naive"][:4] == ["2.0", "900", "–", "2.0"]
    regimes = {row[0]: row[1:] for row in read.tables["regimes"][1:]}
    assert regimes["naive"] == ['One model for <all> & "every" language. Mind.', "6 in every language"]
    assert regimes["two-stage"][1] == "de 6, te 18"
    assert read.tables["failed"][1] == ["lora, seed 1", "killed by SIGKILL", "</script><b>x"]


def test_the_page_needs_nothing_else(page: Path) -> None:
    html = page.read_text(encoding="utf-8")
    assert not re.search(r"\b(src|href)=|url\(|@import|<link", html)
    assert re.findall(r"<script[^>]*>", html) == ['<script type="application/json" id="results">']


def in_chromium(path: Path, folder: Path) -> tuple[str, list[str]]:
    """Return the page as it stands in a browser once loaded, and what was said on its console."""
    assert CHROMIUM is not None
    quietly = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
    ]
    watched = ["--virtual-time-budget=2000", f"--user-data-dir={folder}", "--window-size=1100,900"]
    done = subprocess.run(
        [CHROMIUM, *quietly, *watched, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


MEASURE = """<script>
const seen = {};
for (const svg of document.querySelectorAll("figure svg:last-of-type")) {
  const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
  const outside = [...svg.querySelectorAll("text")].filter((text) => {
    const a = text.getBoundingClientRect();
    return a.left < box.left - 1 || a.right > box.right + 1 || a.top < box.top - 1 || a.bottom > box.bottom + 1;
  }).map((text) => text.textContent);
  seen[svg.closest("figure").id] = {
    width: box.width, height: box.height, outside, marks: svg.querySelectorAll(".mark, .curve").length,
    fill: getComputedStyle(svg.querySelector(".mark, .curve")).fill,
  };
}
document.title = JSON.stringify(seen);
console.error("heard");
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
def test_the_page_opens_in_a_browser_with_every_plot(page: Path, tmp_path: Path) -> None:
    dom, console = in_chromium(page, tmp_path / "profile")
    assert console == []
    assert dom.rstrip().endswith("</html>")
    measured = tmp_path / "measured.html"
    measured.write_text(page.read_text(encoding="utf-8").replace("</body>", MEASURE), encoding="utf-8")
    dom, console = in_chromium(measured, tmp_path / "profile")
    assert len(console) == 1  # what is said on the console is heard, so silence above means something
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title is not None
    seen = json.loads(title[1].replace("&amp;", "&"))
    assert set(seen) == FIGURES
    for figure in seen.values():
        assert figure["width"] > 600
        assert figure["height"] > 80
        assert figure["outside"] == []
        assert figure["marks"] >= 2
        assert figure["fill"] != "rgb(0, 0, 0)"  # the style sheet is applied


def test_the_headline_says_what_differs_significantly() -> None:
    best, tested, seeds = headline(made_up(), METRIC)
    assert best == "two-stage has the highest mean over languages: 46.0 [44.0, 48.0] % triple_f1/strict."
    assert tested == (
        "two-stage against naive: +6.0 [+1.0, +11.0] points, significant (p 0.001 after Holm's correction); "
        "significantly better in de."
    )
    assert seeds.startswith("One seed: ")


def test_a_comparison_in_markdown(tmp_path: Path) -> None:
    write_markdown(tmp_path / "results.md", made_up(), [METRIC])
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "| two-stage − naive | de | +6.0 [+1.0, +11.0] | 0.004 | 0.008 | paired bootstrap |" in text
    assert "## Failed cells" in text


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [(0, 100, 6, [0, 20, 40, 60, 80, 100]), (0.13, 0.29, 5, [0.15, 0.2, 0.25]), (-3, 12, 4, [0, 5, 10])],
)
def test_ticks_are_round_and_few(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert round_ticks(low, high, most) == ticks


def test_a_scale_maps_its_ends_and_holds_a_single_value() -> None:
    scale = Scale(10, 20, 100, 300)
    assert (scale(10), scale(15), scale(20)) == (100, 200, 300)
    alone = Scale.around([5.0], 0, 100)
    assert alone.low < 5 < alone.high
    assert Scale.around([3.0, 8.0], 0, 1, from_zero=True).low == 0


def test_as_many_as_32_series_have_marks_of_their_own() -> None:
    drawing = Drawing(100, 100, "marks")
    for series in range(32):
        drawing.mark(0, 0, series, "")
    assert len(set(drawing.parts)) == 32


def test_a_system_without_a_score_has_no_mark(tmp_path: Path) -> None:
    results = made_up()
    results.systems["naive"].metrics[METRIC]["te"] = Measured(value=None)
    path = tmp_path / "index.html"
    write_page(path, results, CURVES, [METRIC], "naive")
    html = path.read_text(encoding="utf-8")
    figure = html.split('id="languages-triple-f1-strict"')[1].split("</figure>")[0]
    assert "te, two-stage: " in figure
    assert "te, naive: " not in figure
