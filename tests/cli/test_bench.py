"""`mere bench` runs and its figures agree with one another; how fast a machine is, no test can know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mere.cli.bench import invented
from mere.shipped import IN_PACKAGE
from mere.speed import SENTENCE, Speed
from tests.command import mere, refused, worked

NAMES = IN_PACKAGE / "names"
TEXT = "Clara Whitfield was born in Dunmore. Nobody in Dunmore knew why.\n\nHans wurde in Rostock geboren.\n"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_the_figures_agree(notes: Path) -> None:
    told = json.loads(worked(mere("bench", NAMES, notes, "--json")).stdout)
    assert (told["sentences"], told["words"], told["threads"]) == (3, len(TEXT.split()), 1)
    assert told["words_per_second"] / told["sentences_per_second"] == pytest.approx(16 / 3, rel=0.01)
    assert 0 < told["latency_p50_ms"] <= told["latency_p95_ms"]
    assert told["startup_s"] > 0
    assert 0 <= told["startup_memory_mb"] <= told["peak_memory_mb"]
    assert told["model"]["form"] == "graphs"
    assert len(SENTENCE.split()) == 25


def test_in_words(untrained_model: Path, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of our own: measured ones are read above, and never the same."""
    found = Speed(2, 3, 16, 1234.5, 6543.21, 1.234, 5.678, 2.345, 301, 4567)
    monkeypatch.setattr("mere.speed.measure", lambda *_, threads: found)
    first, *lines = worked(mere("bench", untrained_model, notes)).stdout.splitlines()
    assert first.startswith("model        untrained: weights, ")
    assert lines == [
        "threads      2",
        "texts        3 sentences, 16 words",
        "sentences/s  1,234",
        "words/s      6,543",
        "latency      1.23 ms (median), 5.68 ms (95 %)",
        "start-up     2.35 s to the first answer, 301 MB",
        "peak memory  4,567 MB",
    ]


def test_without_files_it_reads_sentences_in_the_languages_of_the_model() -> None:
    whole = invented(("xx",))
    assert len(set(whole)) == len(whole) > 300
    german = invented(("de", "xx"))
    assert set(german) < set(whole)
    assert any("\u3040" < char < "\u30ff" for text in whole for char in text)
    assert not any("\u3040" < char < "\u30ff" for text in german for char in text)


def test_what_cannot_be_measured(notes: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n", encoding="utf-8")
    refused(mere("bench", NAMES, tmp_path / "empty.txt"), "nothing to measure")
    refused(mere("bench", tmp_path / "none", notes), "no such folder")
    refused(mere("bench", NAMES, notes, "--threads", 10**6), "or fewer")
