"""Sentences that state no relation: the set against which invented triples are counted (benchmarks/false_triples.py).

`<lang>.tsv` holds a kind and a sentence a line. The names are the ones that training corpora's facts are made of, and
the words of every relation occur, but no sentence states a fact: names stand side by side, the fact is denied, asked
for, or only imagined.
"""

import json
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "benchmarks" / "results"
LANGUAGES = sorted(file.stem for file in HERE.glob("*.tsv"))
KINDS = {"co-occurrence", "negation", "question", "hypothetical"}


def rows(lang: str) -> list[tuple[str, str]]:
    """Return the kind and the text of each sentence of a language."""
    lines = (HERE / f"{lang}.tsv").read_text(encoding="utf-8").splitlines()
    return [(kind, text) for kind, _, text in (line.partition("\t") for line in lines)]


def test_there_are_at_least_six_languages():
    assert len(LANGUAGES) >= 6


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_kind_has_its_share_and_no_sentence_occurs_twice(lang):
    kinds = Counter(kind for kind, _ in rows(lang))
    texts = [text for _, text in rows(lang)]
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 15
    assert len(set(texts)) == len(texts) >= 60
    assert all(text == unicodedata.normalize("NFC", text).strip() for text in texts)


def test_the_figures_are_of_this_set():
    record = json.loads((RESULTS / "false-triples.json").read_text(encoding="utf-8"))
    counts = {lang: Counter(kind for kind, _ in rows(lang)) for lang in LANGUAGES}
    for model in record["models"].values():
        told = model["languages"]
        assert {lang: {k: r["sentences"] for k, r in told[lang]["kinds"].items()} for lang in told} == counts
        assert sum(r["false_triples"] for r in model["kinds"].values()) == model["all"]["false_triples"]
        assert sum(model["relations"].values()) == model["all"]["false_triples"]
        assert model["all"]["per_1000"] == pytest.approx(
            1000 * model["all"]["false_triples"] / model["all"]["sentences"], abs=0.05
        )
