"""A page that needs no service: what it finds in the browser is what Python finds, and nothing leaves it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import mere
from mere.page.static import RUNTIME, write_static_page
from mere.store.folder import ModelFolder
from tests import command, tiny
from tests.browser import watched
from tests.page.conftest import web_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "node_modules" / "onnxruntime-web"
pytestmark = pytest.mark.skipif(
    not PACKAGE.is_dir(), reason=f"no onnxruntime-web here: npm install --no-save {RUNTIME}"
)
EXAMPLES = (ROOT / "examples" / "texts.txt").read_text(encoding="utf-8").splitlines()
LONG = "Hans Reinhold wurde in Rostock geboren. " + "und so weiter " * 120 + "Ulm liegt in Weidenau."
ALL = " ".join(sentence.text for sentence in tiny.SENTENCES)
ASKED = [
    *((sentence.text, sentence.lang) for sentence in tiny.SENTENCES),
    *((text, None) for text in EXAMPLES),
    *((ALL, lang) for lang in ("de", "ja", None)),
    ("👩‍🚀 Ada\r\nkam.", "de"),
]


@pytest.fixture(scope="module")
def folder(export: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "out"
    size = write_static_page(ModelFolder.read(export), PACKAGE, out, name="tiny")
    assert size == sum(file.stat().st_size for file in out.rglob("*") if file.is_file()) < 25_000_000
    return out


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    with web_server(folder) as address:
        page = browser.new_page()
        said, asked = watched(page)
        page.goto(address)
        page.get_by_role("option", name="German").wait_for(state="attached")
        yield page
        assert said == []
        assert all(url.startswith((address, "blob:")) for url in asked)
        page.close()


def without_scores(document: dict[str, Any]) -> dict[str, Any]:
    parts = {
        name: [{k: v for k, v in part.items() if k != "score"} for part in document[name]]
        for name in ("entities", "triples")
    }
    return {**{key: value for key, value in document.items() if key != "notes"}, **parts}


@pytest.mark.slow
def test_documents_are_those_of_python(page: Page, export: Path) -> None:
    extractor = mere.load(export)
    found = page.evaluate(
        """async (asked) => {
            const { extract } = await import("/page/service.js");
            const found = [];
            for (const [text, lang] of asked) found.push(await extract({ text, lang }));
            return found;
        }""",
        [list(pair) for pair in ASKED],
    )
    num_triples = 0
    for (text, lang), document in zip(ASKED, found, strict=True):
        expected = extractor(text, lang or "xx").to_json(sentences=True)
        assert without_scores(document) == without_scores(expected)
        for part in ("entities", "triples"):
            assert [one["score"] for one in document[part]] == pytest.approx(
                [one["score"] for one in expected[part]], abs=2e-3
            )
        num_triples += len(expected["triples"])
    assert num_triples > 20


def test_a_long_sentence_is_read_in_windows(page: Page, export: Path) -> None:
    found = page.evaluate(
        """async (text) => (await import("/page/service.js")).extract({ text, lang: "de" })""", LONG
    )
    assert found["notes"] == mere.load(export)(LONG, "de").to_json()["notes"]
    keys = {(t["subject"]["text"], t["relation"], t["object"]["text"]) for t in found["triples"]}
    assert ("Hans Reinhold", "birth-place", "Rostock") in keys


def test_in_the_browser_as_people_use_it(page: Page) -> None:
    page.get_by_label("Language").select_option("de")
    page.get_by_role("textbox", name="Text").fill("Hans Reinhold wurde in Rostock geboren.")
    page.get_by_role("button", name="Extract").click()
    page.locator(".mere-arcs").wait_for(state="attached")
    assert page.locator("#sentences tbody tr td").all_text_contents()[:3] == [
        "Hans Reinhold",
        "birth-place",
        "Rostock",
    ]
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON lines").click()
    record = json.loads(Path(download.value.path()).read_bytes())
    assert [entity["type"] for entity in record["entities"]] == ["PER", "LOC"]


def test_what_a_page_cannot_run(export: Path, tiny_model: Path, tmp_path: Path) -> None:
    def refused(*args: object) -> str:
        return command.refused(command.mere("page", *args, "--out", tmp_path / "out"))

    assert f"mere export {tiny_model} --as onnx --out DIR" in refused(tiny_model)
    assert f"npm install {RUNTIME}" in refused(export, "--runtime", tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "ort.wasm.min.mjs").write_text("another")
    assert f"is not that of {RUNTIME}" in refused(export, "--runtime", tmp_path)
    assert not (tmp_path / "out").exists()
