"""Scores against what is not us: seqeval, scikit-learn, and counting by brute force."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.metrics.report import evaluate
from mere.metrics.triples import boundary_counts, overlap
from mere.types import Entity, Prediction, Sentence, Triple
from tests.metrics.metrics_examples import RELATIONS, scored_corpora, triples

TYPES = ("PER", "LOC", "ORG")


def random_tags(rng: random.Random, length: int) -> list[str]:
    """A well-formed BIO sequence in which entities often touch."""
    tags: list[str] = []
    while len(tags) < length:
        type = rng.choice([*TYPES, None, None])
        size = rng.randint(1, 3)
        tags += ["O"] * size if type is None else [f"B-{type}", *[f"I-{type}"] * (size - 1)]
    return tags[:length]


def entities_of(tags: list[str]) -> tuple[Entity, ...]:
    """The entities of tags over the words of "a a a ...", each word one letter."""
    found = []
    for i, tag in enumerate(tags):
        if tag.startswith("B-"):
            last = next((j for j in range(i + 1, len(tags)) if tags[j] != f"I-{tag[2:]}"), len(tags))
            text = "a " * (last - i - 1) + "a"
            found.append(Entity(2 * i, 2 * i + len(text), text, type=tag[2:]))
    return tuple(found)


@pytest.mark.parametrize("seed", range(5))
def test_entity_scores_are_seqevals_in_strict_mode(seed: int) -> None:
    metrics = pytest.importorskip("seqeval.metrics")
    iob2 = pytest.importorskip("seqeval.scheme").IOB2
    rng = random.Random(seed)
    gold_tags = [random_tags(rng, rng.randint(3, 12)) for _ in range(40)]
    # Half of the predictions start from the gold tags, so that some entities are right.
    found_tags = [tags if rng.random() < 0.5 else random_tags(rng, len(tags)) for tags in gold_tags]
    gold = [
        Sentence(str(i), "xx", "a " * len(tags), entities=entities_of(tags), relations_covered=frozenset())
        for i, tags in enumerate(gold_tags)
    ]
    report = evaluate(gold, [Prediction(entities=entities_of(tags)) for tags in found_tags], resamples=0)
    ours = report.metrics["entity_f1/strict"].micro
    options = {"mode": "strict", "scheme": iob2, "average": "micro"}
    assert ours.f1.value == pytest.approx(metrics.f1_score(gold_tags, found_tags, **options), abs=1e-6)
    assert ours.precision == pytest.approx(
        metrics.precision_score(gold_tags, found_tags, **options), abs=1e-6
    )
    assert ours.recall == pytest.approx(metrics.recall_score(gold_tags, found_tags, **options), abs=1e-6)
    assert 0 < ours.f1.value < 1


@given(scored_corpora())
def test_relation_scores_are_sklearns_multilabel_f1(corpus: list[tuple[Sentence, Prediction]]) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    corpus = [(s, p) for s, p in corpus if s.complete and s.relations_covered is None]
    gold, found = (
        [[int(any(t.relation == r for t in side.triples)) for r in RELATIONS] for side in sides]
        for sides in (zip(*corpus, strict=True) if corpus else ((), ()))
    )
    ours = evaluate([s for s, _ in corpus], [p for _, p in corpus], resamples=0).metrics["relation_f1"]
    if not any(map(any, gold)) and not any(map(any, found)):
        assert ours.micro.f1.value is None
        return
    assert ours.micro.f1.value == pytest.approx(sklearn.f1_score(gold, found, average="micro"), abs=1e-6)
    per_relation = sklearn.f1_score(gold, found, average=None, zero_division=float("nan"))
    wanted = {r: value for r, value in zip(RELATIONS, per_relation, strict=True) if value == value}
    assert {r: s.f1.value for r, s in ours.relation.items()} == pytest.approx(wanted, abs=1e-6)
    assert ours.macro_relations.f1.value == pytest.approx(sum(wanted.values()) / len(wanted), abs=1e-6)


def brute_force_pairs(gold: list[Triple], found: list[Triple]) -> int:
    """The most pairs over every way to give each of the shorter side a partner of its own."""
    gold, found = (list({t.key: t for t in side}.values()) for side in (gold, found))
    short, long = sorted((gold, found), key=len)
    return max(
        sum(
            a.relation == b.relation
            and overlap(a.subject.span, b.subject.span) >= 0.5
            and overlap(a.object.span, b.object.span) >= 0.5
            for a, b in zip(short, partners, strict=True)
        )
        for partners in itertools.permutations(long, len(short))
    )


@given(st.lists(triples(), max_size=5), st.lists(triples(), max_size=5))
def test_boundary_counts_are_the_best_of_all_pairings(gold: list[Triple], found: list[Triple]) -> None:
    assert boundary_counts(gold, found).tp == brute_force_pairs(gold, found)


@given(scored_corpora())
def test_strict_scores_are_those_of_counting_facts_one_by_one(
    corpus: list[tuple[Sentence, Prediction]],
) -> None:
    """The protocol and the averages once more, without sentences: facts are (number, key) in one big set."""
    gold: dict[str, set[object]] = defaultdict(set)
    found: dict[str, set[object]] = defaultdict(set)
    for number, (sentence, prediction) in enumerate(corpus):
        gold[sentence.lang] |= {(number, t.key) for t in sentence.triples}
        kept = [t for t in prediction.triples if sentence.covers(t.relation)]
        if not sentence.complete:
            kept = sorted(kept, key=lambda t: -1.0 if t.score is None else t.score, reverse=True)[:1]
        found[sentence.lang] |= {(number, t.key) for t in kept}
    f1s = {
        lang: 2 * len(gold[lang] & found[lang]) / (len(gold[lang]) + len(found[lang]))
        for lang in gold
        if gold[lang] or found[lang]
    }
    ours = evaluate([s for s, _ in corpus], [p for _, p in corpus], resamples=0).metrics["triple_f1/strict"]
    known = {lang: score.f1.value for lang, score in ours.language.items() if score.f1.value is not None}
    assert known == pytest.approx(f1s, abs=1e-6)
    if f1s:
        assert ours.macro.f1.value == pytest.approx(sum(f1s.values()) / len(f1s), abs=1e-6)
        both, either = (
            sum(len(f(gold[lang], found[lang])) for lang in f1s) for f in (set.__and__, set.__or__)
        )
        assert ours.micro.f1.value == pytest.approx(2 * both / (both + either), abs=1e-6)
    else:
        assert ours.macro.f1.value is None
