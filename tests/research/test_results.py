"""Results files: what is written is read again, and what does not fit is refused by key."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mere.errors import DataError
from mere.metrics.paired import paired_bootstrap
from mere.metrics.report import evaluate_runs
from mere.metrics.scores import score_runs
from mere.research.results import Comparison, Results, System
from mere.types import Entity, Prediction, Sentence, Triple
from tests.research.results_examples import results

Record = dict[str, Any]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    results().write(tmp_path / "new" / "facts.json")
    assert Results.read(tmp_path / "new" / "facts.json") == results()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["facts.json"]


def test_the_file_is_plain_json_with_a_line_per_figure(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    results().write(path)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == results().model_dump(mode="json")
    assert text.endswith("}\n")
    assert re.search(r'^ *"de": \{"value": 0\.5, "low": 0\.48, "high": 0\.52\},?$', text, re.MULTILINE)


def broken(change: Callable[[Record], object]) -> str:
    record = results().model_dump(mode="json")
    change(record)
    return json.dumps(record)


BAD_RECORDS: list[tuple[Callable[[Record], object], str]] = [
    (lambda r: r.update(experimant="x"), 'unknown key experimant. Did you mean "experiment"?'),
    (lambda r: r.pop("commit"), "lacks the key commit."),
    (lambda r: r["hardware"].pop("cpu"), "lacks the key hardware.cpu."),
    (lambda r: r["hardware"].update(host="x"), "unknown key hardware.host."),
    (lambda r: r.update(seeds=[]), "seeds: "),
    (lambda r: r.update(seeds=["0"]), "seeds.0: Input should be a valid integer, found '0'"),
    (lambda r: r.update(date="yesterday"), "date: "),
    (
        lambda r: r["systems"]["naive"]["metrics"]["relation_f1"]["de"].update(low=0.9),
        "systems.naive.metrics.relation_f1.de: Value error, low 0.9 is above high",
    ),
    (
        lambda r: r["systems"]["naive"]["metrics"]["relation_f1"]["de"].update(value=float("nan")),
        "systems.naive.metrics.relation_f1.de",
    ),
    (
        lambda r: r["systems"]["two-stage"]["costs"].update(train_second=1),
        'unknown key systems.two-stage.costs.train_second. Did you mean "train_seconds"?',
    ),
    (
        lambda r: r["comparisons"][0].update(b="naiv"),
        'comparisons.0.b is "naiv", which is no system of this file. Did you mean "naive"?',
    ),
    (lambda r: r["comparisons"][0].update(p=1.5), "comparisons.0.p: "),
    (lambda r: r["comparisons"][0].update(test="t-test"), "comparisons.0.test: "),
]


@pytest.mark.parametrize(("change", "message"), BAD_RECORDS)
def test_what_does_not_fit_is_named_with_its_file_and_key(
    tmp_path: Path, change: Callable[[Record], object], message: str
) -> None:
    path = tmp_path / "facts.json"
    path.write_text(broken(change), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        Results.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(broken(lambda r: (r.pop("data"), r.update(extra=1), r.update(seeds=3))), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        Results.read(path)
    assert len(str(caught.value).splitlines()) == 3


def test_files_that_are_no_results_at_all(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    with pytest.raises(DataError, match=r"facts\.json: cannot be read: No such file.*Run the experiment"):
        Results.read(path)
    path.write_text('{"experiment": "facts",\n"desc', encoding="utf-8")
    with pytest.raises(DataError, match=r"facts\.json:2: is no JSON: "):
        Results.read(path)
    path.write_bytes(b'{"experiment": "\xff"}')
    with pytest.raises(DataError, match=r"facts\.json: is not UTF-8: .* at byte 16"):
        Results.read(path)
    path.write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(DataError, match=r"facts\.json: \(the whole file\): "):
        Results.read(path)


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


def test_differences_become_comparisons() -> None:
    gold, (first, second) = small_experiment()
    differences = paired_bootstrap(score_runs(gold, [first]), score_runs(gold, [second]), resamples=50)
    made = Comparison.from_differences("x", "y", "triple_f1/strict", differences)
    assert [comparison.scope for comparison in made] == ["de", "macro", "micro"]
    assert made[0].difference == differences["de"].difference
    assert made[0].difference is not None
    assert made[0].difference > 0
