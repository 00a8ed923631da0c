"""docs/formats.md says what the table says, and the table has every format."""

from __future__ import annotations

import json
from pathlib import Path

from mere.data.formats import page, sniff
from mere.data.formats.kinds import KINDS
from mere.data.formats.reading import Format

DOCS = Path(__file__).parents[3] / "docs" / "formats.md"


def test_every_format_has_a_row_and_a_place_in_the_table() -> None:
    assert set(Format) == set(KINDS)


def test_the_page_is_fresh(tmp_path: Path) -> None:
    assert page.main([str(DOCS), "--check"]) == 0
    stale = tmp_path / "formats.md"
    assert page.main([str(stale), "--check"]) == 1
    assert page.main([str(stale)]) == 0
    assert stale.read_text(encoding="utf-8") == DOCS.read_text(encoding="utf-8")


def test_mere_s_own_lines_and_prose_are_taken_for_no_other_format(tmp_path: Path) -> None:
    own = {
        "lang": "de",
        "text": "Ada.",
        "entities": [],
        "labels": [],
        "tokens": [[0, 3], [3, 4]],
        "tags": ["x", "y"],
    }
    path = tmp_path / "de.train.jsonl"
    path.write_text(json.dumps(own))
    assert sniff(path) is Format.JSONL
    prose = tmp_path / "de.train.txt"
    prose.write_text("Well, text, and more.\n")
    assert sniff(prose) is Format.TEXT
