"""What each metric counts, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mere.errors import DataError
from mere.metrics.counts import Counts, f1, mean_known, precision, recall
from mere.metrics.entities import match, triple_entity_counts
from mere.metrics.protocol import apply_protocol
from mere.metrics.scores import score_runs
from mere.metrics.seen_in_training import normalise, surface, surface_index
from mere.metrics.triples import boundary_counts, overlap, relation_counts, strict_counts
from mere.types import Prediction, Sentence, Span, Triple
from tests.metrics.metrics_examples import TEXT, mention, saying, stated

POLISH = "Doktor Zofia Lis z Gdyni ma syna Jana."
GOLD = (stated(POLISH, "Zofia Lis", "is-where", "Gdyni"), stated(POLISH, "Zofia Lis", "has-child", "Jana"))


def test_ratios_of_counts() -> None:
    counts = Counts(tp=3, fp=1, fn=2)
    assert counts.f1 == pytest.approx(6 / 9)
    assert counts + Counts(1, 1, 1) == Counts(4, 2, 3)


def test_what_nothing_answers_is_unknown_and_a_total_miss_is_zero() -> None:
    assert Counts().f1 is None
    assert Counts(fn=1).f1 == 0
    assert Counts(fp=1).f1 == 0


def test_arrays_of_counts_say_the_same_as_single_ones() -> None:
    many = [Counts(3, 1, 2), Counts(), Counts(fn=1), Counts(fp=1)]
    table = np.array([[c.tp, c.fp, c.fn] for c in many], dtype=float)
    np.testing.assert_allclose(f1(table), [np.nan if c.f1 is None else c.f1 for c in many])
    np.testing.assert_allclose(precision(table), [3 / 4, np.nan, np.nan, 0])
    np.testing.assert_allclose(recall(table), [3 / 5, np.nan, 0, np.nan])
    np.testing.assert_allclose(mean_known(np.array([[0.5, np.nan], [np.nan, np.nan]]), axis=1), [0.5, np.nan])


def test_strict_asks_for_both_spans_the_relation_and_the_direction() -> None:
    right, second = GOLD
    title_too = stated(POLISH, "Doktor Zofia Lis", "is-where", "Gdyni")
    backwards = Triple(right.object, right.relation, right.subject)
    misnamed = Triple(right.subject, "birth-place", right.object)
    assert strict_counts(GOLD, [right, title_too, backwards, misnamed]) == Counts(tp=1, fp=3, fn=1)
    assert strict_counts(GOLD, [right, right, second]) == Counts(tp=2)


def test_boundary_forgives_a_title_but_not_half_a_mention_nor_a_direction() -> None:
    right, _ = GOLD
    title_too = stated(POLISH, "Doktor Zofia Lis", "is-where", "Gdyni")  # 9 of 16 code points shared
    surname_only = stated(POLISH, "Lis", "is-where", "Gdyni")  # 3 of 9
    backwards = Triple(right.object, right.relation, right.subject)
    assert boundary_counts([right], [title_too]) == Counts(tp=1)
    assert boundary_counts([right], [surname_only]) == Counts(fp=1, fn=1)
    assert boundary_counts([right], [backwards]) == Counts(fp=1, fn=1)


def test_boundary_pairs_one_to_one() -> None:
    right, _ = GOLD
    title_too = stated(POLISH, "Doktor Zofia Lis", "is-where", "Gdyni")
    assert boundary_counts([right], [title_too, right]) == Counts(tp=1, fp=1)


def test_boundary_finds_the_largest_pairing_where_greed_would_miss_one() -> None:
    # The first prediction fits both gold subjects, the second only the first of them.
    gold = [Triple(mention(s), "eats", mention((8, 10))) for s in ((0, 4), (1, 5))]
    predicted = [Triple(mention(s), "eats", mention((8, 10))) for s in ((0, 5), (0, 3))]
    assert boundary_counts(gold, predicted) == Counts(tp=2)


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Span(0, 4), Span(2, 6)) == pytest.approx(2 / 6)
    assert overlap(Span(0, 4), Span(0, 2)) == 0.5
    assert overlap(Span(0, 2), Span(2, 4)) == 0
    assert overlap(Span(3, 3), Span(3, 3)) == 1


def test_entities_of_triples_have_no_role() -> None:
    zofia_in_gdynia, _ = GOLD
    swapped = Triple(zofia_in_gdynia.object, "has-child", zofia_in_gdynia.subject)
    assert triple_entity_counts(GOLD, [swapped]) == Counts(tp=2, fp=0, fn=1)


def test_entity_types_count_only_where_both_sides_have_one() -> None:
    person, place, untyped = (mention((0, 3), type=t) for t in ("PER", "LOC", None))
    assert match([person], [person]).counts == Counts(tp=1)
    assert match([person], [place]).counts == Counts(fp=1, fn=1)
    assert match([person], [untyped]).counts == Counts(tp=1)
    assert match([untyped], [place]).counts == Counts(tp=1)
    assert match([person, place], [place]).counts == Counts(tp=1, fn=1)
    assert match([person, untyped], [person]).counts == Counts(tp=1)


def test_relations_are_a_set_per_sentence() -> None:
    twice = (*GOLD, Triple(mention((0, 6), POLISH), "is-where", mention((19, 24), POLISH)))
    assert relation_counts(twice, [GOLD[0]]) == Counts(tp=1, fn=1)
    assert relation_counts([], [GOLD[0]]) == Counts(fp=1)


def test_a_relation_that_the_source_did_not_annotate_is_no_false_positive() -> None:
    sentence = Sentence(
        "1", "pl", POLISH, triples=GOLD[:1], relations_covered=frozenset({"is-where", "eats"})
    )
    uncovered, covered = GOLD[1], stated(POLISH, "Jana", "eats", "syna")
    assert apply_protocol(sentence, saying(GOLD[0], uncovered, covered)) == (GOLD[0], covered)


def test_an_incomplete_row_is_scored_by_its_best_prediction_alone() -> None:
    sentence = Sentence("1", "pl", POLISH, triples=GOLD, complete=False)
    good, better = (
        stated(POLISH, *words, score)
        for *words, score in (
            ("Zofia Lis", "is-where", "Gdyni", 0.6),
            ("Zofia Lis", "has-child", "Jana", 0.7),
        )
    )
    assert apply_protocol(sentence, saying(good, better)) == (better,)
    table = score_runs([sentence], [[saying(good, better)]]).metrics["triple_f1/strict"]
    assert table.totals().tolist() == [[1, 0, 1]]  # two gold triples and one scored prediction: one is missed


def test_the_best_of_an_incomplete_row_is_chosen_among_the_covered_relations() -> None:
    sentence = Sentence(
        "1", "pl", POLISH, triples=GOLD[:1], relations_covered=frozenset({"is-where"}), complete=False
    )
    uncovered = stated(POLISH, "Zofia Lis", "has-child", "Jana", 0.9)
    covered = stated(POLISH, "Zofia Lis", "is-where", "Gdyni", 0.1)
    assert apply_protocol(sentence, saying(uncovered, covered)) == (covered,)
    assert apply_protocol(sentence, saying(uncovered)) == ()


def test_without_scores_the_first_named_is_the_best_and_any_score_beats_none() -> None:
    sentence = Sentence("1", "pl", POLISH, complete=False)
    assert apply_protocol(sentence, saying(*GOLD)) == GOLD[:1]
    scored = stated(POLISH, "Jana", "eats", "syna", 0.01)
    assert apply_protocol(sentence, saying(*GOLD, scored)) == (scored,)


def test_an_incomplete_row_without_gold_turns_a_prediction_into_a_false_positive() -> None:
    sentence = Sentence("1", "pl", POLISH, complete=False)
    table = score_runs([sentence, sentence], [[saying(*GOLD), saying()]]).metrics["triple_f1/strict"]
    assert table.counts.tolist() == [[[0, 1, 0], [0, 0, 0]]]


def test_equal_predictions_are_one_with_the_best_score() -> None:
    sentence = Sentence("1", "pl", POLISH, triples=GOLD)
    weak, strong = (stated(POLISH, "Zofia Lis", "is-where", "Gdyni", score) for score in (0.3, 0.8))
    assert apply_protocol(sentence, saying(weak, strong)) == (strong,)


def test_a_score_that_is_not_a_number_is_refused() -> None:
    bad = stated(POLISH, "Zofia Lis", "is-where", "Gdyni", float("nan"))
    with pytest.raises(DataError, match=r"\(Zofia Lis, is-where, Gdyni\) is not a number.*Give a score"):
        apply_protocol(Sentence("1", "pl", POLISH, complete=False), saying(bad))


def test_a_corpus_of_entities_only_is_scored_by_its_entities() -> None:
    gold = (mention((0, 2), type="PER"), mention((4, 6), type="LOC"))
    sentence = Sentence("1", "pl", TEXT, entities=gold, relations_covered=frozenset())
    found = Prediction(
        entities=(gold[0], mention((7, 10), type="ORG")), triples=(Triple(gold[0], "eats", gold[1]),)
    )
    scores = score_runs([sentence], [[found]])
    assert scores.metrics["entity_f1/strict"].totals().tolist() == [[1, 1, 1]]
    assert scores.metrics["triple_f1/strict"].totals().tolist() == [[0, 0, 0]]


def test_entities_outside_triples_do_not_count_in_a_triple_corpus() -> None:
    doctor = mention((0, 6), POLISH)
    sentence = Sentence("1", "pl", POLISH, entities=(doctor,), triples=GOLD[:1])
    scores = score_runs([sentence], [[Prediction(entities=(mention((33, 37), POLISH),), triples=GOLD[:1])]])
    assert scores.metrics["entity_f1/strict"].totals().tolist() == [[2, 0, 0]]


def test_a_surface_has_no_case_spacing_composition_or_language() -> None:
    composed, apart = "Café  DÉLICE", "cafe\u0301\u00a0de\u0301lice"
    assert normalise(composed) == normalise(apart)
    assert normalise("STRASSE") == normalise("Straße")
    texts = ("Il Café  DÉLICE è a Roma", "ROMA hat das cafe\u0301\u00a0de\u0301lice")
    italian = stated(texts[0], composed, "is-where", "Roma")
    german = stated(texts[1], apart, "is-where", "ROMA")
    assert surface(german) in surface_index([Sentence("1", "it", texts[0], triples=(italian,))])
    assert surface(Triple(german.object, "is-where", german.subject)) != surface(german)


def test_recall_is_told_apart_for_seen_and_unseen_triples() -> None:
    sentence = Sentence("1", "pl", POLISH, triples=GOLD)
    index = surface_index(
        [
            Sentence(
                "t", "de", POLISH.upper(), triples=(stated(POLISH.upper(), "ZOFIA LIS", "is-where", "GDYNI"),)
            )
        ]
    )
    scores = score_runs([sentence], [[saying(GOLD[0])], [saying(GOLD[1])]], seen=index)
    assert scores.metrics["triple_recall/seen"].totals().tolist() == [[1, 0, 0], [0, 0, 1]]
    assert scores.metrics["triple_recall/unseen"].totals().tolist() == [[0, 0, 1], [1, 0, 0]]
