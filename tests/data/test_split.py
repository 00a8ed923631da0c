"""A text cut into sentences: every mention stays, in one of them; only triples over several are lost, and counted."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mere.data.formats.tally import Tally
from mere.data.split import split_sentence
from mere.inference.sentences import split_sentences
from mere.types import Entity, Sentence, Span, Triple
from tests.data.data_strategies import sentences


def test_sentences_with_what_is_annotated_in_them() -> None:
    text = "Ada lebt in Graz. Bo lebt in Ulm.  Cy kam. Der Weg. war weit."
    ada, graz, bo, ulm = (Entity(a, b, text[a:b], "X") for a, b in ((0, 3), (12, 16), (18, 20), (29, 32)))
    film = Entity(43, 54, "Der Weg. wa", "X")
    triples = (Triple(ada, "lives-in", graz), Triple(bo, "lives-in", ulm), Triple(ada, "knows", bo))
    whole = Sentence(
        "d1", "de", text, (ada, graz, bo, ulm, film), triples, extra={"tokens": [[18, 20], [21, 25]]}
    )
    tally = Tally()
    parts = split_sentence(
        whole, lambda text, lang: [Span(0, 17), Span(18, 33), Span(35, 42), Span(43, 51), Span(52, 61)], tally
    )
    assert [part.text for part in parts] == [
        "Ada lebt in Graz.",
        "Bo lebt in Ulm.",
        "Cy kam.",
        "Der Weg. war weit.",
    ]
    assert [part.id for part in parts] == ["d1#1", "d1#2", "d1#3", "d1#4"]
    assert [len(part.triples) for part in parts] == [1, 1, 0, 0]
    assert parts[1].extra == {"tokens": [[0, 2], [3, 7]], "document": "d1", "document_start": 18}
    assert parts[1].triples[0].object == Entity(11, 14, "Ulm", "X")
    assert +tally.lost == {"triples over several sentences": 1}
    assert +tally.repaired == {"sentences kept together by a mention over their border": 1}


@given(sentences(), st.data())
def test_nothing_but_triples_over_borders_is_lost(sentence: Sentence, data: st.DataObject) -> None:
    tally = Tally()
    borders = sorted(
        data.draw(st.sets(st.integers(0, len(sentence.text)), max_size=4)) | {0, len(sentence.text)}
    )
    cut = [Span(a, b) for a, b in pairwise(borders)]
    cutter = (lambda text, lang: cut) if data.draw(st.booleans()) else split_sentences
    parts = split_sentence(sentence, cutter, tally)
    if len(parts) == 1:
        assert parts == [sentence]
        return
    for part in parts:
        start = part.extra["document_start"]
        assert sentence.text[start : start + len(part.text)] == part.text
        assert all(part.text[e.start : e.end] == e.text for e in part.entities)
    starts = [part.extra["document_start"] for part in parts]
    back = [
        (e.start + start, e.end + start, e.type, e.score)
        for part, start in zip(parts, starts, strict=True)
        for e in part.entities
    ]
    assert sorted(back, key=repr) == sorted(
        ((e.start, e.end, e.type, e.score) for e in sentence.entities), key=repr
    )
    kept = sum(len(part.triples) for part in parts)
    assert kept + tally.lost["triples over several sentences"] == len(sentence.triples)
