"""Every way of cutting a text: spans slice right in any script, numbers describe, and nothing is lost on disk."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.config import ByteStreamSettings, ByteWordsSettings, CompactSettings, EncoderSettings
from mere.data.features import Features
from mere.data.pieces import HashedUnits, Pieces, TextBytes, WordBytes, fit_pieces, load_pieces
from mere.data.pieces.base import StoredPieces
from mere.data.pieces.bytes import HIDDEN
from mere.data.units import Units, align
from mere.types import Span
from tests import tiny
from tests.data.data_strategies import texts

EVERY: dict[str, Pieces] = {
    "hashed units": HashedUnits(Units(), Features(512)),
    "word bytes": WordBytes(Units(), width=8),
    "text bytes": TextBytes(Units()),
}
SETTINGS: dict[str, tuple[EncoderSettings, type[Pieces]]] = {
    "compact": (CompactSettings(rows=512), HashedUnits),
    "compact, rare features left out": (CompactSettings(rows=512, min_count=2), HashedUnits),
    "byte-words": (ByteWordsSettings(name="byte-words", width=8), WordBytes),
    "byte-stream": (ByteStreamSettings(name="byte-stream"), TextBytes),
}
FAMILY, ACCENT = "👩‍👩‍👧", "e\u0301"  # five and two code points that are one character to a reader


@pytest.mark.parametrize("pieces", EVERY.values(), ids=EVERY.keys())
@settings(deadline=None)
@given(text=texts())
def test_pieces_of_any_text(pieces: Pieces, text: str) -> None:
    spans = pieces.cut(text)
    assert spans == sorted(spans)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    inside = {place for start, end in spans for place in range(start, end)}
    visible = {place for place, char in enumerate(text) if not char.isspace()}
    assert visible <= inside
    described = pieces.describe(text, spans)
    assert described.dtype == np.int32
    assert described.ndim == 2
    assert len(described) == len(spans)
    assert (described >= 0).all()
    assert (described > 0).any(1).all(), "0 is padding, and no piece is nothing but padding"
    begins = pieces.begins_word(text, spans)
    assert begins.shape == (len(spans),)
    assert begins.dtype == np.bool_
    assert not spans or begins[0]
    again = pieces.describe(text, pieces.cut(text))
    assert (again == described).all()


@pytest.mark.parametrize("pieces", EVERY.values(), ids=EVERY.keys())
@pytest.mark.parametrize("text", ["", " ", "\u3000\r\n\t"])
def test_no_visible_character_no_piece(pieces: Pieces, text: str) -> None:
    assert pieces.cut(text) == []
    assert pieces.describe(text, []).shape[0] == 0
    assert pieces.begins_word(text, []).shape == (0,)


@pytest.mark.parametrize("pieces", EVERY.values(), ids=EVERY.keys())
@pytest.mark.parametrize(
    ("text", "mention"),
    [
        (f"Owen {FAMILY} Hart kam.", f"{FAMILY} Hart"),
        (f"Caf{ACCENT}, Wien", f"Caf{ACCENT}"),
        ("山口花子は青葉市で生まれた。", "青葉市"),
        ("وُلد سامر الحلو في بلدة.", "سامر الحلو"),
        ("(ÖBB)", "ÖBB"),
        ("a\u0301", "a\u0301"),
    ],
)
def test_mentions_are_ranges_of_pieces(pieces: Pieces, text: str, mention: str) -> None:
    start = text.index(mention)
    spans = pieces.cut(text)
    found = align(spans, Span(start, start + len(mention)))
    assert found is not None
    first, end = found
    assert text[spans[first].start : spans[end - 1].end] == mention
    assert pieces.begins_word(text, spans)[first]


@settings(deadline=None)
@given(text=texts().filter(str.strip), cut=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_text_bytes_are_pythons_utf8(text: str, cut: tuple[float, float]) -> None:
    """The bytes of a character share its span, and `align` takes all of them."""
    pieces = TextBytes(Units())
    spans = pieces.cut(text)
    assert bytes((pieces.describe(text, spans)[:, 0] - 1).tolist()).decode() == text
    assert spans == [Span(i, i + 1) for i, char in enumerate(text) for _ in char.encode()]
    start, end = sorted(round(share * len(text)) for share in cut)
    if start < end:
        expected = (len(text[:start].encode()), len(text[:end].encode()))
        assert align(spans, Span(start, end)) == expected


def test_where_words_begin_in_bytes_by_hand() -> None:
    def begins(text: str) -> str:
        """x for each byte that begins a word."""
        pieces = TextBytes(Units())
        return "".join(".x"[int(b)] for b in pieces.begins_word(text, pieces.cut(text)))

    assert begins("ab, c") == "x.xxx"
    assert begins("Bö,  x") == "x..xxxx"
    assert begins("東京は") == "x..x..x.."
    assert begins(f"{ACCENT}x") == "x..."
    assert begins(FAMILY) == "x" + "." * (len(FAMILY.encode()) - 1)
    assert begins("a-b 12") == "xxxxx."


def test_word_bytes_by_hand() -> None:
    pieces = WordBytes(Units(), width=4)
    text = "Bö, x!Wiener"
    spans = pieces.cut(text)
    assert [text[start:end] for start, end in spans] == ["Bö", ",", "x", "!", "Wiener"]
    described = pieces.describe(text, spans)
    assert described[:, -1].tolist() == [1, 2, 1, 2, 2], "2 where no white space stands before"
    assert described[:, :-1].tolist() == [
        [0x42 + 1, 0xC3 + 1, 0xB6 + 1, 0],
        [0x2C + 1, 0, 0, 0],
        [0x78 + 1, 0, 0, 0],
        [0x21 + 1, 0, 0, 0],
        [ord(char) + 1 for char in "Wien"],
    ]
    assert pieces.begins_word(text, spans).all()


@pytest.mark.parametrize("pieces", EVERY.values(), ids=EVERY.keys())
def test_a_hidden_name_cannot_be_told_from_another_of_its_shape(pieces: Pieces) -> None:
    def described(text: str) -> tuple[np.ndarray, np.ndarray]:
        spans = pieces.cut(text)
        found = align(spans, Span(4, 13))
        assert found is not None
        shown = pieces.describe(text, spans)
        hidden = shown.copy()
        pieces.hide(hidden, *found)
        outside = np.ones(len(spans), dtype=bool)
        outside[slice(*found)] = False
        assert (hidden[outside] == shown[outside]).all()
        return shown, hidden

    one, other = (
        described("Aus Margarete."),
        described("Aus Marbikete."),
    )  # alike but for the middle of the name
    assert (one[0] != other[0]).any()
    assert (one[1] == other[1]).all()
    assert (one[1] > 0).any(1).all()


def test_hidden_bytes_are_a_symbol_of_their_own() -> None:
    text = "Jena"
    for pieces, expected in (
        (TextBytes(Units()), [[HIDDEN]] * 4),
        (WordBytes(Units(), width=6), [[HIDDEN] * 4 + [0, 0, 1]]),
    ):
        shown = pieces.describe(text, pieces.cut(text))
        pieces.hide(shown, 0, len(shown))
        assert shown.tolist() == expected
    assert HIDDEN > 256


@pytest.mark.parametrize(("settings", "kind"), SETTINGS.values(), ids=SETTINGS.keys())
def test_what_was_learned_is_read_again(settings: EncoderSettings, kind: type[Pieces]) -> None:
    fitted = fit_pieces(settings, tiny.SENTENCES)
    assert type(fitted) is kind
    again = load_pieces(settings, json.loads(json.dumps(fitted.to_json())), fitted.arrays())
    assert type(again) is kind
    texts = [sentence.text for sentence in tiny.SENTENCES] + ["సీత నందపురంలో!", "Ganz anders: ĳ 𝔸"]
    for text in texts:
        spans = fitted.cut(text)
        assert again.cut(text) == spans
        assert (again.describe(text, spans) == fitted.describe(text, spans)).all()
        assert (again.begins_word(text, spans) == fitted.begins_word(text, spans)).all()


def test_what_is_learned() -> None:
    """Endings that mentions cut off (లో, "in"), and with a least count the features that are read at all."""
    for name in ("compact", "byte-words"):
        pieces = fit_pieces(SETTINGS[name][0], tiny.SENTENCES)
        text = "నందపురంలో"
        assert [text[a:b] for a, b in pieces.cut(text)] == ["నందపురం", "లో"]
        assert pieces.arrays() == {}
    rare = fit_pieces(CompactSettings(rows=512, min_count=2), tiny.SENTENCES)
    assert isinstance(rare, HashedUnits)
    known = rare.features.known
    assert known is not None
    stored = StoredPieces(rare.to_json(), rare.arrays(), {})
    again = HashedUnits.load(CompactSettings(rows=512, min_count=2), stored).features.known
    assert again is not None
    assert again.tolist() == known.tolist() == sorted(known.tolist())
    assert known.dtype == np.uint32
    assert 0 < len(known) == len(set(known.tolist()))
    once, often = (rare.describe(text, rare.cut(text)) for text in ("Erika", "Rostock"))
    assert (once > 0).sum() < (often > 0).sum()


SEPARATED = st.lists(
    st.sampled_from(
        [
            "Ada", "ging", "im", "Łódź", "e\u0301", "\u0301", "东京", "ทะเล", "한국에서", "1984", "“Jo”,", "a" * 40,
            " ", "\u00a0", "\u3000", "\u2028", "\x85", "\r\n", "\n", "\t", "\x1c", "\x1f", "\u200b", "\ufeff",
            "\u0600", "\u06dd", "\U000110bd", "\u0d4e", "\u200d", "\U0001f1e9",
        ]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(texts(), SEPARATED), st.booleans(), st.booleans())
def test_units_read_through_the_cache_are_those_read_plainly(text: str, cuts: bool, knows: bool) -> None:
    units = Units(frozenset({"ng", "에서"}) if cuts else frozenset(), ("Devanagari",) if cuts else ())
    known = np.arange(7, 2**32, 2**32 // 3000, dtype=np.uint32) if knows else None
    plain, kept = HashedUnits(units, Features(512, known)), HashedUnits(units, Features(512, known))
    spans = plain.cut(text)
    for _ in range(2):  # before and after its parts are in the cache
        read, described = kept.read(text)
        assert read == spans
        assert all(type(span) is Span for span in read)
        assert described.dtype == np.int32
        assert described.tolist() == plain.describe(text, spans).tolist()
        described[:] = -1  # a caller may write into what it was given
