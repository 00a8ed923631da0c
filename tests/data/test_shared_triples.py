"""The real triples corpus, where it is there: it loads, comes back as it was, and shows its known faults."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mere.data.check import CheckReport, check
from mere.data.formats import jsonl

SIZES = {"en": 21_899, "ru": 8_210, "pt": 5_400, "de": 3_928, "hi": 2_255, "te": 854, "ja": 685}


@pytest.fixture(scope="module")
def report(shared_triples: Path) -> CheckReport:
    return check([shared_triples])


def test_sizes(report: CheckReport) -> None:
    assert report.sizes["train"] == SIZES


def test_every_record_comes_back_as_it_was(shared_triples: Path, tmp_path: Path) -> None:
    for path in (shared_triples / "te.test.jsonl.gz", shared_triples / "ru.dev.jsonl.gz"):
        jsonl.write(jsonl.read(path), tmp_path / path.name)
        before, after = (
            [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
            for file in (path, tmp_path / path.name)
        )
        for record in (*before, *after):
            record["relations_covered"] = sorted(record["relations_covered"])
        assert after == before


def test_the_faults_that_its_description_lists(report: CheckReport) -> None:
    assert report.errors == ()
    leaked = report.finding("leak-triple")
    for lang in ("de", "ru"):
        place = f"{lang} test webnlg"
        assert 0.4 < leaked.by[place] / leaked.of[place] < 0.6, "about half of WebNLG's test triples"
    for code in ("leak-triple", "leak-pair"):
        finding = report.finding(code)
        assert not [place for place in finding.by if place.startswith("hi") and "indore" in place]
    assert len(report.finding("partial-coverage").by) == 11, "each source annotates part of the relations"
    assert set(report.finding("incomplete").by) == {
        "en kbp37",
        "en indore",
        "hi indore",
        "te indore",
        "pt dbpediarelations_pt",
    }
    assert dict(report.finding("mixed-sources").by) == {"en": 4, "ru": 2}
    assert list(report.finding("narrow-language").by) == ["pt"]
    assert list(report.finding("no-relation-rows").by) == ["en kbp37"]
    assert list(report.finding("tokenised").by) == ["en kbp37"]


def test_and_more(report: CheckReport) -> None:
    inside = report.finding("inside-word-triples")
    assert inside.by["te"] / inside.of["te"] > 0.15
    assert set(report.finding("type-is-mention").by) == {"te train", "te dev", "te test"}
    assert list(report.finding("incomplete-several").by) == ["te indore"]
    assert list(report.finding("never-tested").by) == ["starring"]
