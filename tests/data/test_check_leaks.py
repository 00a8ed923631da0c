"""Leaks between splits and languages, planted one by one and found with their places."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.data.check import check
from mere.data.surface import normalise

Write = Callable[[dict[str, list[Any]]], Path]
LEAKS = (
    "leak-text",
    "leak-text-across",
    "leak-triple",
    "leak-triple-across",
    "leak-pair",
    "leak-pair-across",
)


def fact(lang: str, text: str, subject: str, relation: str, object_: str, **more: Any) -> dict[str, Any]:
    def span(mention: str) -> dict[str, int]:
        return {"start": text.index(mention), "end": text.index(mention) + len(mention)}

    triple = {"subject": span(subject), "relation": relation, "object": span(object_)}
    return {"lang": lang, "text": text, "triples": [triple], **more}


TRAIN = fact("de", "Ada Berg wurde in Wien geboren.", "Ada Berg", "birth-place", "Wien")


@pytest.mark.parametrize(
    ("lang", "other", "expected"),
    [
        (
            "de",
            fact("de", "ada  berg wurde in WIEN geboren.", "ada  berg", "birth-place", "WIEN"),
            {"leak-text": {"de test": 1}, "leak-triple": {"de test": 1}},
        ),
        (
            "de",
            fact("de", "In Wien kam Ada Berg zur Welt.", "Ada Berg", "birth-place", "Wien", source="web"),
            {"leak-triple": {"de test web": 1}},
        ),
        (
            "de",
            fact("de", "Ada Berg arbeitet in Wien.", "Ada Berg", "works-in", "Wien"),
            {"leak-pair": {"de test": 1}},
        ),
        (
            "de",
            fact("de", "Wien ehrt Ada Berg.", "Wien", "birth-place", "Ada Berg"),
            {"leak-pair": {"de test": 1}},
        ),
        (
            "nl",
            fact("nl", "Ada Berg wurde in Wien geboren.", "Ada Berg", "birth-place", "Wien"),
            {"leak-text-across": {"nl test": 1}, "leak-triple-across": {"nl test": 1}},
        ),
        (
            "nl",
            fact("nl", "Ada Berg werkt in Wien.", "Ada Berg", "works-in", "Wien"),
            {"leak-pair-across": {"nl test": 1}},
        ),
        ("de", fact("de", "Eva Tal wurde in Wien geboren.", "Eva Tal", "birth-place", "Wien"), {}),
    ],
    ids=["text", "triple", "pair", "pair-turned", "text-across", "pair-across", "none"],
)
def test_planted_leaks(
    corpus_dir: Write, lang: str, other: dict[str, Any], expected: dict[str, dict[str, int]]
) -> None:
    report = check([corpus_dir({"de.train.jsonl": [TRAIN], f"{lang}.test.jsonl": [other]})])
    found = {code: dict(finding.by) for code in LEAKS if (finding := report.finding(code))}
    assert found == expected
    assert all(report.finding(code).of for code in found), "shares can be told"
    assert report.exit_status == 0, "a leak is a warning"


def test_what_the_own_language_states_is_not_counted_across(corpus_dir: Write) -> None:
    files = {
        "de.train.jsonl": [TRAIN],
        "nl.train.jsonl": [{**TRAIN, "lang": "nl"}],
        "nl.test.jsonl": [{**TRAIN, "lang": "nl"}],
    }
    report = check([corpus_dir(files)])
    assert report.finding("leak-text").count == 1
    assert report.finding("leak-text-across") is None


def test_dev_and_test_are_compared(corpus_dir: Write) -> None:
    report = check([corpus_dir({"de.dev.jsonl": [TRAIN], "de.test.jsonl": [TRAIN]})])
    assert dict(report.finding("leak-text").by) == {"de test, from dev": 1}


def test_leaks_are_found_between_paths(corpus_dir: Write) -> None:
    folder = corpus_dir({"a/de.train.jsonl": [TRAIN], "b/de.test.jsonl": [TRAIN]})
    report = check([folder / "a", folder / "b" / "de.test.jsonl"])
    assert report.finding("leak-text").count == 1
    same = check([folder / "a", folder / "a" / "de.train.jsonl"])
    assert same.finding("duplicate") is None, "a file named twice is read once"


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_normalise(text: str) -> None:
    """The same as the scores' notion of a seen triple, and steady."""
    from mere.metrics import seen_in_training as seen

    assert normalise(text) == seen.normalise(text)
    assert normalise(f"  {text}\n") == normalise(text)
    assert normalise(normalise(text)) == normalise(text)
