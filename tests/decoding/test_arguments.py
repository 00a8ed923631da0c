"""Argument types, against counting by hand, and in a predictor."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from mere.data.examples import ExampleMaker, PieceSpan
from mere.data.features import Features
from mere.data.pieces import HashedUnits
from mere.data.units import Units
from mere.decoding.arguments import LEAST_EXAMPLES, LEAST_SHARE, fits, learned
from mere.decoding.crf import TypedSpan
from mere.decoding.facts import PieceFact
from mere.inference.predictor import Predictor
from mere.schema import Arguments, Labels
from mere.types import Entity, Sentence, Triple

TYPES = ("PER", "LOC", "ORG")
TYPE = st.sampled_from([*TYPES, "ODD", None])
FACTS = st.lists(st.tuples(TYPE, st.sampled_from(["wrote", "born"]), TYPE), max_size=60)
Fact = tuple[str | None, str, str | None]


def sentence(facts: list[Fact]) -> Sentence:
    triples = tuple(Triple(Entity(0, 1, "a", s), relation, Entity(2, 3, "b", o)) for s, relation, o in facts)
    return Sentence("s", "en", "a b", triples=triples)


@given(FACTS, TYPE, st.sampled_from(["wrote", "born", "other"]), TYPE)
def test_what_fits_is_what_training_showed(
    facts: list[Fact], subject: str | None, relation: str, object_: str | None
) -> None:
    arguments = {one.relation: one for one in learned([sentence(facts)], TYPES)}

    def shown(side: int, type: str | None) -> bool:
        own = [fact[side] for fact in facts if fact[1] == relation and fact[side] in TYPES]
        return type is None or len(own) < LEAST_EXAMPLES or own.count(type) >= LEAST_SHARE * len(own) > 0

    assert fits(arguments, relation, subject, object_) == (shown(0, subject) and shown(2, object_))


def test_a_predictor_leaves_out_what_does_not_fit_and_counts_it() -> None:
    labels = Labels(("wrote",), ("PER", "PRIZE"), ("en",), (Arguments("wrote", ("PER",), ()),))
    maker = ExampleMaker(HashedUnits(Units(), Features(64)), labels)
    predictor = Predictor(cast("Any", None), maker)
    text = "Ada Prize Novel"
    spans = predictor.unit_spans(text)
    typed = [TypedSpan(0, 1, 0, 0.9), TypedSpan(1, 2, 1, 0.9)]
    ada, prize, novel = (PieceSpan(start, start + 1) for start in range(3))
    facts = [
        PieceFact(0, subject, object_, 0.5) for subject, object_ in ((ada, novel), (prize, ada), (novel, ada))
    ]

    def said() -> list[str]:
        found = predictor._in_characters(text, spans, typed, facts)
        assert {t.subject for t in found.triples} <= set(found.entities)
        return [triple.subject.text for triple in found.triples]

    assert said() == ["Ada", "Novel"]
    assert predictor.unfit == {"wrote": 1}
    predictor.arguments = {}
    assert said() == ["Ada", "Prize", "Novel"]


def test_labels_keep_them() -> None:
    labels = Labels(("wrote",), TYPES, ("en",), (Arguments("wrote", ("PER",), ()),))
    assert Labels.from_json(labels.to_json()) == labels
    assert "arguments" not in Labels(("wrote",), TYPES, ("en",)).to_json()
