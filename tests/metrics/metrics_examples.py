"""What the tests of the metrics share: short ways to write sentences and predictions, and random ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from mere.metrics.scores import SystemScores
from mere.metrics.sentence_counts import SentenceCounts
from mere.types import Entity, Prediction, Sentence, Span, Triple

TEXT = "abcdefghij"
RELATIONS = ("eats", "has-child", "is-where")
SPANS = tuple(Span(start, end) for start, end in ((0, 2), (0, 3), (1, 3), (4, 6), (4, 9), (7, 10)))


def mention(span: Span | tuple[int, int], text: str = TEXT, type: str | None = None) -> Entity:
    start, end = span
    return Entity(start, end, text[start:end], type=type)


def stated(text: str, subject: str, relation: str, object: str, score: float | None = None) -> Triple:
    """Make a triple of the first occurrences of two mentions in a text."""
    spans = [(text.index(word), text.index(word) + len(word)) for word in (subject, object)]
    return Triple(mention(spans[0], text), relation, mention(spans[1], text), score)


def saying(*triples: Triple) -> Prediction:
    return Prediction(triples=triples)


def triples(*, scored: bool = False) -> st.SearchStrategy[Triple]:
    score = st.one_of(st.none(), st.sampled_from([0.2, 0.5, 0.9])) if scored else st.none()
    spans = st.sampled_from(SPANS)
    return st.builds(
        lambda s, r, o, score: Triple(mention(s), r, mention(o), score),
        spans,
        st.sampled_from(RELATIONS),
        spans,
        score,
    )


@st.composite
def sentences(draw: st.DrawFn) -> Sentence:
    """A sentence whose gold triples are all of covered relations, as every reader guarantees."""
    covered = draw(st.one_of(st.none(), st.frozensets(st.sampled_from(RELATIONS), min_size=1)))
    gold = draw(st.lists(triples(), max_size=4))
    return Sentence(
        id=str(draw(st.integers(0, 10**6))),
        lang=draw(st.sampled_from(["hi", "pl", "te"])),
        text=TEXT,
        triples=tuple(t for t in gold if covered is None or t.relation in covered),
        relations_covered=covered,
        complete=draw(st.booleans()),
        source=draw(st.sampled_from(["news", "wiki", None])),
    )


def predictions() -> st.SearchStrategy[Prediction]:
    return st.lists(triples(scored=True), max_size=5).map(lambda found: Prediction(triples=tuple(found)))


def scored_corpora() -> st.SearchStrategy[list[tuple[Sentence, Prediction]]]:
    return st.lists(st.tuples(sentences(), predictions()), max_size=8)


def table_of(counts: np.ndarray, langs: Sequence[str], metric: str = "triple_f1/strict") -> SystemScores:
    """Make the scores of a system from its counts (N, S, 3) alone."""
    return SystemScores(
        ids=tuple((lang, str(s)) for s, lang in enumerate(langs)),
        langs=np.array(langs),
        sources=np.array([f"{lang}/news" for lang in langs]),
        metrics={metric: SentenceCounts(np.arange(len(langs)), np.asarray(counts))},
        by_relation={metric: {}},
    )


def random_counts(rng: np.random.Generator, num_sentences: int, right: float) -> np.ndarray:
    """Counts (S, 3) of a system that finds each of one to three gold triples with probability `right`."""
    gold = rng.integers(1, 4, num_sentences)
    tp = rng.binomial(gold, right)
    return np.stack([tp, rng.binomial(2, 1 - right, num_sentences), gold - tp], axis=1)
