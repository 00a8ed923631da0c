"""What a filter keeps, said again with sets; and what it says of names that a model does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mere
from mere.errors import UserError
from mere.inference.filter import Filter
from mere.schema import Labels

LABELS = Labels(("birth-place", "has-author"), ("LOC", "PER"), ("de",))
TEXT = "abcdefgh"
SCORES = st.sampled_from([0.1, 0.5, 0.9])


@st.composite
def documents(draw: st.DrawFn) -> mere.Document:
    """One-letter mentions with and without a type; those without one are subject or object of a triple."""
    types = draw(st.lists(st.sampled_from([None, "LOC", "PER"]), min_size=2, max_size=6))
    mentions = [mere.Entity(i, i + 1, TEXT[i], type, draw(SCORES)) for i, type in enumerate(types)]
    pairs = st.tuples(st.sampled_from(mentions), st.sampled_from(LABELS.relations), st.sampled_from(mentions))
    triples = tuple(mere.Triple(*pair, draw(SCORES)) for pair in draw(st.lists(pairs, max_size=5)))
    used = {mention for triple in triples for mention in (triple.subject, triple.object)}
    entities = tuple(mention for mention in mentions if mention.type or mention in used)
    return mere.Document(TEXT, "de", entities, triples)


FILTERS = st.builds(
    Filter,
    relations=st.none() | st.lists(st.sampled_from(LABELS.relations)),
    types=st.none() | st.lists(st.sampled_from(LABELS.types)),
    min_score=st.sampled_from([0.0, 0.5, 0.7]),
)


@given(documents(), FILTERS)
def test_it_keeps_what_is_wanted_and_the_mentions_of_triples(document: mere.Document, filter: Filter) -> None:
    kept = filter(document)
    relations = LABELS.relations if filter.relations is None else filter.relations
    types = {None, *LABELS.types} if filter.types is None else set(filter.types)
    assert kept.triples == tuple(
        t
        for t in document.triples
        if t.relation in relations
        and t.score >= filter.min_score
        and t.subject.type in types
        and t.object.type in types
    )
    mentions = {mention for triple in kept.triples for mention in (triple.subject, triple.object)}
    wanted = {e for e in document.entities if e.type and e.type in types and e.score >= filter.min_score}
    assert set(kept.entities) == mentions | wanted
    assert list(kept.entities) == [e for e in document.entities if e in kept.entities]
    assert filter(kept) == kept
    assert (kept.text, kept.lang) == (document.text, document.lang)


@given(documents())
def test_a_filter_that_names_nothing_keeps_all(document: mere.Document) -> None:
    assert Filter()(document) == document


@pytest.mark.parametrize(
    ("filter", "labels", "said"),
    [
        (Filter(relations=["birth-plaec"]), LABELS, 'unknown relation "birth-plaec". Did you mean "birth-place"'),
        (Filter(types=["PERS"]), LABELS, 'unknown type "PERS". Did you mean "PER"'),
        (Filter(types=["PER"]), Labels(("a",), (), ("de",)), "this model finds no types"),
        (Filter(types="PER"), LABELS, r'Give a list: types=\["PER"\]'),
        (Filter(min_score=50), LABELS, "between 0 and 1"),
        (Filter(relations=["x"]), Labels(tuple(f"r{i}" for i in range(30)), (), ()), "r19 and 10 more"),
    ],
)  # fmt: skip
def test_names_that_the_model_does_not_know(filter: Filter, labels: Labels, said: str) -> None:
    with pytest.raises(UserError, match=said):
        filter.check(labels)
