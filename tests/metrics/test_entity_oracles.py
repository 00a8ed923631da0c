"""Entity scores against conlleval's algorithm on tags and against seqeval: characters give what tokens give.

`conlleval` below is the counting of the script of the CoNLL shared tasks (Erik Tjong Kim Sang), written anew
from its published rules: it walks through tags and never makes a span.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mere.data.formats.schemes import Scheme, to_spans, to_tags
from mere.metrics.report import Score, evaluate
from tests.metrics.entity_examples import TYPES, Tagged, entities_of, found, sentence_of, tagged


class Chunks(NamedTuple):
    """What conlleval counts: chunks in the gold tags, in the predicted ones, and in both, by type."""

    gold: Counter[str]
    predicted: Counter[str]
    correct: Counter[str]

    def line(self, *types: str) -> tuple[str, str, str]:
        """Precision, recall and FB1 as the script prints them, in percent; over some types or over all."""
        correct, predicted, gold = (
            sum(side[t] for t in types or side) for side in (self.correct, self.predicted, self.gold)
        )
        precision = 100 * correct / predicted if predicted else 0.0
        recall = 100 * correct / gold if gold else 0.0
        fb1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return f"{precision:.2f}", f"{recall:.2f}", f"{fb1:.2f}"


def begins(letter: str, kind: str, last_letter: str, last_kind: str) -> bool:
    """Whether a chunk begins at a tag: at every B, and at an I after O or after another type."""
    return letter != "O" and (letter == "B" or last_letter == "O" or kind != last_kind)


def ends(letter: str, kind: str, last_letter: str, last_kind: str) -> bool:
    """Whether a chunk ended before a tag: there was one, and the tag is O, or B, or of another type."""
    return last_letter != "O" and (letter in "OB" or kind != last_kind)


def conlleval(sentences: list[tuple[list[str], list[str]]]) -> Chunks:
    """Count chunks over sentences of gold and predicted tags, with an O after every sentence."""
    chunks = Chunks(Counter(), Counter(), Counter())
    last = [("O", ""), ("O", "")]
    both_open = False  # a chunk of one type began at the same tag on both sides, and has not ended
    for gold, predicted in sentences:
        for tags in (*zip(gold, predicted, strict=True), ("O", "O")):
            now = [(tag[0], tag[2:]) for tag in tags]
            ended = [ends(*now[side], *last[side]) for side in (0, 1)]
            begun = [begins(*now[side], *last[side]) for side in (0, 1)]
            if both_open:
                if all(ended) and last[0][1] == last[1][1]:
                    chunks.correct[last[0][1]] += 1
                    both_open = False
                elif ended[0] != ended[1] or now[0][1] != now[1][1]:
                    both_open = False
            if all(begun) and now[0][1] == now[1][1]:
                both_open = True
            for side, counter in enumerate((chunks.gold, chunks.predicted)):
                counter[now[side][1]] += begun[side]
            last = now
    return Chunks(*(+counter for counter in chunks))


# Gold tags, predicted tags, and by hand: precision, recall and F1 of all ("") and of each type.
BY_HAND = {
    "one of three, and one of another type": (
        "B-PER I-PER O B-LOC O B-ORG",
        "B-PER I-PER O B-ORG O O",
        {
            "": ("50.00", "33.33", "40.00"),
            "PER": ("100.00", "100.00", "100.00"),
            "LOC": ("0.00", "0.00", "0.00"),
            "ORG": ("0.00", "0.00", "0.00"),
        },
    ),
    "an entity cut in two is no entity found": (
        "B-PER I-PER I-PER O B-LOC",
        "B-PER B-PER I-PER O B-LOC",
        {"": ("33.33", "50.00", "40.00"), "PER": ("0.00",) * 3, "LOC": ("100.00",) * 3},
    ),
    "two that touch, joined into one": (
        "B-PER B-PER O B-PER",
        "B-PER I-PER O B-PER",
        {"": ("50.00", "33.33", "40.00"), "PER": ("50.00", "33.33", "40.00")},
    ),
    "I after O begins an entity, and so does I of another type": (
        "O B-ORG I-ORG B-LOC",
        "O I-ORG I-ORG I-LOC",
        {"": ("100.00",) * 3, "ORG": ("100.00",) * 3, "LOC": ("100.00",) * 3},
    ),
    "two of five found, four given": (
        "B-PER O B-PER O B-LOC O B-LOC O B-LOC",
        "B-PER O O B-PER B-LOC O B-PER O O",
        {
            "": ("50.00", "40.00", "44.44"),
            "PER": ("33.33", "50.00", "40.00"),
            "LOC": ("100.00", "33.33", "50.00"),
        },
    ),
}


def percentages(score: Score) -> tuple[str, str, str]:
    return tuple(f"{100 * (value or 0):.2f}" for value in (score.precision, score.recall, score.f1.value))  # type: ignore[return-value]


@pytest.mark.parametrize("case", BY_HAND)
def test_figures_worked_out_by_hand(case: str) -> None:
    gold, predicted, wanted = BY_HAND[case]
    tokens = ["a", "b", "c", "d", "e", "f", "g", "h", "i"][: len(gold.split())]
    chunks = conlleval([(gold.split(), predicted.split())])
    sentence = sentence_of(tokens, gold.split())
    ours = evaluate([sentence], [found(*entities_of(tokens, predicted.split()))], resamples=0).metrics[
        "entity_f1/strict"
    ]
    assert {name: chunks.line(*([name] if name else [])) for name in wanted} == wanted
    assert {name: percentages(ours.type[name] if name else ours.micro) for name in wanted} == wanted


def ours_of(corpus: list[Tagged], scheme: Scheme = Scheme.IOB2):
    gold = [sentence_of(tokens, tags, scheme=scheme) for tokens, tags, _ in corpus]
    predicted = [found(*entities_of(tokens, tags, scheme)) for tokens, _, tags in corpus]
    return evaluate(gold, predicted, resamples=0).metrics["entity_f1/strict"]


def counts(score: Score) -> tuple[int, int, int]:
    return score.tp, score.tp + score.fp, score.tp + score.fn


def is_conllevals(corpus: list[Tagged], scheme: Scheme) -> None:
    ours = ours_of(corpus, scheme)
    theirs = conlleval([(gold, predicted) for _, gold, predicted in corpus])
    correct, predicted, gold = theirs.correct, theirs.predicted, theirs.gold
    assert counts(ours.micro) == (correct.total(), predicted.total(), gold.total())
    assert percentages(ours.micro) == theirs.line()
    assert set(ours.type) == set(gold) | set(predicted)
    for type_, score in ours.type.items():
        assert counts(score) == (correct[type_], predicted[type_], gold[type_])
        assert percentages(score) == theirs.line(type_)


@given(st.lists(tagged(), min_size=1, max_size=6))
def test_whatever_the_tags_our_figures_are_conllevals(corpus: list[Tagged]) -> None:
    is_conllevals(corpus, Scheme.IOB2)


@given(st.lists(tagged(well=True), min_size=1, max_size=6))
def test_iob1_gives_conllevals_figures_and_those_of_iob2(corpus: list[Tagged]) -> None:
    def iob1(tags: list[str]) -> list[str]:
        return to_tags(to_spans(tags, Scheme.IOB2)[0], len(tags), Scheme.IOB1)

    same = [(tokens, iob1(gold), iob1(predicted)) for tokens, gold, predicted in corpus]
    is_conllevals(same, Scheme.IOB1)
    assert ours_of(same, Scheme.IOB1) == ours_of(corpus)


def is_seqevals(corpus: list[Tagged], **options: object) -> None:
    """Compare precision, recall and F1 over all, per type and as macro; what is unknown here is 0 there."""
    seqeval = pytest.importorskip("seqeval.metrics")
    gold, predicted = [gold for _, gold, _ in corpus], [tags for _, _, tags in corpus]
    assume(any(tag != "O" for tags in (*gold, *predicted) for tag in tags))
    ours = ours_of(corpus)
    scores = {"micro": [ours.micro], "macro": [ours.macro_types], None: list(ours.type.values())}
    for average, of_average in scores.items():
        for name in ("precision", "recall", "f1"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of ratios without anything to divide by
                theirs = getattr(seqeval, f"{name}_score")(
                    gold, predicted, average=average, zero_division=0, **options
                )
            mine = [s.f1.value if name == "f1" else getattr(s, name) for s in of_average if s is not None]
            if average == "macro" and name != "f1":
                continue  # the mean of what is known, and seqeval's of zeros: told apart below
            wanted = list(theirs) if average is None else [theirs]
            assert [value or 0 for value in mine] == pytest.approx(wanted, abs=1e-6)


@given(st.lists(tagged(), min_size=1, max_size=6))
def test_whatever_the_tags_our_figures_are_seqevals_in_default_mode(corpus: list[Tagged]) -> None:
    is_seqevals(corpus)


@given(st.lists(tagged(well=True), min_size=1, max_size=6))
def test_our_figures_are_seqevals_in_strict_mode(corpus: list[Tagged]) -> None:
    scheme = pytest.importorskip("seqeval.scheme")
    is_seqevals(corpus, mode="strict", scheme=scheme.IOB2)


def test_a_type_that_is_never_predicted_has_no_precision_and_an_f1_of_zero() -> None:
    """The one place where a macro differs: seqeval's mean of precisions takes the unknown one as 0."""
    ours = ours_of([(["Ada", "graz"], ["B-PER", "B-LOC"], ["B-PER", "O"])])
    assert ours.type["LOC"].precision is None
    assert (ours.type["LOC"].f1.value, ours.type["PER"].f1.value) == (0, 1)
    assert ours.macro_types is not None
    assert (ours.macro_types.f1.value, ours.macro_types.precision) == (0.5, 1)
    assert set(ours.type) < set(TYPES)
