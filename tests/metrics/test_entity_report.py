"""A report shows what its sentences annotate: entities, triples, or both, as JSON and as tables."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from mere.data.formats import conll
from mere.metrics.report import Report, evaluate, evaluate_runs
from mere.types import Prediction, Sentence, Triple
from tests.metrics.entity_examples import entities_of, entity, found, noted, sentence_of

F1 = "entity_f1/strict"
TEXT = "Ilse wohnt in Bremen"
ILSE, BREMEN = entity(TEXT, "Ilse", "PER"), entity(TEXT, "Bremen", "LOC")
LIVES = Triple(ILSE, "is-where", BREMEN)
ENTITIES = noted(TEXT, ILSE, BREMEN, id="1", lang="de")
TRIPLES = Sentence("2", "de", TEXT, entities=(ILSE, BREMEN), triples=(LIVES,))
BOTH = dataclasses.replace(TRIPLES, id="3", types_covered=frozenset({"LOC", "PER"}))
TRIPLE_METRICS = ["triple_f1/strict", "triple_f1/boundary", F1, "relation_f1"]


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=200)
    report.render(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def keys(report: Report, metric: str = F1) -> list[str]:
    return list(json.loads(json.dumps(report.to_json(), allow_nan=False))["metrics"][metric])


def test_entities_alone_give_entity_metrics_alone() -> None:
    report = evaluate([ENTITIES], [found(ILSE)], train=[ENTITIES], resamples=20)
    assert list(report.metrics) == [F1, "entity_recall/seen", "entity_recall/unseen"]
    assert keys(report) == ["language", "source", "type", "length", "micro", "macro", "macro_types"]
    assert keys(report, "entity_recall/seen") == ["language", "source", "micro", "macro"]
    text = printed(report)
    for wanted in (
        "entity_f1/strict, F1 per language, 95 % intervals",
        "entity_f1/strict per type",
        "entity_f1/strict per length",
        "strict recall of mentions that training states (seen) or not",
    ):
        assert wanted in text
    for unwanted in ("triple", "relation"):
        assert unwanted not in text
        assert unwanted not in json.dumps(report.to_json())
    german = next(line for line in text.splitlines() if line.split()[:1] == ["de"])
    assert german.split()[1:5] == ["1", "2", "100.0", "50.0"]  # texts, gold, precision, recall


def test_triples_give_what_they_gave() -> None:
    report = evaluate([TRIPLES], [Prediction(triples=(LIVES,))], train=[TRIPLES], resamples=0)
    assert list(report.metrics) == [*TRIPLE_METRICS, "triple_recall/seen", "triple_recall/unseen"]
    for metric in report.metrics:
        assert keys(report, metric) == [
            "language",
            "source",
            "relation",
            "micro",
            "macro",
            "macro_relations",
        ]
    assert report.errors is None
    assert "entity_errors" not in report.to_json()
    text = printed(report)
    assert "triple_f1/strict per relation" in text
    for unwanted in ("per type", "per length", "mentions"):
        assert unwanted not in text


@pytest.mark.parametrize("gold", [[BOTH], [ENTITIES, TRIPLES]], ids=["one source", "two sources"])
def test_both_give_both(gold: list[Sentence]) -> None:
    prediction = Prediction(entities=(ILSE, BREMEN), triples=(LIVES,))
    report = evaluate(gold, [prediction] * len(gold), train=gold, resamples=0)
    recalls = [f"{what}_recall/{part}" for what in ("triple", "entity") for part in ("seen", "unseen")]
    assert list(report.metrics) == [*TRIPLE_METRICS, *recalls]
    assert report.metrics["triple_f1/strict"].micro.f1.value == 1
    assert report.metrics["triple_f1/strict"].micro.tp == 1
    assert report.metrics[F1].micro.tp == 2 * len(gold)
    assert {name: score.tp for name, score in report.metrics[F1].type.items()} == {"LOC": 1, "PER": 1}
    assert report.metrics["entity_recall/seen"].micro.tp == 2
    text = printed(report)
    for wanted in ("triple_f1/strict per relation", "entity_f1/strict per type", "recall of mentions"):
        assert wanted in text


def test_entities_of_a_sentence_with_both_are_scored_outside_triples_too() -> None:
    lonely = dataclasses.replace(BOTH, triples=())
    report = evaluate([lonely], [found(ILSE)], resamples=0)
    micro = report.metrics[F1].micro
    assert (micro.tp, micro.fp, micro.fn) == (1, 0, 1)
    assert "entity_f1/strict per source" in printed(report)  # there is no triple to break down


def test_the_reader_of_conll_gives_sentences_of_entities_only(tmp_path: Path) -> None:
    path = tmp_path / "de.test.conll"
    path.write_text("Ilse\tB-PER\nwohnt\tO\n\nBremen\tB-LOC\n", encoding="utf-8")
    gold = list(conll.read(path))
    report = evaluate(gold, [found(*sentence.entities) for sentence in gold], resamples=0)
    assert list(report.metrics) == [F1]
    assert report.metrics[F1].micro.f1.value == 1


def test_macro_and_micro_over_languages_differ_as_they_should() -> None:
    tokens, tags = ["a", "b", "c", "d"], ["B-PER", "B-LOC", "B-PER", "O"]
    gold = [sentence_of(tokens, tags, lang=lang, id=str(n)) for n, lang in enumerate(["hi", "hi", "te"])]
    predicted = [found(*entities_of(tokens, t)) for t in (tags, tags, ["O"] * 4)]
    scores = evaluate(gold, predicted, resamples=0).metrics[F1]
    assert (scores.macro.f1.value, scores.macro.recall) == (0.5, 0.5)
    assert scores.micro.f1.value == pytest.approx(2 * 6 / (6 + 9), abs=1e-6)


def test_errors_are_counted_always_and_printed_with_examples_only_if_asked() -> None:
    wrong = found(dataclasses.replace(ILSE, type="ORG"))
    silent, telling = (evaluate([ENTITIES], [wrong], resamples=0, num_examples=n) for n in (0, 2))
    assert silent.to_json()["entity_errors"]["classes"]["type"] == {"fp": 1, "fn": 1}
    assert "examples" not in silent.to_json()["entity_errors"]
    assert "entity errors" not in printed(silent)
    [example] = telling.to_json()["entity_errors"]["examples"]["type"]
    assert (example["gold"]["type"], example["predicted"]["type"]) == ("PER", "ORG")
    text = printed(telling)
    for wanted in (
        "entity errors: wrong / missed mentions",
        "gold mentions by the type they were taken for",
        "Ilse (PER)",
        "Ilse (ORG)",
        TEXT,
    ):
        assert wanted in " ".join(text.split())  # titles fold at the width of their table


def test_without_errors_there_are_tables_and_no_examples() -> None:
    text = printed(evaluate([ENTITIES], [found(ILSE, BREMEN)], resamples=0, num_examples=3))
    assert "entity errors" in text
    assert "examples" not in text


def test_names_and_texts_are_printed_as_they_are() -> None:
    text = "See [bold]\x1b[31m the\nend"
    odd = entity(text, "[bold]", "[red]")
    report = evaluate([noted(text, odd, id="[1]", lang="xx")], [found()], resamples=0, num_examples=1)
    shown = printed(report)
    assert "[bold] ([red])" in shown
    assert "See [bold]�[31m the end" in shown
    assert "\x1b" not in shown
    assert any(line.split()[:1] == ["[red]"] for line in shown.splitlines())


def test_errors_over_runs_say_so() -> None:
    report = evaluate_runs([ENTITIES], [[found(ILSE)], [found()]], resamples=0, num_examples=1)
    assert report.errors is not None
    text = printed(report)
    assert "missed mentions, over 2 runs" in text
    assert "mean over 2 runs" in text
    person = next(line for line in text.splitlines() if line.split()[:1] == ["PER"])
    assert person.split()[1] == "1"  # gold mentions of one run
