"""Corpora joined: types renamed or left out, and each sentence told what its source annotates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.data.corpus import Corpus
from mere.data.coverage import join_corpora, refuse_unknown_types
from mere.errors import ConfigError
from mere.types import Entity, Sentence, Triple
from tests.data.data_strategies import sentences

TEXT = "Ada Byron war am 3. Mai in Jena."
ADA, DAY, JENA = Entity(0, 9, "Ada Byron", "PERS"), Entity(17, 23, "3. Mai", "DATE"), Entity(27, 31, "Jena")


def sentence(
    *entities: Entity,
    source: str | None = None,
    covered: set[str] | None = None,
    triples: tuple[Triple, ...] = (),
) -> Sentence:
    given = None if covered is None else frozenset(covered)
    return Sentence("1", "de", TEXT, entities, triples, types_covered=given, source=source)


def joined(
    *train: Sentence, types: dict[str, str] | None = None, **splits: tuple[Sentence, ...]
) -> dict[str, list[Sentence]]:
    corpus = join_corpora([Corpus({"train": train, **splits})], types or {})
    return {split: list(found) for split, found in corpus.splits.items()}


def types_of(sentence: Sentence) -> list[str | None]:
    return [entity.type for entity in sentence.entities]


@pytest.mark.parametrize(
    ("types", "left"),
    [
        ({}, ["PERS", "DATE", None]),
        ({"PERS": "PER"}, ["PER", "DATE", None]),
        ({"DATE": "drop"}, ["PERS", None]),
        ({"*": "MISC"}, ["MISC", "MISC", "MISC"]),
        ({"PERS": "PER", "*": "MISC"}, ["PER", "MISC", "MISC"]),
        ({"PERS": "PER", "*": "drop"}, ["PER"]),
        ({"PERS": "DATE", "DATE": "PERS"}, ["DATE", "PERS", None]),  # at once, not one after the other
    ],
)
def test_types_by_hand(types: dict[str, str], left: list[str | None]) -> None:
    found = joined(sentence(ADA, DAY, JENA), types=types)["train"][0]
    assert types_of(found) == left
    assert all(TEXT[e.start : e.end] == e.text for e in found.entities)


def test_a_triple_keeps_a_mention_whose_type_is_dropped() -> None:
    given = sentence(ADA, DAY, triples=(Triple(ADA, "born-on", DAY),))
    found = joined(given, types={"DATE": "drop", "PERS": "PER"})["train"][0]
    assert types_of(found) == ["PER"]
    (triple,) = found.triples
    assert triple.key == given.triples[0].key
    assert (triple.subject.type, triple.object.type) == ("PER", None)


@pytest.mark.parametrize(
    ("types", "said"),
    [
        (
            {"PER": "X"},
            'data.types: no entity has the type "PER". Did you mean "PERS"? There are: DATE, PERS.',
        ),
        ({"PERS": "X", "zzzzzz": "drop"}, 'no entity has the type "zzzzzz". There are: DATE, PERS.'),
    ],
)
def test_a_type_that_occurs_nowhere(types: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        refuse_unknown_types([Corpus({"train": (sentence(ADA, DAY, JENA),)})], types)
    assert said in str(raised.value)
    with pytest.raises(ConfigError, match="There are: none"):
        refuse_unknown_types([Corpus({"train": (sentence(),)})], {"PER": "X"})
    refuse_unknown_types([Corpus({"train": (sentence(),)})], {"*": "X"})
    assert joined(sentence(), types={"*": "X"})["train"] == [sentence(covered=set())]


def test_what_a_source_tags_in_training_it_covers() -> None:
    found = joined(
        sentence(ADA, source="a"),
        sentence(DAY, source="a"),
        sentence(source="b"),
        sentence(replace(JENA, type="LOC"), source="c"),
        sentence(replace(ADA, type="LOC"), JENA, source="d"),  # Jena has no type: types are not annotated
        dev=(sentence(source="a"), sentence(source="b"), sentence(source="new")),
    )
    covered = {s.source: s.types_covered for s in found["train"]}
    assert covered == {"a": {"PERS", "DATE"}, "b": set(), "c": {"LOC"}, "d": set()}
    assert found["train"][0].types_covered == found["train"][1].types_covered
    everything = {"PERS", "DATE", "LOC"}
    assert [s.types_covered for s in found["dev"]] == [covered["a"], covered["b"], everything]


def test_types_seen_only_outside_training_are_not_covered() -> None:
    found = joined(sentence(ADA), dev=(sentence(ADA, DAY),))
    assert [s.types_covered for s in found["dev"]] == [{"PERS"}]
    without_training = join_corpora([Corpus({"test": (sentence(ADA), sentence(DAY))})], {})
    assert {s.types_covered for s in without_training.splits["test"]} == {frozenset({"PERS", "DATE"})}


def test_what_a_sentence_says_it_covers_it_covers() -> None:
    found = joined(sentence(ADA, covered={"PERS", "LOC"}), sentence(DAY, covered=set()), sentence(DAY))
    assert [s.types_covered for s in found["train"]] == [{"PERS", "LOC"}, set(), {"PERS", "DATE"}]


def test_coverage_is_of_the_new_names() -> None:
    types = {"PERS": "PER", "DATE": "drop"}
    found = joined(sentence(ADA, DAY, covered={"PERS", "DATE", "LOC"}), sentence(ADA, DAY), types=types)
    assert [s.types_covered for s in found["train"]] == [{"PER", "LOC"}, {"PER"}]
    every = joined(sentence(ADA, JENA, covered={"PERS", "LOC"}), types={"PERS": "PER", "*": "MISC"})["train"]
    assert every[0].types_covered == {"PER", "MISC"}
    mapped = joined(sentence(ADA, JENA), types={"*": "ENTITY"})["train"][0]
    assert mapped.types_covered == {"ENTITY"}, "mentions without a type have one now"


def test_two_corpora_with_tag_sets_of_their_own() -> None:
    """Neither names a source, and each covers what it tags itself."""
    names = Corpus({"train": (sentence(ADA), sentence()), "dev": (sentence(ADA),)})
    dates = Corpus({"train": (sentence(DAY),), "test": (sentence(),)})
    both = join_corpora([names, dates], {"PERS": "PER"})
    covered = {split: [s.types_covered for s in found] for split, found in both.splits.items()}
    assert covered == {"train": [{"PER"}, {"PER"}, {"DATE"}], "dev": [{"PER"}], "test": [{"DATE"}]}
    assert [types_of(s) for s in both.splits["train"]] == [["PER"], [], ["DATE"]]


@settings(deadline=None)
@given(st.lists(sentences(), max_size=4), st.dictionaries(st.just("*"), st.sampled_from(["drop", "X"])))
def test_nothing_but_types_is_touched(given: list[Sentence], types: dict[str, str]) -> None:
    found = join_corpora([Corpus({"train": tuple(given)})], types).splits["train"]
    for before, after in zip(given, found, strict=True):
        assert after.types_covered is not None
        assert [t.key for t in after.triples] == [t.key for t in before.triples]
        spans = [entity.span for entity in before.entities]
        assert [entity.span for entity in after.entities] == ([] if types == {"*": "drop"} else spans)
        same = ("id", "lang", "text", "relations_covered", "complete", "source", "extra")
        assert all(getattr(after, name) == getattr(before, name) for name in same)
        if not types:
            assert (after.entities, after.triples) == (before.entities, before.triples)
