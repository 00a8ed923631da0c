"""The pictures of the page in docs/service.md show what the page shows.

MERE_PICTURES=1 python -m pytest tests/serving/test_pictures.py    makes them again: look at them
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests import tiny

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = {"en": "English", "ar": "Arabic", "ja": "Japanese"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_what_its_picture_shows(browser: Browser, client: httpx.Client, lang: str) -> None:
    sentences = [sentence for sentence in tiny.SENTENCES if sentence.lang == lang]
    page = browser.new_page(viewport={"width": 900, "height": 1000})
    page.goto(str(client.base_url))
    page.get_by_role("textbox", name="Text").fill(" ".join(sentence.text for sentence in sentences))
    page.get_by_role("button", name="Extract").click()
    page.locator(".mere-arcs").first.wait_for(state="attached")
    page.locator("svg.mere-graph circle").first.wait_for(state="attached")
    rows = page.locator("#sentences tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].slice(0, 3).map((cell) => cell.textContent.trim()))"
    )
    stated = {(t.subject.text, t.relation, t.object.text) for sentence in sentences for t in sentence.triples}
    assert {tuple(row) for row in rows} == stated
    picture = DOCS / f"page-{lang}.png"
    if os.environ.get("MERE_PICTURES"):
        page.screenshot(path=picture, full_page=True)
    page.close()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 150_000
    text = (DOCS / "service.md").read_text(encoding="utf-8")
    told = re.search(rf"!\[The page, a text in {LANGUAGES[lang]}: ([^\]]*)\]\({picture.name}\)", text)
    assert told
    assert told[1] == "; ".join(" ".join(row) for row in rows)
