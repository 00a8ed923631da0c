"""The report: deterministic, complete, readable; and predictions that do not fit are refused."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from mere.errors import DataError
from mere.metrics.report import Report, evaluate, evaluate_runs
from mere.types import Entity, Prediction, Sentence
from tests.metrics.metrics_examples import saying, stated

TEXTS = {
    "de": "Ilse wohnt in Bremen und isst Grünkohl.",
    "pl": "Ola mieszka w Gdyni i je pierogi.",
    "te": "ఈ రోజు వర్షం పడింది.",
}
DE = (stated(TEXTS["de"], "Ilse", "is-where", "Bremen"), stated(TEXTS["de"], "Ilse", "eats", "Grünkohl"))
PL = (stated(TEXTS["pl"], "Ola", "is-where", "Gdyni"), stated(TEXTS["pl"], "Ola", "eats", "pierogi"))
GOLD = [
    Sentence("1", "de", TEXTS["de"], triples=DE, source="letters"),
    Sentence("2", "de", TEXTS["de"], triples=DE[:1], source="cards"),
    Sentence("1", "pl", TEXTS["pl"], triples=PL, source="letters"),
    Sentence("1", "te", TEXTS["te"]),
]
FOUND = [saying(*DE), saying(*DE), saying(PL[0]), saying()]


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=160)
    report.render(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_figures_of_a_small_corpus() -> None:
    report = evaluate(GOLD, FOUND, train=[GOLD[1]], resamples=200)
    strict = report.metrics["triple_f1/strict"]
    assert report.sentences == {"de": 2, "pl": 1, "te": 1}
    assert (strict.language["de"].tp, strict.language["de"].fp, strict.language["de"].fn) == (3, 1, 0)
    assert strict.language["de"].f1.value == pytest.approx(6 / 7, abs=1e-6)
    assert strict.language["pl"].f1.value == pytest.approx(2 / 3, abs=1e-6)
    assert strict.language["te"].f1.value is None
    assert strict.macro.f1.value == pytest.approx((6 / 7 + 2 / 3) / 2, abs=1e-6)  # te left out
    assert strict.micro.f1.value == pytest.approx(8 / 10, abs=1e-6)
    assert {name: score.f1.value for name, score in strict.source.items()} == pytest.approx(
        {"de/cards": 2 / 3, "de/letters": 1, "pl/letters": 2 / 3, "te/?": None}, abs=1e-6
    )
    assert strict.relation["eats"].f1.value == pytest.approx(2 / 4, abs=1e-6)
    assert strict.relation["is-where"].f1.value == 1
    assert strict.macro_relations.f1.value == 0.75
    assert strict.macro.precision == pytest.approx((3 / 4 + 1) / 2)
    seen, unseen = (report.metrics[f"triple_recall/{part}"] for part in ("seen", "unseen"))
    assert (seen.micro.f1.value, seen.micro.tp + seen.micro.fn) == (1, 2)
    assert (unseen.language["pl"].f1.value, unseen.language["pl"].fn) == (0.5, 1)


def test_the_report_is_deterministic_json() -> None:
    first, again = (evaluate(GOLD, FOUND, train=GOLD, resamples=50).to_json() for _ in range(2))
    text = json.dumps(first, allow_nan=False)
    assert text == json.dumps(again, allow_nan=False)
    micro = json.loads(text)["metrics"]["triple_f1/strict"]["micro"]
    assert list(micro) == ["value", "low", "high", "precision", "recall", "tp", "fp", "fn"]


def test_the_tables_say_what_a_reader_asks() -> None:
    text = printed(evaluate(GOLD, FOUND, train=[GOLD[1]], resamples=100))
    for wanted in (
        "F1 per language, 95 % intervals",
        "de/letters",
        "macro",
        "micro",
        "gold unseen",
        "is-where",
    ):
        assert wanted in text
    german = next(line for line in text.splitlines() if line.split()[:1] == ["de"])
    assert "85.7 [" in german
    telugu = next(line for line in text.splitlines() if line.split()[:1] == ["te"])
    assert telugu.count("–") == 4


def test_without_train_there_is_no_table_of_seen_triples() -> None:
    report = evaluate(GOLD, FOUND, resamples=0)
    assert set(report.metrics) == {
        "triple_f1/strict",
        "triple_f1/boundary",
        "entity_f1/strict",
        "relation_f1",
    }
    assert "unseen" not in printed(report)


def test_entities_alone_are_broken_down_by_entity_scores() -> None:
    person = Entity(0, 4, "Ilse", type="PER")
    sentence = Sentence("1", "de", TEXTS["de"], entities=(person,), relations_covered=frozenset(), source="x")
    text = printed(evaluate([sentence], [Prediction(entities=(person,))], resamples=0))
    assert "entity_f1/strict per source" in text
    assert "per relation" not in text


def test_several_runs_are_averaged_and_gold_is_not_counted_twice() -> None:
    nothing = [saying()] * 4
    report = evaluate_runs(GOLD, [FOUND, nothing], resamples=100)
    strict = report.metrics["triple_f1/strict"]
    assert strict.language["pl"].f1.value == pytest.approx((2 / 3 + 0) / 2, abs=1e-6)
    text = printed(report)
    assert "mean over 2 runs" in text
    letters = next(line for line in text.splitlines() if "pl/letters" in line)
    assert letters.split()[1] == "2"


def test_an_empty_corpus_has_no_scores() -> None:
    report = evaluate([], [], train=[])
    assert report.metrics["triple_f1/strict"].macro.f1.value is None
    assert "macro" in printed(report)


def test_too_few_predictions_are_refused() -> None:
    with pytest.raises(
        DataError, match=r"run 0: 3 predictions for 4 sentences\. Give one prediction per sentence"
    ):
        evaluate(GOLD, FOUND[:3])
    with pytest.raises(DataError, match="0 runs given"):
        evaluate_runs(GOLD, [])


def test_predictions_for_other_sentences_are_refused() -> None:
    with pytest.raises(
        DataError, match=r'sentence 1 \(pl\): the predicted mention 0:4 is "Ilse" but the text reads'
    ):
        evaluate(GOLD, [FOUND[0], FOUND[1], FOUND[0], FOUND[3]])
