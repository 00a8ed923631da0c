"""Entities by type, length, and whether training states them; and which of them are scored at all."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.metrics.annotated import annotates_entities, annotates_triples, scored_mentions
from mere.metrics.entities import match
from mere.metrics.lengths import LENGTHS, length_of
from mere.metrics.report import MetricScores, evaluate, evaluate_runs
from mere.metrics.scores import score_runs
from mere.metrics.seen_in_training import mention_index
from mere.types import Entity, Prediction, Sentence, Triple
from tests.metrics.entity_examples import (
    TYPES,
    Corpus,
    apart,
    entities_of,
    entity,
    entity_corpora,
    found,
    noted,
    sentence_of,
)

F1 = "entity_f1/strict"


def entity_scores(corpus: Corpus, **options: object) -> MetricScores:
    return evaluate(*apart(corpus), **({"resamples": 0} | options)).metrics[F1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mention", "length"),
    [
        ("Graz", "1 word"),
        ("U.S.", "1 word"),
        ("New\u00a0York", "2 words"),
        ("Ada  King  Byron", "3 words"),
        ("Rat der Stadt Graz", "4+ words"),
        ("a b c d e", "4+ words"),
        ("2024", "1 word"),
        ("서울 대학교", "2 words"),
        ("東", "1-2 characters"),
        ("東京", "1-2 characters"),
        ("東京都", "3-4 characters"),
        ("スーパー", "3-4 characters"),
        ("アン リー", "3-4 characters"),
        ("ญี่ปุ่น", "3-4 characters"),  # seven code points, four characters
        ("東京大学校", "5-8 characters"),
        ("东京 abcdef", "5-8 characters"),
        ("東京大学附属図書館", "9+ characters"),
    ],
)
def test_length_is_told_in_words_or_in_characters(mention: str, length: str) -> None:
    assert length_of(mention) == length


@given(st.text(alphabet="aé 東ー\u0301\u200dที่👩", min_size=1, max_size=12))
def test_every_mention_has_one_length(mention: str) -> None:
    assert length_of(mention) in LENGTHS
    assert length_of(mention + mention[::-1]) in LENGTHS[LENGTHS.index(length_of(mention)) :]


TEXT = "Ada Byron met Bo in New York , not in York"
GOLD = (
    entity(TEXT, "Ada Byron", "PER"),
    entity(TEXT, "Bo", "PER"),
    entity(TEXT, "New York", "LOC"),
    entity(TEXT, "York", "LOC", at=30),
)
FOUND = found(GOLD[0], entity(TEXT, "New York", "ORG"), entity(TEXT, "York", "LOC", at=20), GOLD[3])


def test_the_parts_of_a_sentence_worked_out_by_hand() -> None:
    scores = entity_scores([(noted(TEXT, *GOLD), FOUND)])
    assert {name: (s.tp, s.fp, s.fn) for name, s in scores.type.items()} == {
        "LOC": (1, 1, 1),
        "ORG": (0, 1, 0),
        "PER": (1, 0, 1),
    }
    assert {name: (s.tp, s.fp, s.fn) for name, s in scores.length.items()} == {
        "1 word": (1, 1, 1),
        "2 words": (1, 1, 1),
    }
    assert scores.type["PER"].f1.value == pytest.approx(2 / 3, abs=1e-6)
    assert scores.macro_types is not None
    assert scores.macro_types.f1.value == pytest.approx((2 / 3 + 1 / 2 + 0) / 3, abs=1e-6)
    assert list(scores.length) == ["1 word", "2 words"]


def test_recall_is_told_apart_for_seen_and_unseen_mentions() -> None:
    text = "ADA  BYRON in new york"
    train = noted(text, entity(text, "ADA  BYRON", "PER"), entity(text, "new york", "ORG"), lang="yy")
    metrics = evaluate([noted(TEXT, *GOLD)], [FOUND], train=[train], resamples=0).metrics
    seen, unseen = metrics["entity_recall/seen"], metrics["entity_recall/unseen"]
    # Ada Byron is stated in another language; New York only as another type.
    assert (seen.micro.tp, seen.micro.fp, seen.micro.fn, seen.micro.f1.value) == (1, 0, 0, 1)
    assert (unseen.micro.tp, unseen.micro.fp, unseen.micro.fn) == (1, 0, 2)
    assert unseen.language["xx"].f1.value == pytest.approx(1 / 3, abs=1e-6)
    assert unseen.micro.precision is None


def test_a_mention_without_a_type_is_counted_under_the_type_of_the_other_side() -> None:
    untyped = dataclasses.replace(GOLD[0], type=None)
    alone = dataclasses.replace(GOLD[1], type=None)
    scores = entity_scores([(noted(TEXT, untyped, alone), found(GOLD[0]))])
    assert {name: (s.tp, s.fp, s.fn) for name, s in scores.type.items()} == {"?": (0, 0, 1), "PER": (1, 0, 0)}


def test_which_sentences_annotate_what() -> None:
    def sentence(relations: set[str] | None, types: set[str] | None) -> Sentence:
        covered = [None if names is None else frozenset(names) for names in (relations, types)]
        return Sentence("1", "xx", TEXT, relations_covered=covered[0], types_covered=covered[1])

    told = {
        (relations, types): (annotates_triples(s), annotates_entities(s))
        for relations, types, s in (
            ("all", "all", sentence(None, None)),
            ("some", "all", sentence({"eats"}, None)),
            ("none", "all", sentence(set(), None)),
            ("all", "some", sentence(None, {"PER"})),
            ("none", "some", sentence(set(), {"PER"})),
            ("all", "none", sentence(None, set())),
            ("none", "none", sentence(set(), set())),
        )
    }
    assert told == {
        ("all", "all"): (True, False),
        ("some", "all"): (True, False),
        ("none", "all"): (False, True),
        ("all", "some"): (True, True),
        ("none", "some"): (False, True),
        ("all", "none"): (True, False),
        ("none", "none"): (False, False),
    }


def test_a_type_that_the_source_does_not_cover_is_neither_right_nor_wrong() -> None:
    sentence = dataclasses.replace(noted(TEXT, *GOLD), types_covered=frozenset({"PER"}))
    gold, predicted = scored_mentions(sentence, FOUND)
    assert (gold, predicted) == (list(GOLD[:2]), [GOLD[0]])
    scores = entity_scores([(sentence, FOUND)])
    assert (scores.micro.tp, scores.micro.fp, scores.micro.fn) == (1, 0, 1)
    assert list(scores.type) == ["PER"]


def test_a_mention_found_only_for_a_triple_says_nothing_of_entities() -> None:
    bo, byron = (dataclasses.replace(GOLD[1], type=None), dataclasses.replace(GOLD[0], type=None))
    sentence = dataclasses.replace(
        noted(TEXT, *GOLD[:2]), relations_covered=None, types_covered=frozenset({"PER"})
    )
    prediction = Prediction(entities=(byron, bo), triples=(Triple(bo, "met", byron),))
    assert scored_mentions(sentence, prediction) == (list(GOLD[:2]), [])
    assert scored_mentions(sentence, Prediction(entities=(byron, bo)))[1] == [byron, bo]


mentions = st.builds(
    lambda start, size, type: Entity(start, start + size, TEXT[start : start + size], type),
    st.integers(0, 3),
    st.integers(1, 2),
    st.sampled_from([None, "LOC", "PER"]),
)


@given(st.lists(mentions, max_size=6), st.lists(mentions, max_size=6))
def test_matching_tells_every_mention_once(gold: list[Entity], predicted: list[Entity]) -> None:
    matched = match(gold, predicted)
    for side, (paired, rest) in enumerate(
        (([g for g, _ in matched.right], matched.missed), ([p for _, p in matched.right], matched.wrong))
    ):
        told = [(m.span, m.type) for m in (*paired, *rest)]
        given_ = {(m.span, m.type) for m in (gold, predicted)[side]}
        typed = {span for span, type_ in given_ if type_ is not None}
        assert sorted(told, key=str) == sorted(
            ((span, type_) for span, type_ in given_ if type_ is not None or span not in typed), key=str
        )
    for wanted, given_mention in matched.right:
        assert wanted.span == given_mention.span
        assert None in (wanted.type, given_mention.type) or wanted.type == given_mention.type
    for wanted in matched.missed:  # nothing is left over that could have been paired
        for other in matched.wrong:
            assert wanted.span != other.span or None not in (wanted.type, other.type)
            assert (wanted.span, wanted.type) != (other.span, other.type)


@given(entity_corpora())
def test_types_lengths_and_languages_add_up_to_the_whole(corpus: Corpus) -> None:
    sentences, _ = apart(corpus)
    metrics = evaluate(*apart(corpus), train=sentences[::2], resamples=0).metrics
    whole = metrics[F1].micro
    for parts in (metrics[F1].language, metrics[F1].type, metrics[F1].length):
        for count in ("tp", "fp", "fn"):
            assert sum(getattr(score, count) for score in parts.values()) == getattr(whole, count)
    recalls = [metrics[f"entity_recall/{part}"].micro for part in ("seen", "unseen") if corpus]
    if recalls:
        assert sum(score.tp for score in recalls) == whole.tp
        assert sum(score.fn for score in recalls) == whole.fn
    assert all(score.f1.value is not None for score in (metrics[F1].type | metrics[F1].length).values())


@given(entity_corpora(), st.randoms(use_true_random=False))
def test_the_order_of_sentences_and_of_mentions_changes_nothing(corpus: Corpus, rng: random.Random) -> None:
    shuffled = [
        (s, found(*rng.sample(p.entities, len(p.entities)))) for s, p in rng.sample(corpus, len(corpus))
    ]
    one, other = (evaluate(*apart(c), resamples=0).to_json() for c in (corpus, shuffled))
    assert one == other


@given(entity_corpora())
def test_a_mention_given_twice_counts_once(corpus: Corpus) -> None:
    twice = [
        (dataclasses.replace(s, entities=(*s.entities, *s.entities)), found(*p.entities, *p.entities))
        for s, p in corpus
    ]
    one, other = (evaluate(*apart(c), resamples=0).to_json() for c in (corpus, twice))
    assert one == other


@given(entity_corpora())
def test_every_sentence_twice_gives_the_same_ratios_from_twice_the_counts(corpus: Corpus) -> None:
    once, twice = entity_scores(corpus), entity_scores(corpus + corpus)
    for part in ("language", "type", "length"):
        for name, score in getattr(once, part).items():
            double = getattr(twice, part)[name]
            assert (double.tp, double.fp, double.fn) == (2 * score.tp, 2 * score.fp, 2 * score.fn)
            assert (double.precision, double.recall) == (score.precision, score.recall)
            assert double.f1.value == score.f1.value
    assert twice.macro.f1.value == once.macro.f1.value


@given(entity_corpora(), st.sampled_from(TYPES))
def test_predictions_of_types_not_covered_have_no_effect(corpus: Corpus, type_: str) -> None:
    others = frozenset(TYPES) - {type_}
    lacking = [
        (
            dataclasses.replace(
                s, types_covered=others, entities=tuple(e for e in s.entities if e.type != type_)
            ),
            p,
        )
        for s, p in corpus
    ]
    silent = [(s, found(*(e for e in p.entities if e.type != type_))) for s, p in lacking]
    one, other = (evaluate(*apart(c), resamples=0).to_json() for c in (lacking, silent))
    assert one == other


def made_up(seed: int, num_sentences: int = 60) -> Corpus:
    """A corpus in three languages of which a system finds about two thirds."""
    rng = random.Random(seed)
    corpus: Corpus = []
    for number in range(num_sentences):
        tokens = rng.choices(["Ada", "graz", "東京", "ที่", "b"], k=8)
        gold, predicted = ["O"] * 8, ["O"] * 8
        for start in (0, 3, 6):
            size, type_ = rng.randint(1, 2), rng.choice(TYPES)
            gold[start : start + size] = [f"B-{type_}", *[f"I-{type_}"] * (size - 1)]
            predicted[start : start + size] = gold[start : start + size]
            if rng.random() < 0.3:
                predicted[start] = rng.choice(["O", f"B-{rng.choice(TYPES)}"])
        sentence = sentence_of(tokens, gold, lang=rng.choice(["ja", "pl", "te"]), id=str(number))
        corpus.append((sentence, found(*entities_of(tokens, predicted))))
    return corpus


def test_the_interval_of_a_type_is_that_of_a_corpus_of_this_type_alone() -> None:
    corpus = made_up(1)
    whole = entity_scores(corpus, resamples=300)
    for type_ in TYPES:

        def of_type(entities: tuple[Entity, ...], wanted: str = type_) -> tuple[Entity, ...]:
            return tuple(e for e in entities if e.type == wanted)

        alone = [
            (dataclasses.replace(s, entities=of_type(s.entities)), found(*of_type(p.entities)))
            for s, p in corpus
        ]
        assert entity_scores(alone, resamples=300).micro == whole.type[type_]


def test_the_interval_of_a_length_is_that_of_a_corpus_of_this_length_alone() -> None:
    corpus = made_up(2)
    whole = entity_scores(corpus, resamples=300)
    assert len(whole.length) > 3
    for length, score in whole.length.items():
        alone = [
            (
                dataclasses.replace(s, entities=tuple(e for e in s.entities if length_of(e.text) == length)),
                found(*(e for e in p.entities if length_of(e.text) == length)),
            )
            for s, p in corpus
        ]
        assert entity_scores(alone, resamples=300).micro == score


@pytest.mark.parametrize("seed", range(3))
def test_intervals_hold_their_values_and_are_no_points(seed: int) -> None:
    corpus = made_up(seed)
    train = [s for s, _ in made_up(seed + 10, 6)]
    metrics = evaluate(*apart(corpus), train=train, resamples=400).metrics
    assert set(metrics) == {F1, "entity_recall/seen", "entity_recall/unseen"}
    scores = [metrics[F1].micro, metrics[F1].macro, metrics[F1].macro_types]
    scores += [*metrics[F1].language.values(), *metrics[F1].type.values(), *metrics[F1].length.values()]
    scores += [metrics[f"entity_recall/{part}"].micro for part in ("seen", "unseen")]
    for score in scores:
        assert score is not None
        assert 0 <= score.f1.low < score.f1.value < score.f1.high <= 1  # type: ignore[operator]


def test_parts_are_means_over_runs() -> None:
    corpus = made_up(3)
    gold, predicted = apart(corpus)
    nothing = [found()] * len(gold)
    both = evaluate_runs(gold, [predicted, nothing], resamples=0).metrics[F1]
    one = evaluate(gold, predicted, resamples=0).metrics[F1]
    for name, score in one.type.items():
        assert both.type[name].f1.value == pytest.approx((score.f1.value or 0) / 2, abs=1e-6)
        assert both.type[name].fn == score.fn + score.tp + score.fn


def test_recall_of_mentions_needs_entities_annotated_for_their_own_sake() -> None:
    sentence = Sentence("1", "xx", TEXT, entities=GOLD, triples=(Triple(GOLD[1], "met", GOLD[0]),))
    scores = score_runs([sentence], [[Prediction()]], seen_mentions=mention_index([sentence]))
    assert not any(metric.startswith("entity_recall") for metric in scores.metrics)
    assert (scores.by_type, scores.by_length) == ({}, {})
