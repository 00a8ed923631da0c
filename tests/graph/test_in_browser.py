"""The page in a real browser: arcs are drawn, in both directions of writing, and a dense graph comes to rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mere.graph.page import DRAWN_NODES, page
from mere.graph.settings import GraphSettings, Item
from mere.types import Document, Entity, Triple
from tests.graph.graph_examples import ITEMS

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def dense(number: int) -> Item:
    """Every tenth name with the three after it and with one that all know."""
    names = [f"name{i}" for i in range(number)]
    text = " ".join(names)
    found = [Entity(text.index(name), text.index(name) + len(name), name, "X") for name in names]
    pairs = [(i, (i + by) % number) for i in range(number) for by in (1, 2, 3)] + [
        (i, 0) for i in range(number)
    ]
    triples = tuple(Triple(found[s], "knows", found[o]) for s, o in pairs)
    return Item("dense", Document(text, "en", tuple(found), triples))


def test_a_browser_draws_the_page(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with path.open("wb") as out:
        page([*ITEMS, dense(DRAWN_NODES + 10)], GraphSettings(), out)
    shown = browser.new_page()
    faults: list[str] = []
    shown.on("pageerror", lambda error: faults.append(str(error)))
    shown.goto(path.as_uri())
    for number, item in enumerate(ITEMS):
        document = shown.locator(".mere-document").nth(number)
        document.scroll_into_view_if_needed()
        num_triples = len(item.document.triples)
        if num_triples:
            document.locator(".mere-arcs").wait_for(state="attached")
        assert document.locator("path.tip").count() == num_triples
    view = shown.locator("svg.mere-graph").get_attribute("viewBox")
    assert view
    assert max(map(abs, map(float, view.split()))) < 10_000
    assert "NaN" not in shown.content()
    assert faults == []
    shown.close()
