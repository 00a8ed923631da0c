"""The error analysis: each wrong or missed mention in one class, worked out by hand and by brute force."""

from __future__ import annotations

import dataclasses
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.metrics.confusion import NOTHING, EntityErrors, WrongMissed, analyse
from mere.metrics.entities import match
from mere.metrics.mistakes import ErrorClass, mistakes
from mere.metrics.report import evaluate
from mere.types import Entity, Sentence
from tests.metrics.entity_examples import Corpus, apart, entity, entity_corpora, found, noted

TEXT = "Ada Byron met Bo in New York City , not in York"
ADA, BO, CITY, YORK = (
    entity(TEXT, "Ada Byron", "PER"),
    entity(TEXT, "Bo", "PER"),
    entity(TEXT, "New York City", "LOC"),
    entity(TEXT, "York", "LOC", at=35),
)

# Gold and predicted mentions, and by hand: (class, counted mention, whether it is wrong, the other mention).
BY_HAND: dict[str, tuple[list[Entity], list[Entity], list[tuple[str, str, bool, str | None]]]] = {
    "found": ([ADA], [ADA], []),
    "boundary": (
        [ADA],
        [entity(TEXT, "Byron", "PER")],
        [("boundary", "Byron", True, "Ada Byron"), ("boundary", "Ada Byron", False, "Byron")],
    ),
    "type": (
        [ADA],
        [dataclasses.replace(ADA, type="ORG")],
        [("type", "Ada Byron", True, "Ada Byron"), ("type", "Ada Byron", False, "Ada Byron")],
    ),
    "both": (
        [ADA],
        [entity(TEXT, "Byron", "ORG")],
        [("both", "Byron", True, "Ada Byron"), ("both", "Ada Byron", False, "Byron")],
    ),
    "missed and spurious": (
        [ADA],
        [BO],
        [("spurious", "Bo", True, None), ("missed", "Ada Byron", False, None)],
    ),
    "mentions that touch do not overlap": (
        [entity(TEXT, "New", "LOC")],
        [entity(TEXT, " York", "LOC")],
        [("spurious", " York", True, None), ("missed", "New", False, None)],
    ),
    "cut in two": (
        [CITY],
        [entity(TEXT, "New York", "LOC"), entity(TEXT, "City", "LOC")],
        [
            ("boundary", "New York", True, "New York City"),
            ("boundary", "City", True, "New York City"),
            ("boundary", "New York City", False, "New York"),
        ],
    ),
    "two joined into one": (
        [ADA, BO],
        [entity(TEXT, "Ada Byron met Bo", "PER")],
        [
            ("boundary", "Ada Byron met Bo", True, "Ada Byron"),
            ("boundary", "Ada Byron", False, "Ada Byron met Bo"),
            ("boundary", "Bo", False, "Ada Byron met Bo"),
        ],
    ),
    "another one inside a mention that was found": (
        [CITY],
        [CITY, entity(TEXT, "City", "LOC"), entity(TEXT, "York", "ORG")],
        [("both", "York", True, "New York City"), ("boundary", "City", True, "New York City")],
    ),
    "of its own type before a nearer one of another": (
        [entity(TEXT, "New", "LOC"), entity(TEXT, "York City", "ORG")],
        [CITY],
        [
            ("boundary", "New York City", True, "New"),
            ("boundary", "New", False, "New York City"),
            ("both", "York City", False, "New York City"),
        ],
    ),
    "the same span before another span of its type": (
        [dataclasses.replace(CITY, type="ORG"), entity(TEXT, "New", "LOC")],
        [CITY],
        [
            ("type", "New York City", True, "New York City"),
            ("boundary", "New", False, "New York City"),
            ("type", "New York City", False, "New York City"),
        ],
    ),
    "a mention without a type is of every type": (
        [ADA],
        [entity(TEXT, "Byron", None)],
        [("boundary", "Byron", True, "Ada Byron"), ("boundary", "Ada Byron", False, "Byron")],
    ),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_classes_worked_out_by_hand(case: str) -> None:
    gold, predicted, wanted = BY_HAND[case]
    told = []
    for mistake in mistakes(match(gold, predicted)):
        other = mistake.other.text if mistake.other else None
        told.append((mistake.error.value, mistake.mention.text, mistake.is_wrong, other))
    assert told == wanted


def analysed(corpus: Corpus, num_examples: int = 0) -> EntityErrors:
    gold, predicted = apart(corpus)
    errors = analyse(gold, [predicted], num_examples=num_examples)
    assert errors is not None
    return errors


GOLD = noted(TEXT, ADA, BO, CITY, YORK, id="s-1", lang="en")
FOUND = found(
    entity(TEXT, "Byron", "PER"),
    dataclasses.replace(BO, type="ORG"),
    CITY,
    entity(TEXT, "not", "MISC"),
)


def test_a_table_worked_out_by_hand() -> None:
    record = analysed([(GOLD, FOUND)]).to_json()
    nothing = {"fp": 0, "fn": 0}
    one = {"fp": 1, "fn": 1}
    assert record["classes"] == {
        "boundary": one,
        "type": one,
        "both": nothing,
        "missed": {"fp": 0, "fn": 1},
        "spurious": {"fp": 1, "fn": 0},
    }
    assert record["language"] == {"en": record["classes"]}
    assert record["type"]["PER"] == {
        "boundary": one,
        "type": {"fp": 0, "fn": 1},
        "both": nothing,
        "missed": nothing,
        "spurious": nothing,
    }
    assert record["type"]["ORG"]["type"] == {"fp": 1, "fn": 0}
    assert record["gold_by_predicted"] == {
        "LOC": {"LOC": 1, NOTHING: 1},
        "PER": {"ORG": 1, "PER": 1},
        NOTHING: {"MISC": 1},
    }
    assert list(record["gold_by_predicted"]) == ["LOC", "PER", NOTHING]
    assert "examples" not in record


def test_examples_show_the_text_around_and_each_pair_once() -> None:
    record = json.loads(json.dumps(analysed([(GOLD, FOUND)], 5).to_json()["examples"]))
    assert {error: len(examples) for error, examples in record.items()} == {
        "boundary": 1,
        "type": 1,
        "both": 0,
        "missed": 1,
        "spurious": 1,
    }
    assert record["boundary"][0] == {
        "sentence": "s-1",
        "lang": "en",
        "excerpt": TEXT,
        "gold": {"start": 0, "end": 9, "text": "Ada Byron", "type": "PER"},
        "predicted": {"start": 4, "end": 9, "text": "Byron", "type": "PER"},
    }
    assert record["missed"][0]["predicted"] is None
    assert record["spurious"][0]["gold"] is None


def test_an_excerpt_is_cut_between_characters_and_says_so() -> None:
    text = "x" * 9 + "e\u0301" + "y" * 39 + "Bo" + "z" * 39 + "o\u0301" + "w" * 9
    bo = entity(text, "Bo", "PER")
    [example] = analysed([(noted(text, bo), found())], 1).examples[ErrorClass.MISSED]
    assert example.excerpt == "…e\u0301" + "y" * 39 + "Bo" + "z" * 39 + "o\u0301…"


def test_examples_come_from_every_language_in_turn_and_from_the_first_run() -> None:
    sentences = [
        noted(TEXT, ADA, id=str(number), lang=lang) for number, lang in enumerate(["de", "de", "de", "sv"])
    ]
    nothing, all_found = [found()] * 4, [found(ADA)] * 4
    errors = analyse(sentences, [nothing, all_found], num_examples=3)
    assert errors is not None
    assert [e.sentence for e in errors.examples[ErrorClass.MISSED]] == ["0", "3", "1"]
    assert errors.classes[ErrorClass.MISSED] == WrongMissed(0, 4)
    second = analyse(sentences, [all_found, nothing], num_examples=3)
    assert second is not None
    assert second.classes == errors.classes
    assert not any(second.examples.values())


def test_a_type_that_is_not_covered_is_no_error() -> None:
    sentence = dataclasses.replace(GOLD, types_covered=frozenset({"LOC", "PER"}))
    errors = analysed([(sentence, FOUND)])
    assert errors.classes[ErrorClass.SPURIOUS] == WrongMissed(0, 0)
    assert errors.classes[ErrorClass.TYPE] == WrongMissed(0, 0)
    assert errors.classes[ErrorClass.MISSED] == WrongMissed(0, 2)  # Bo as ORG was not judged


def test_triples_alone_have_no_error_analysis() -> None:
    assert analyse([Sentence("1", "xx", TEXT)], [[found(ADA)]]) is None
    with pytest.raises(ValueError, match="num_examples must be 0 or more, not -1"):
        analyse([GOLD], [[FOUND]], num_examples=-1)


def brute_force(sentence: Sentence, entities: tuple[Entity, ...]) -> dict[tuple[str, bool], int]:
    """The classes once more, by sets of characters and without any order among mentions."""
    gold, predicted = ({(e.start, e.end, e.type) for e in side} for side in (sentence.entities, entities))
    counts: dict[tuple[str, bool], int] = {}
    for is_wrong, left, others in ((True, predicted - gold, gold), (False, gold - predicted, predicted)):
        for start, end, type_ in left:
            near = [o for o in others if set(range(start, end)) & set(range(o[0], o[1]))]
            if any(o[:2] == (start, end) for o in near):
                error = "type"
            elif any(o[2] == type_ for o in near):
                error = "boundary"
            elif near:
                error = "both"
            else:
                error = "spurious" if is_wrong else "missed"
            counts[error, is_wrong] = counts.get((error, is_wrong), 0) + 1
    return counts


@given(entity_corpora())
def test_the_classes_are_those_of_brute_force(corpus: Corpus) -> None:
    for sentence, prediction in corpus:
        errors = analysed([(sentence, prediction)])
        told = {
            (error.value, is_wrong): count
            for error, counts in errors.classes.items()
            for is_wrong, count in ((True, counts.fp), (False, counts.fn))
            if count
        }
        assert told == brute_force(sentence, prediction.entities)


@given(entity_corpora())
def test_the_classes_are_the_wrong_and_missed_mentions_of_the_f1(corpus: Corpus) -> None:
    report = evaluate(*apart(corpus), resamples=0)
    if not corpus:
        assert report.errors is None
        return
    assert report.errors is not None
    scores = report.metrics["entity_f1/strict"]
    parts = [(report.errors.classes, scores.micro)]
    parts += [(classes, scores.type[name]) for name, classes in report.errors.type.items()]
    parts += [(classes, scores.language[name]) for name, classes in report.errors.language.items()]
    for classes, score in parts:
        assert sum(counts.fp for counts in classes.values()) == score.fp
        assert sum(counts.fn for counts in classes.values()) == score.fn
        assert classes[ErrorClass.MISSED].fp == classes[ErrorClass.SPURIOUS].fn == 0
    assert {n for n, score in scores.type.items() if score.fp or score.fn} == set(report.errors.type)


@given(entity_corpora())
def test_the_rows_of_types_add_up_to_the_gold_mentions(corpus: Corpus) -> None:
    report = evaluate(*apart(corpus), resamples=0)
    if report.errors is None:
        return
    rows = {gold: sum(row.values()) for gold, row in report.errors.gold_by_predicted.items()}
    spurious = rows.pop(NOTHING, 0)
    types = report.metrics["entity_f1/strict"].type
    assert rows == {name: score.tp + score.fn for name, score in types.items() if score.tp + score.fn}
    assert spurious == report.errors.classes[ErrorClass.SPURIOUS].fp
    for name, row in report.errors.gold_by_predicted.items():
        if name != NOTHING:
            assert row.get(name, 0) >= types[name].tp


@given(entity_corpora(), st.randoms(use_true_random=False))
def test_the_order_of_sentences_changes_no_count(corpus: Corpus, rng: random.Random) -> None:
    shuffled = rng.sample(corpus, len(corpus))
    one, other = (analyse(*(lambda g, p: (g, [p]))(*apart(c))) for c in (corpus, shuffled))
    assert one == other
