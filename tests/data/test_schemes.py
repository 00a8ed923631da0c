"""Tagging schemes: tags by hand, by property and as seqeval reads them; tags that cannot stand are mended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.data.formats.schemes import Scheme, TokenSpan, WrongTag, fits, to_spans, to_tags

# Five tokens: a person of two, an other of one beside it, nothing, a place of one at the end.
SPANS = [TokenSpan(0, 2, "PER"), TokenSpan(2, 3, "PER"), TokenSpan(4, 5, "LOC")]
BY_HAND = {
    Scheme.IOB2: "B-PER I-PER B-PER O B-LOC",
    Scheme.IOB1: "I-PER I-PER B-PER O I-LOC",
    Scheme.BIOES: "B-PER E-PER S-PER O S-LOC",
    Scheme.BILOU: "B-PER L-PER U-PER O U-LOC",
    Scheme.BMES: "B-PER E-PER S-PER O S-LOC",
}
# Tags that cannot stand where they do, and the entities that conlleval counts in them.
MENDED = [
    (Scheme.IOB2, "O I-PER I-PER", [(1, 3, "PER")], 1),
    (Scheme.IOB2, "B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")], 1),
    (Scheme.IOB2, "B-O O B-PER", [(2, 3, "PER")], 1),
    (Scheme.IOB1, "B-PER I-PER O", [(0, 2, "PER")], 1),
    (Scheme.IOB1, "I-PER B-LOC O", [(0, 1, "PER"), (1, 2, "LOC")], 1),
    (Scheme.BIOES, "B-PER O O", [(0, 1, "PER")], 1),
    (Scheme.BIOES, "B-PER I-PER B-PER", [(0, 2, "PER"), (2, 3, "PER")], 2),
    (Scheme.BIOES, "O E-PER S-PER", [(1, 2, "PER"), (2, 3, "PER")], 1),
    (Scheme.BIOES, "B-PER E-LOC O", [(0, 1, "PER"), (1, 2, "LOC")], 2),
    (Scheme.BILOU, "I-PER L-PER O", [(0, 2, "PER")], 1),
]


@pytest.mark.parametrize("scheme", BY_HAND)
def test_each_scheme_by_hand(scheme: Scheme) -> None:
    tags = BY_HAND[scheme].split()
    assert to_tags(SPANS, 5, scheme) == tags
    assert to_spans(tags, scheme) == (SPANS, [])
    fitting = [name for name, count in fits([tags]).items() if not count]
    assert fitting[0] == scheme or (fitting, scheme) == ([Scheme.BIOES, Scheme.BMES], Scheme.BMES)


def test_io_runs_neighbours_of_one_type_together() -> None:
    assert to_tags(SPANS, 5, Scheme.IO) == ["I-PER", "I-PER", "I-PER", "O", "I-LOC"]
    assert to_spans(["I-PER", "I-PER", "I-PER", "O", "I-LOC"], Scheme.IO) == ([(0, 3, "PER"), SPANS[2]], [])
    long = to_tags([TokenSpan(0, 3, "PER")], 3, Scheme.BMES)
    assert long == ["B-PER", "M-PER", "E-PER"]


@pytest.mark.parametrize(("scheme", "tags", "spans", "num_mends"), MENDED)
def test_tags_that_cannot_stand(
    scheme: Scheme, tags: str, spans: list[tuple[int, int, str]], num_mends: int
) -> None:
    read, mends = to_spans(tags.split(), scheme)
    assert [tuple(span) for span in read] == spans
    assert len(mends) == num_mends


@pytest.mark.parametrize("tag", ["E-PER", "PER", "B-", "b-PER", "", "X-PER"])
def test_what_is_no_tag(tag: str) -> None:
    with pytest.raises(WrongTag, match=r"is no tag of IOB2 \(B-, I- and a type, or O\)") as raised:
        to_spans(["O", tag], Scheme.IOB2)
    assert raised.value.token == 1


@st.composite
def tagged(draw: st.DrawFn) -> tuple[int, list[TokenSpan]]:
    """A number of tokens and entities over them, side by side or apart."""
    spans, at = [], 0
    for _ in range(draw(st.integers(0, 4))):
        start = at + draw(st.integers(0, 2))
        at = start + draw(st.integers(1, 3))
        spans.append(TokenSpan(start, at, draw(st.sampled_from(["PER", "LOC", "x-y", "B-PER"]))))
    return at + draw(st.integers(0, 2)), spans


@given(tagged(), st.sampled_from([scheme for scheme in Scheme if scheme is not Scheme.IO]))
def test_tags_and_entities_are_inverse(case: tuple[int, list[TokenSpan]], scheme: Scheme) -> None:
    length, spans = case
    tags = to_tags(spans, length, scheme)
    assert to_spans(tags, scheme) == (spans, [])


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), max_size=8))
def test_conllevals_reading_is_seqevals(tags: list[str]) -> None:
    seqeval = pytest.importorskip("seqeval.metrics.sequence_labeling")
    theirs = [TokenSpan(start, end + 1, type_) for type_, start, end in seqeval.get_entities(tags)]
    assert to_spans(tags, Scheme.IOB2)[0] == theirs


@given(st.lists(st.sampled_from(["O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "E-LOC"]), max_size=8))
def test_whatever_is_mended_stands(tags: list[str]) -> None:
    spans, mends = to_spans(tags, Scheme.BIOES)
    again = to_tags(spans, len(tags), Scheme.BIOES)
    assert to_spans(again, Scheme.BIOES) == (spans, [])
    assert (again == tags) == (not mends)
