"""Documents and graphs as web pages: read by a parser that is not ours; nothing of a text becomes markup."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.graph import page as page_module
from mere.graph.html import document_html, fragment, hue
from mere.graph.names import mentions
from mere.graph.page import page
from mere.graph.settings import GraphSettings, Item
from mere.types import Document, Entity, Triple
from tests.graph.graph_examples import ITEMS, curie, items

OURS = {
    "div": {"class"}, "p": {"class", "dir", "lang"}, "mark": {"class", "data-m", "title"}, "bdi": set(),
    "i": {"class", "data-type"}, "table": {"class"}, "thead": set(), "tbody": set(), "th": set(), "td": set(),
    "tr": {"data-s", "data-o", "data-r"},
}  # fmt: skip


class Read(HTMLParser):
    """The tags of a page, the text under `mere-text`, and which text each mention covers."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.covered: dict[str, str] = {}
        self.in_text, self.of = False, ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.tags.append((tag, found))
        self.in_text |= found.get("class") == "mere-text"
        self.of = found.get("data-m", self.of)

    def handle_endtag(self, tag: str) -> None:
        self.in_text &= tag != "p"
        self.of = "" if tag == "mark" else self.of

    def handle_data(self, data: str) -> None:
        if self.in_text:
            self.text += data
            for number in self.of.split():
                self.covered[number] = self.covered.get(number, "") + data


def pictured(text: str) -> str:
    kept = "\t\n\r"
    return "".join(
        chr(0x2400 + ord(c)) if c < " " and c not in kept else "␡" if c == "\x7f" else c for c in text
    )


@given(items())
def test_the_text_is_the_text_and_every_mention_covers_its_own(item: Item) -> None:
    document = item.document
    read = Read(fragment(document))
    assert read.text == pictured(document.text)
    assert [read.covered[str(i)] for i, _ in enumerate(mentions(document).values())] == [
        pictured(entity.text) for entity in mentions(document).values()
    ]
    for tag, attributes in read.tags:
        assert attributes.keys() <= OURS[tag]
    rows = [attributes for tag, attributes in read.tags if "data-r" in attributes]
    assert [row["data-r"] for row in rows] == [pictured(triple.relation) for triple in document.triples]
    assert [read.covered[row["data-s"]] for row in rows] == [
        pictured(t.subject.text) for t in document.triples
    ]


EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"&lt;"


def test_nothing_becomes_markup() -> None:
    entity = Entity(0, len(EVIL), EVIL, EVIL, 0.5, EVIL)
    item = Item(EVIL, Document(EVIL, EVIL, (entity,), (Triple(entity, EVIL, entity, 0.5),), notes=(EVIL,)))
    out = io.BytesIO()
    page([item], GraphSettings(), out)
    html = out.getvalue().decode()
    assert html.count("<script") == 2  # the data and ours
    assert "<img" not in html
    assert "alert('x')</script>" not in html
    assert Read(html).covered["0"] == EVIL


def test_mentions_that_cross_and_nest() -> None:
    text = "ab cd ef"
    found = (Entity(0, 5, "ab cd", "X"), Entity(3, 8, "cd ef", "Y"), Entity(3, 5, "cd", None))
    read = Read(fragment(Document(text, "en", found)))
    assert (read.text, read.covered) == (text, {"0": "ab cd", "1": "cd ef", "2": "cd"})
    marks = [attributes["data-m"] for tag, attributes in read.tags if tag == "mark"]
    assert marks == ["0", "0 1 2", "1"]


def test_directions() -> None:
    text = "سامر في Nour"
    found = (Entity(0, 4, "سامر", "PER"), Entity(8, 12, "Nour", "ORG"))
    read = Read(fragment(Document(text, "ar", found)))
    assert ("p", {"class": "mere-text", "dir": "auto", "lang": "ar"}) in read.tags
    assert [a["data-type"] for tag, a in read.tags if tag == "i"] == ["PER", "ORG"]


def test_a_notebook_shows_a_document() -> None:
    html = curie().document._repr_html_()
    assert html == document_html(curie().document)
    assert Read(html).tags[0][0] == "style"


def test_common_types_have_colours_of_their_own() -> None:
    assert len({hue(type) for type in ("PER", "LOC", "ORG", "MISC", "GPE", "DATE", "PERSON")}) == 7


def graph_of(html: str) -> dict[str, list[dict[str, object]]]:
    data = re.search(r'<script type="application/json" id="graph-data">(.*?)</script>', html, re.DOTALL)
    assert data
    return json.loads(data[1])  # type: ignore[no-any-return]


def drawn(documents: list[Item]) -> str:
    out = io.BytesIO()
    page(documents, GraphSettings(), out)
    return out.getvalue().decode()


def test_a_page_holds_everything_and_asks_nobody() -> None:
    html = drawn(list(ITEMS))
    graph = graph_of(html)
    assert "triples: 10" in html
    assert {node["name"] for node in graph["nodes"]} >= {"ADA  BYRON", "London", "京都", "Bo"}
    at = {node["name"]: i for i, node in enumerate(graph["nodes"])}
    edge = {"s": at["ADA  BYRON"], "o": at["London"], "relations": ["birth-place", "died in"]}
    assert edge in graph["edges"]
    asked = [
        value for _, a in Read(html).tags for key, value in a.items() if key in ("src", "href", "action")
    ]
    assert asked == []
    assert "url(http" not in html
    assert "@import" not in html


@given(st.integers(0, 5))
def test_what_has_most_triples_is_drawn_and_that_is_said(most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_module, "DRAWN_NODES", most)
        html = drawn([curie(), curie(), *ITEMS[1:3]])
    graph = graph_of(html) if most else {"nodes": []}
    assert len(graph["nodes"]) == most
    if most:
        assert f"Drawn: the {most} entities with most triples" in html
    if most >= 2:
        assert {"ADA  BYRON", "London"} <= {node["name"] for node in graph["nodes"]}
