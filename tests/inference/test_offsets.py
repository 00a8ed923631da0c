"""Offsets in UTF-16 units and in bytes: against what Python's own encoders make of the text before a mention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mere.inference.offsets import Unit, in_units
from mere.types import Document, Entity, Span, Triple

PIECES = st.sampled_from(
    ["Ada", "é", "e\u0301", "क्षि", "東京", "👩‍👩‍👧", "🏳️‍🌈", "𝔘", "\U0010ffff", " ", "\r\n", "\x00", "ـــ"]
)
TEXTS = st.lists(st.one_of(PIECES, st.characters(exclude_categories=["Cs"])), min_size=1, max_size=15).map(
    "".join
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(TEXTS)

    def mention() -> Entity:
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        return Entity(start, end, text[start:end], "PER", 0.5)

    cut = draw(st.integers(0, len(text)))
    return Document(
        text,
        "de",
        tuple(mention() for _ in range(draw(st.integers(0, 3)))),
        tuple(Triple(mention(), "near", mention(), 0.5) for _ in range(draw(st.integers(0, 2)))),
        (Span(0, cut), Span(cut, len(text))),
        langs=("de", "en"),
    )


@given(documents(), st.sampled_from([(Unit.utf16, "utf-16-le", 2), (Unit.bytes, "utf-8", 1)]))
def test_a_slice_of_the_encoded_text_is_the_mention(document: Document, how: tuple[Unit, str, int]) -> None:
    unit, encoding, width = how
    plain = document.to_json()
    record = in_units(plain, unit)
    encoded = document.text.encode(encoding)
    mentions = [*record["entities"], *(t[role] for t in record["triples"] for role in ("subject", "object"))]
    for mention in mentions:
        at = encoded[width * mention["start"] : width * mention["end"]]
        assert at == mention["text"].encode(encoding)
    parts = [encoded[width * s["start"] : width * s["end"]] for s in record["sentences"]]
    assert b"".join(parts) == encoded
    assert record.pop("offsets") == unit.value
    assert {key: record[key] for key in ("text", "lang")} == {key: plain[key] for key in ("text", "lang")}
    assert [e["score"] for e in record["entities"]] == [e["score"] for e in plain["entities"]]
    assert plain == document.to_json(), "the record that was given stays as it was"


@given(documents())
def test_code_points_are_what_a_record_has(document: Document) -> None:
    assert in_units(document.to_json(), Unit.codepoints) == document.to_json()


@pytest.mark.parametrize(("unit", "end"), [(Unit.codepoints, 5), (Unit.utf16, 8), (Unit.bytes, 18)])
def test_a_family_is_five_code_points(unit: Unit, end: int) -> None:
    family = "👩‍👩‍👧"
    document = Document(family, None, (Entity(0, 5, family),))
    assert in_units(document.to_json(), unit)["entities"][0]["end"] == end
