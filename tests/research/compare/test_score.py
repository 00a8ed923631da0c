"""Predictions on disk and paired tests with correction, on systems whose mistakes were put there by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from mere.config import Recipe
from mere.errors import DataError
from mere.metrics.paired import paired_bootstrap
from mere.metrics.report import evaluate_runs
from mere.research.compare.folder import read_predictions, write_predictions
from mere.research.compare.score import compare_with, holm, main_metrics
from mere.types import Entity, Prediction, Sentence, Triple
from tests import tiny

METRIC = "triple_f1/strict"


def gold(number: int, lang: str) -> list[Sentence]:
    made = []
    for i in range(number):
        text = f"A{i} met B{i}."
        subject, object_ = (
            Entity(0, text.index(" "), f"A{i}"),
            Entity(text.index("B"), len(text) - 1, f"B{i}"),
        )
        made.append(Sentence(f"{i}", lang, text, (subject, object_), (Triple(subject, "met", object_),)))
    return made


def right(sentence: Sentence) -> Prediction:
    return Prediction(sentence.entities, sentence.triples)


SENTENCES = gold(60, "de") + gold(40, "te")
PERFECT = [right(sentence) for sentence in SENTENCES]
HALF_DE = [Prediction() if s.lang == "de" and i % 2 else right(s) for i, s in enumerate(SENTENCES)]


def test_predictions_come_back_as_they_were(tmp_path: Path) -> None:
    entity = Entity(0, 3, "Ada", "PER", 1.0 + 1e-7)  # a sum of exponentials may round up
    untyped = Entity(8, 12, "Wien", None, 0.25)
    found = Prediction((entity, untyped), (Triple(entity, "birth-place", untyped, 0.125),))
    sentences = [Sentence("s", "de", "Ada kam Wien an.", extra={"x": 1}), tiny.SENTENCES[0]]
    path = tmp_path / "predictions.test.jsonl"
    write_predictions(path, sentences, [found, Prediction()])
    first, second = read_predictions(path, sentences)
    assert [(e.span, e.type, e.score) for e in first.entities] == [
        ((0, 3), "PER", 1.0),
        ((8, 12), None, 0.25),
    ]
    assert [(t.key, t.score) for t in first.triples] == [(found.triples[0].key, 0.125)]
    assert second == Prediction()


def test_predictions_for_other_sentences_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_predictions(path, SENTENCES, PERFECT)
    with pytest.raises(DataError, match="predictions for other sentences"):
        read_predictions(path, SENTENCES[1:])


def test_each_regime_is_tested_per_language_and_macro_and_corrected() -> None:
    reports = {
        "base": evaluate_runs(SENTENCES, [HALF_DE], resamples=0),
        "good": evaluate_runs(SENTENCES, [PERFECT], resamples=0),
        "same": evaluate_runs(SENTENCES, [HALF_DE], resamples=0),
    }
    found = {(c.a, c.scope): c for c in compare_with("base", reports, [METRIC], resamples=500)}
    assert set(found) == {(a, scope) for a in ("good", "same") for scope in ("de", "te", "macro")}
    assert {c.b for c in found.values()} == {"base"}
    assert found["good", "de"].difference == pytest.approx(1 - 2 * 30 / (2 * 30 + 30), abs=1e-6)
    assert found["good", "te"].difference == 0
    for scope in ("de", "te", "macro"):
        assert found["same", scope].p == 1.0
        for regime in ("good", "same"):
            alone = paired_bootstrap(reports[regime].scores, reports["base"].scores, METRIC, resamples=500)
            assert found[regime, scope].p == alone[scope].p
    macro = holm({a: found[a, "macro"].p or 0 for a in ("good", "same")})
    single = holm({(a, lang): found[a, lang].p or 0 for a in ("good", "same") for lang in ("de", "te")})
    for regime in ("good", "same"):
        assert found[regime, "macro"].p_holm == pytest.approx(macro[regime], abs=1e-6)
        assert found[regime, "macro"].family == 2
        for lang in ("de", "te"):
            assert found[regime, lang].p_holm == pytest.approx(single[regime, lang], abs=1e-6)
            assert found[regime, lang].family == 4
    assert (found["good", "de"].p_holm or 1) < 0.05


def test_groups_of_languages_are_a_family_of_their_own() -> None:
    reports = {
        "base": evaluate_runs(SENTENCES, [HALF_DE], resamples=0),
        "good": evaluate_runs(SENTENCES, [PERFECT], resamples=0),
    }
    made = compare_with("base", reports, [METRIC], groups=["de+te", "de/te"], resamples=500)
    found = {c.scope: c for c in made}
    assert {scope: c.family for scope, c in found.items()} == {
        "macro": 1,
        "de": 2,
        "te": 2,
        "de+te": 2,
        "de/te": 2,
    }
    assert found["de+te"].difference == found["macro"].difference
    assert found["de/te"].difference == found["de"].difference  # te does not differ


def test_the_main_metric_is_that_of_the_task() -> None:
    def of(task: object) -> list[str]:
        return main_metrics(Recipe.from_tree({"task": task, "stages": [{"name": "one"}]}))

    assert of("entities") == ["entity_f1/strict"]
    assert of("triples") == [METRIC]
    assert of(["entities", "triples"]) == [METRIC, "entity_f1/strict"]
