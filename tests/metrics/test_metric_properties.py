"""What must hold of scores whatever the data."""

from __future__ import annotations

import random

from hypothesis import assume, given
from hypothesis import strategies as st

from mere.metrics.report import MetricScores, evaluate
from mere.metrics.scores import TRIPLE_METRICS
from mere.types import Prediction, Sentence, Triple
from tests.metrics.metrics_examples import RELATIONS, scored_corpora, triples

Corpus = list[tuple[Sentence, Prediction]]
FROM_TRIPLES = ("triple_f1/strict", "triple_f1/boundary", "relation_f1")


def scores_of(corpus: Corpus) -> dict[str, MetricScores]:
    return dict(evaluate([s for s, _ in corpus], [p for _, p in corpus], resamples=0).metrics)


def counts(scores: MetricScores, part: str) -> tuple[int, int, int]:
    """Sum the counts over the languages, sources or relations."""
    parts = getattr(scores, part).values()
    return sum(s.tp for s in parts), sum(s.fp for s in parts), sum(s.fn for s in parts)


@given(scored_corpora(), st.integers(0, 7), st.sampled_from([None, 0.1, 0.6, 1.0]), st.integers(0, 10))
def test_adding_a_correct_triple_never_lowers_recall(
    corpus: Corpus, at: int, score: float | None, place: int
) -> None:
    assume(at < len(corpus) and corpus[at][0].triples)
    sentence, prediction = corpus[at]
    right = random.Random(at).choice(sentence.triples)
    found = list(prediction.triples)
    found.insert(place, Triple(right.subject, right.relation, right.object, score))
    after = [*corpus[:at], (sentence, Prediction(triples=tuple(found))), *corpus[at + 1 :]]
    before_scores, after_scores = scores_of(corpus), scores_of(after)
    for metric in FROM_TRIPLES:
        before_recall, after_recall = (
            scores[metric].micro.recall for scores in (before_scores, after_scores)
        )
        assert before_recall is not None
        assert after_recall is not None
        assert after_recall >= before_recall


@given(scored_corpora(), st.randoms(use_true_random=False))
def test_the_order_of_sentences_changes_nothing(corpus: Corpus, rng: random.Random) -> None:
    shuffled = rng.sample(corpus, len(corpus))
    assert scores_of(corpus) == scores_of(shuffled)


@given(scored_corpora(), st.randoms(use_true_random=False))
def test_the_order_of_a_complete_sentences_triples_changes_nothing(
    corpus: Corpus, rng: random.Random
) -> None:
    corpus = [(s, p) for s, p in corpus if s.complete]
    shuffled = [(s, Prediction(triples=tuple(rng.sample(p.triples, len(p.triples))))) for s, p in corpus]
    assert scores_of(corpus) == scores_of(shuffled)


@given(scored_corpora())
def test_strict_is_never_above_boundary(corpus: Corpus) -> None:
    scores = scores_of(corpus)
    strict, boundary = scores["triple_f1/strict"], scores["triple_f1/boundary"]
    for part in ("language", "source", "relation"):
        for name, score in getattr(strict, part).items():
            assert score.tp <= getattr(boundary, part)[name].tp
            assert (score.f1.value or 0) <= (getattr(boundary, part)[name].f1.value or 0)
    assert (strict.macro.f1.value or 0) <= (boundary.macro.f1.value or 0)


@given(scored_corpora())
def test_languages_sources_and_relations_add_up_to_the_whole(corpus: Corpus) -> None:
    for metric, scores in scores_of(corpus).items():
        whole = (scores.micro.tp, scores.micro.fp, scores.micro.fn)
        assert counts(scores, "language") == whole
        assert counts(scores, "source") == whole
        if metric in FROM_TRIPLES:  # a mention may take part in triples of several relations
            assert counts(scores, "relation") == whole


@given(scored_corpora())
def test_f1_lies_between_precision_and_recall(corpus: Corpus) -> None:
    for metric, scores in scores_of(corpus).items():
        assert metric in TRIPLE_METRICS
        for score in scores.language.values():
            if score.precision is not None and score.recall is not None:
                low, high = sorted((score.precision, score.recall))
                assert score.f1.value is not None
                assert low - 1e-6 <= score.f1.value <= high + 1e-6


@given(scored_corpora())
def test_gold_given_back_scores_one_on_complete_sentences(corpus: Corpus) -> None:
    corpus = [(s, Prediction(triples=s.triples)) for s, _ in corpus if s.complete]
    for scores in scores_of(corpus).values():
        assert scores.macro.f1.value in (1.0, None)
        assert (scores.micro.fp, scores.micro.fn) == (0, 0)


@given(scored_corpora(), st.lists(triples(scored=True), max_size=4))
def test_predictions_of_relations_not_covered_have_no_effect(corpus: Corpus, more: list[Triple]) -> None:
    noisy = [
        (s, Prediction(triples=(*(t for t in more if not s.covers(t.relation)), *p.triples)))
        for s, p in corpus
    ]
    assert scores_of(noisy) == scores_of(corpus)


@given(scored_corpora())
def test_every_relation_reported_is_gold_or_predicted(corpus: Corpus) -> None:
    for scores in scores_of(corpus).values():
        assert set(scores.relation) <= set(RELATIONS)
        assert all(score.f1.value is not None for score in scores.relation.values())
