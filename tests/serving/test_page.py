"""The page in a real browser, under its own policy: what it shows is what Python says, and everybody can use it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import mere
from mere.graph.html import fragment
from mere.graph.page import page as graph_page
from mere.graph.settings import GraphFormat, GraphSettings
from mere.inference.filter import Filter
from mere.page.files import page_files
from mere.types import Document
from tests import tiny
from tests.browser import watched
from tests.graph.graph_examples import ITEMS, curie
from tests.serving.conftest import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

DATA = [sentence.text for sentence in tiny.SENTENCES]
TEXT = " ".join(DATA[:2] + DATA[4:6])
PHONE = {"width": 320, "height": 640}
SENTENCES = "#sentences > li"


@pytest.fixture
def context(browser: Browser, client: httpx.Client) -> Iterator[BrowserContext]:
    with browser.new_context(base_url=str(client.base_url)) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """The page; it may say nothing on the console and may ask nobody but the service."""
    page = context.new_page()
    said, asked = watched(page)
    page.goto("/")
    yield page
    assert [text for text in said if not text.startswith("Failed to load resource")] == []
    assert all(url.startswith((page.url.partition("#")[0], "blob:")) for url in asked)


def ask(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Text").fill(text)
    page.get_by_role("button", name="Extract").click()


def read(page: Page, text: str) -> None:
    ask(page, text)
    page.locator("#results:not([aria-busy])").wait_for()


def shown_texts(page: Page) -> list[str]:
    """The texts of the sentences; what arcs are called stands among them and is none of them."""
    script = """all => all.map((one) => {
        const copy = one.cloneNode(true);
        copy.querySelector("svg")?.remove();
        return copy.textContent;
    })"""
    found: list[str] = page.locator(".mere-text").evaluate_all(script)
    return found


class Events(HTMLParser):
    """A piece of HTML as what a parser sees; the order of attributes does not count."""

    def __init__(self, html: str):
        super().__init__()
        self.events: list[Any] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.events.append((tag, sorted((key, value or "") for key, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.events.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.events.append(data)


def test_nothing_of_it_is_large_or_elsewhere_or_inline(client: httpx.Client) -> None:
    files = page_files()
    assert sum(map(len, files.values())) < 300_000
    for name, data in files.items():
        text = data.decode().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"(?m)(^|\s)//.*$|blob://", "", text), name
        assert "innerHTML" not in text
    index = files["index.html"].decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", index)
    text = b"\n".join(files.values()).decode()
    named = {*re.findall(r'(?:src|href)="page/([^"]+)"', text), *re.findall(r'from "\./([^"]+)"', text)}
    assert {f"page/{name}" for name in named} == files.keys() - {"index.html"}
    for name in files:
        answer = client.get("/" if name == "index.html" else f"/{name}")
        assert answer.content == files[name]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in answer.headers["content-security-policy"]
        again = client.get(
            f"/{name}" if name != "index.html" else "/", headers={"if-none-match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
    assert client.get("/page/app.py").status_code == 404
    assert client.head("/").status_code == 200


def test_a_document_looks_as_python_draws_it(page: Page) -> None:
    for item in ITEMS:
        drawn = page.evaluate(
            "async (found) => (await import('/page/text.js')).render(found).outerHTML",
            item.document.to_json(),
        )
        assert Events(drawn).events == Events(fragment(item.document)).events


def test_a_score_keeps_what_python_keeps(page: Page) -> None:
    document = curie().document
    for score in (0.0, 0.5, 0.6, 0.8, 0.95):
        kept = page.evaluate(
            """async ([found, minScore]) => (await import("/page/document.js")).filtered(
                found, { minScore, hiddenTypes: new Set(), hiddenRelations: new Set() })""",
            [document.to_json(), score],
        )
        assert kept == Filter(min_score=score)(document).to_json()


def test_a_graph_is_that_of_python(page: Page, tmp_path: Path) -> None:
    for item in ITEMS[:-1]:
        out = io.BytesIO()
        graph_page([item], GraphSettings(), out)
        data = re.search(r'id="graph-data">(.*?)</script>', out.getvalue().decode(), re.DOTALL)
        assert data
        expected = json.loads(data[1])
        found = page.evaluate(
            """async (found) => {
                const { hue } = await import("/page/text.js");
                return (await import("/page/document.js")).graphOf(found, hue);
            }""",
            item.document.to_json(),
        )
        for graph in (expected, found):
            names = [node["name"] for node in graph["nodes"]]
            graph["nodes"].sort(key=lambda node: node["name"])
            edges = [(names[e["s"]], names[e["o"]], sorted(e["relations"])) for e in graph["edges"]]
            graph["edges"] = sorted(edges)
        assert found["nodes"] == expected["nodes"]
        assert found["edges"] == expected["edges"]


def test_sentences_have_their_language_and_their_arcs(page: Page, extractor: mere.Extractor) -> None:
    read(page, TEXT)
    document = extractor(TEXT)
    sentences = page.locator(SENTENCES)
    assert sentences.count() == len(document.sentences)
    assert [text.strip() for text in shown_texts(page)] == [
        TEXT[start:end].strip() for start, end in document.sentences
    ]
    assert sentences.locator("tbody tr").count() == len(document.triples)
    names = {"de": "German", "en": "English", None: "any language"}
    assert sentences.locator(".about span:first-child").all_text_contents() == [
        names[lang] for lang in document.langs
    ]
    with_triples = [
        s for s in document.sentences if any(s.start <= t.subject.start < s.end for t in document.triples)
    ]
    page.locator(".mere-arcs").nth(len(with_triples) - 1).wait_for(state="attached")
    assert page.locator("path.tip").count() == len(document.triples)
    assert page.locator("svg.mere-graph circle").count() == len(
        {m.text for t in document.triples for m in (t.subject, t.object)}
    )
    status = page.get_by_role("status").text_content() or ""
    assert f"{len(document.triples)} triples" in status


def test_settings_are_in_the_address_and_the_text_is_not(context: BrowserContext, page: Page) -> None:
    read(page, TEXT)
    rows = page.locator("#sentences tbody tr")
    all_rows = rows.count()
    born = page.locator('tr[data-r="birth-place"]').count()
    assert 0 < born < all_rows
    page.get_by_role("checkbox", name="birth-place").uncheck()
    assert rows.count() == all_rows - born
    page.get_by_label("Least score").fill("1")
    assert rows.count() == 0
    page.get_by_label("Language").select_option("de")
    link = page.get_by_role("link", name="Link to these settings").get_attribute("href")
    assert link == "#lang=de&score=1.00&without-relation=birth-place"
    assert page.url.endswith(f"/{link}")
    other = context.new_page()
    other.goto(f"/{link}")
    other.get_by_role("option", name="German").wait_for(state="attached")
    read(other, TEXT)
    assert other.get_by_label("Least score").input_value() == "1"
    assert other.get_by_label("Language").input_value() == "de"
    assert not other.get_by_role("checkbox", name="birth-place").is_checked()
    assert other.locator("#sentences tbody tr").count() == 0
    other.get_by_label("Least score").fill("0")
    assert other.locator("#sentences tbody tr").count() == all_rows - born


def saved(page: Page, format: str) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator(f'button[data-format="{format}"]').click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_every_format_is_saved(page: Page, client: httpx.Client) -> None:
    formats = [b.get_attribute("data-format") for b in page.locator("#downloads button").all()]
    assert sorted(filter(None, formats)) == sorted(["jsonl", *(format.value for format in GraphFormat)])
    read(page, TEXT)
    name, lines = saved(page, "jsonl")
    [record] = map(json.loads, lines.splitlines())
    assert name == "documents.jsonl"
    assert record == {
        "id": "text",
        **client.post("/v1/extract", json={"text": TEXT, "sentences": True}).json(),
    }
    for format in GraphFormat:
        name, data = saved(page, format.value)
        asked = {"params": {"format": format.value, "model": "tiny"}, "json": {"documents": [record]}}
        expected = client.post("/v1/graph", **asked)
        assert f'filename="{name}"' in expected.headers["content-disposition"]
        if format is GraphFormat.neo4j:
            one, other = (zipfile.ZipFile(io.BytesIO(d)) for d in (data, expected.content))
            assert [one.read(n) for n in one.namelist()] == [other.read(n) for n in other.namelist()]
        else:
            assert data == expected.content


def test_a_file_is_read_as_it_is(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes("Clara Whitfield was born in Dunmore.\r\n\r\n👩‍👩‍👧 Tales.\r\n".encode())
    page.locator("#file").set_input_files(file)
    page.get_by_text(f"notes.txt: {len(file.read_bytes().decode())} characters.").wait_for()
    page.get_by_role("button", name="Extract").click()
    page.locator(SENTENCES).first.wait_for()
    record = json.loads(saved(page, "jsonl")[1])
    assert (record["id"], record["text"].encode()) == ("notes.txt", file.read_bytes())
    file.write_bytes(b"\xff\xfe\x00")
    page.locator("#file").set_input_files(file)
    page.get_by_role("alert").get_by_text("notes.txt is no text in UTF-8.").wait_for()


def test_a_file_can_be_dropped(page: Page) -> None:
    page.evaluate(
        """() => {
            const dropped = new DataTransfer();
            dropped.items.add(new File(["Nobody in Dunmore knew why."], "dropped.txt"));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true }));
        }"""
    )
    page.get_by_text("dropped.txt: 27 characters.").wait_for()
    assert page.locator("#text").input_value() == "Nobody in Dunmore knew why."


def test_with_the_keyboard_alone(page: Page) -> None:
    page.locator("#text").focus()
    page.keyboard.type("Clara Whitfield was born in Dunmore.")
    page.keyboard.press("Control+Enter")
    page.locator(SENTENCES).first.wait_for()
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        )
    for wanted in ("lang", "file", "extract", "min-score", "zoom-in", "Turtle", "link"):
        assert wanted in reached
    page.get_by_role("checkbox", name="birth-place").focus()
    page.keyboard.press("Space")
    page.get_by_role("status").get_by_text("0 triples of 1").wait_for()


def test_zooming(page: Page) -> None:
    read(page, TEXT)

    def width() -> float:
        return float((page.locator("svg.mere-graph").get_attribute("viewBox") or "").split()[2])

    before = width()
    page.get_by_role("button", name="Zoom in").click()
    assert width() < before
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    assert width() > before


def test_problems_are_told(page: Page) -> None:
    ask(page, "a" * 5_001)
    page.get_by_role("alert").get_by_text("5,001 characters, at most 5,000 are taken").wait_for()
    read(page, "Ada.")
    page.locator(SENTENCES).wait_for()
    assert page.get_by_role("alert").text_content() == ""


def test_a_text_is_never_markup(page: Page) -> None:
    text = "<img src=x onerror=alert(1)> </p><script>alert(2)</script> Ada."
    read(page, text)
    assert "".join(shown_texts(page)).replace(" ", "") == text.replace(" ", "")
    assert page.locator(".mere-text img, .mere-text script").count() == 0


def test_a_service_with_keys(browser: Browser, extractor: mere.Extractor, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"ada:{hashlib.sha256(b'opensesame').hexdigest()}\n")
    with serving(extractor, keys_file=str(file)) as client:
        page = browser.new_page()
        page.goto(str(client.base_url))
        page.get_by_role("alert").get_by_text("Send a key that is known").wait_for()
        page.get_by_label("Key").fill("opensesame")
        read(page, "Clara Whitfield was born in Dunmore.")
        page.locator(SENTENCES).wait_for()
        assert "opensesame" not in page.url
        page.close()


def test_several_models(browser: Browser, extractor: mere.Extractor) -> None:
    with serving(extractor, "other") as client:
        page = browser.new_page()
        page.goto(str(client.base_url))
        page.get_by_label("Model").select_option("other")
        assert page.url.endswith("#model=other")
        with page.expect_request("**/v1/extract") as asked:
            read(page, "Ada.")
        assert asked.value.post_data_json["model"] == "other"
        page.close()


def test_right_to_left(page: Page) -> None:
    read(page, f"{DATA[9]} {DATA[4]}")
    directions = page.locator(SENTENCES).evaluate_all(
        "all => all.map((one) => getComputedStyle(one).direction)"
    )
    assert directions == ["rtl", "ltr"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules(browser: Browser, client: httpx.Client, scheme: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with browser.new_context(base_url=str(client.base_url), color_scheme=scheme) as context:
        page = context.new_page()
        page.goto("/")
        for size in ({"width": 1280, "height": 900}, PHONE):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            read(page, TEXT)
            page.locator(".mere-arcs").first.wait_for(state="attached")
            found = Axe().run(page).response
            assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found["violations"]] == []
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"]


def test_python_reads_what_the_page_asks_for(client: httpx.Client, extractor: mere.Extractor) -> None:
    """With `sentences`, a document says where they are even where all are in one language."""
    asked = {"text": f"{DATA[0]} {DATA[1]}", "sentences": True}
    document: Document = extractor(asked["text"])  # type: ignore[arg-type]
    found = client.post("/v1/extract", json=asked).json()
    assert found == document.to_json(sentences=True)
    assert [s["lang"] for s in found["sentences"]] == ["de", "de"]
