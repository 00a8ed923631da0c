"""Results files: how they are written, and what of a report goes into them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mere.errors import DataError
from mere.metrics.report import evaluate_runs
from mere.research.results import System
from mere.types import Entity, Prediction, Sentence, Triple
from tests.research.results_examples import results


def test_the_file_is_plain_json_with_a_line_per_figure(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    results().write(path)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == results().model_dump(mode="json")
    assert text.endswith("}\n")
    assert re.search(r'^ *"de": \{"value": 0\.5, "low": 0\.48, "high": 0\.52\},?$', text, re.MULTILINE)


def test_a_write_that_fails_midway_keeps_the_old_file(tmp_path: Path) -> None:
    pytest.importorskip("resource")  # limits on file size stand in for a full disk
    path = tmp_path / "facts.json"
    path.write_text("the old one", encoding="utf-8")
    script = (
        "import resource, sys; sys.path.insert(0, sys.argv[2]); from results_examples import results\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); results().write(sys.argv[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert "File too large" in done.stderr
    assert path.read_text(encoding="utf-8") == "the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["facts.json"]


def small_experiment() -> tuple[list[Sentence], list[list[Prediction]]]:
    text = "Ilse wohnt in Bremen."
    fact = Triple(Entity(0, 4, "Ilse"), "is-where", Entity(14, 20, "Bremen"))
    gold = [Sentence(str(i), "de", text, triples=(fact,), source="letters") for i in range(6)]
    right, wrong = Prediction(triples=(fact,)), Prediction()
    return gold, [[right] * 5 + [wrong], [right] * 4 + [wrong] * 2]


def test_a_report_becomes_a_system() -> None:
    gold, runs = small_experiment()
    report = evaluate_runs(gold, runs, train=gold, resamples=100)
    made = System.from_report(report, seeds=[0, 1], command="mere train")
    strict = report.metrics["triple_f1/strict"]
    assert made.metrics["triple_f1/strict"]["de"] == strict.language["de"].f1
    assert set(made.metrics) == {"triple_f1/strict", "triple_f1/boundary", "entity_f1/strict", "relation_f1"}
    assert made.per_source["triple_f1/strict"] == {"de/letters": strict.source["de/letters"].f1}
    assert made.recall["seen"]["macro"].value == 0.75
    assert made.recall["unseen"]["macro"].value is None
    with pytest.raises(DataError, match="1 seeds given for a report over 2 runs"):
        System.from_report(report, seeds=[0])
