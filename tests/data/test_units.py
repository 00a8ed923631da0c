"""Units: any text is cut without a gap, windows do not move the cuts, and endings are learned from mentions."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import regex
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from mere.data.units import UNSPACED_SCRIPTS, Units, align, script_of
from mere.types import Entity, Sentence, Span
from tests.data.data_strategies import texts

# The White_Space property as Unicode's PropList.txt lists it; U+001C to U+001F are not in it.
WHITE_SPACE = frozenset(
    map(chr, [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F])
) | {"\u205f", "\u3000"}
PREPENDED = regex.compile(r"\p{Grapheme_Cluster_Break=Prepend}")

TELUGU = Units(endings=frozenset({"లో", "ని", "కు"}))
ANY_UNITS = [Units(), TELUGU, Units(grapheme_scripts=("Devanagari", "Hangul"))]


def cut(text: str, units: Units | None = None) -> list[str]:
    return [text[start:end] for start, end in (units or Units())(text)]


def shifted(spans: list[Span], by: int) -> list[Span]:
    return [Span(start + by, end + by) for start, end in spans]


@settings(deadline=None)
@given(texts(), st.sampled_from(ANY_UNITS))
@example("\r\n\x00\x1b\x7f\ufeff\u200b\u202e", Units())
@example("\u200d\u0301 \u0301", Units())
@example("\u0600 1\u06dda", Units())
def test_every_visible_character_is_in_exactly_one_unit(text: str, units: Units) -> None:
    spans = units(text)
    assert all(start < end for start, end in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    covered = {offset for start, end in spans for offset in range(start, end)}
    assert [c for i, c in enumerate(text) if i not in covered and c not in WHITE_SPACE] == []
    assert [text[start] for start, _ in spans if text[start] in WHITE_SPACE] == []
    before = [text[i - 1] for i in covered if text[i] in WHITE_SPACE]
    assert all(PREPENDED.match(mark) for mark in before)  # they join whatever follows (UAX 29, GB9b)


def test_a_slice_of_flags_has_the_same_units() -> None:
    text = "🇩🇪🇫🇷🇪🇸 🇵"
    assert shifted(Units()(text[2:]), 2) == Units()(text)[1:]


@settings(deadline=None)
@given(texts(), st.sampled_from(ANY_UNITS), st.data())
def test_a_slice_at_unit_borders_has_the_same_units(text: str, units: Units, data: st.DataObject) -> None:
    """What windows rely on. A slice may end inside a word that was cut, but must not begin there."""
    spans = units(text)
    assume(spans)
    words = {start for start, _ in Units(grapheme_scripts=units.grapheme_scripts)(text)}
    first = data.draw(st.sampled_from([i for i, span in enumerate(spans) if span.start in words]))
    last = data.draw(st.integers(first, len(spans) - 1))
    piece = text[spans[first].start : spans[last].end]
    assert shifted(units(piece), spans[first].start) == spans[first : last + 1]


def test_a_slice_that_begins_at_an_ending_has_the_same_units() -> None:
    units = Units(endings=frozenset({"లోని", "ని"}))
    text = "నందపురంలోని"
    assert cut(text, units) == ["నందపురం", "లోని"]
    assert cut("లోని", units) == ["లోని"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Łódź-Süd, 3,5 km.", ["Łódź", "-", "Süd", ",", "3", ",", "5", "km", "."]),
        ("Müller’s", ["Müller", "’", "s"]),
        ("Zoe\u0301 kam", ["Zoe\u0301", "kam"]),
        ("iPhone15Pro", ["iPhone", "15", "Pro"]),
        ("東京都2024年", ["東", "京", "都", "2024", "年"]),
        ("スーパーへ", ["ス", "ー", "パ", "ー", "へ"]),
        ("わーーいーa", ["わ", "ー", "ー", "い", "ー", "a"]),  # the sign for length belongs to no script
        ("東京Towerは", ["東", "京", "Tower", "は"]),
        ("ประเทศ", ["ป", "ร", "ะ", "เ", "ท", "ศ"]),
        ("กี่", ["กี่"]),
        ("नई दिल्ली में", ["नई", "दिल्ली", "में"]),
        ("क्ष्\u200dम", ["क्ष्\u200dम"]),
        ("२०२४ में", ["२०२४", "में"]),
        ("وُلد سامر في 1984.", ["وُلد", "سامر", "في", "1984", "."]),
        ("می\u200cشود", ["می\u200cشود"]),
        ("שלום Dana", ["שלום", "Dana"]),
        ("నందపురంలో", ["నందపురంలో"]),
        ("👩‍👩‍👧‍👦👋🏽 🏳️‍🌈", ["👩‍👩‍👧‍👦", "👋🏽", "🏳️‍🌈"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("a\r\nb\x00c", ["a", "b", "\x00", "c"]),
        ("\ufeffAda", ["\ufeff", "Ada"]),
        (" \t\u3000\u2028", []),
        ("", []),
    ],
)
def test_hand_cases(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("నందపురంలో", ["నందపురం", "లో"]),
        ("నందపురంలోని", ["నందపురం", "లో", "ని"]),
        ("వానికి", ["వానికి"]),
        ("ఆలో", ["ఆలో"]),  # a stem of one character is no stem
        ("లోని", ["లో", "ని"]),
        ("లో", ["లో"]),
    ],
)
def test_endings_are_cut_off_words_and_leave_a_stem(text: str, expected: list[str]) -> None:
    assert cut(text, TELUGU) == expected


def test_a_script_of_words_may_be_cut_into_characters() -> None:
    units = Units(grapheme_scripts=("Hangul",))
    assert cut("한국에서 Seoul", units) == ["한", "국", "에", "서", "Seoul"]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Ada", "Latin"),
        ("«Аня»", "Cyrillic"),
        ("12 దేశం", "Telugu"),
        ("한국", "Hangul"),
        ("1984", "Common"),
        ("", "Common"),
        ("東京", "Han"),
    ],
)
def test_script_of(text: str, script: str) -> None:
    assert script_of(text) == script


def mentions(text: str, *found: str, lang: str = "te") -> Sentence:
    starts = [text.index(mention) for mention in found]
    entities = tuple(Entity(i, i + len(m), m) for i, m in zip(starts, found, strict=True))
    return Sentence(text, lang, text, entities)


CITIES = ["నందపురం", "మాధవపురం", "రామపురం", "సీతానగరం"]


def test_fit_learns_the_endings_that_mentions_leave_behind() -> None:
    sentences = [mentions(f"{city}లో {i}", city) for city in CITIES for i in range(3)]
    sentences += [mentions("రవి నందపురంకు వచ్చాడు", "నందపురం")]
    assert Units.fit(sentences) == Units(frozenset({"లో"})), "one mention in 13 with another ending is let go"
    assert Units.fit(sentences, min_count=1) == Units(frozenset({"లో", "కు"}))
    assert align(Units.fit(sentences)(sentences[0].text), sentences[0].entities[0].span) == (0, 1)


def test_fit_leaves_scripts_alone_that_respect_words() -> None:
    whole = [mentions(f"Anna{i} kam", f"Anna{i}", lang="de") for i in range(398)]
    inside = [mentions("Bergstraße", "Berg", lang="de"), mentions("Talstraße", "Tal", lang="de")]
    assert Units.fit([*whole, *inside]) == Units()  # 2 of 400 are within the tolerance of 0.5 %
    assert Units.fit([*whole, *inside], tolerance=0.004) == Units(frozenset({"straße"}))
    assert Units.fit([*whole[:300], *inside]) == Units(frozenset({"straße"}))


def test_fit_counts_each_script_by_itself() -> None:
    latin = [mentions(f"Anna{i} kam", f"Anna{i}", lang="de") for i in range(1000)]
    assert Units.fit([*latin, *(mentions(f"{city}లో", city) for city in CITIES)]).endings == {"లో"}


def test_fit_falls_back_to_characters_where_endings_are_of_many_kinds() -> None:
    tails = ["에서", "으로", "에게", "까지", "부터"]
    sentences = [mentions(f"한국{tail} 왔다", "한국", lang="ko") for tail in tails]
    units = Units.fit(sentences)
    assert units == Units(grapheme_scripts=("Hangul",))
    assert all(align(units(s.text), s.entities[0].span) == (0, 2) for s in sentences)


def test_fit_learns_no_ending_that_is_longer_than_a_cut() -> None:
    long = [mentions(f"{stem}gesellschaft", stem, lang="de") for stem in ("Bank", "Holz", "Berg")]
    assert Units.fit(long) == Units(grapheme_scripts=("Latin",))


def test_fit_on_nothing_cuts_nothing() -> None:
    assert Units.fit([]) == Units()
    assert Units.fit([Sentence("1", "de", "")]) == Units()


names = st.text(min_size=1, max_size=6)


@settings(deadline=None)
@given(st.frozensets(names, max_size=4), st.lists(st.sampled_from(["Hangul", "Telugu"]), unique=True))
def test_json_round_trip(endings: frozenset[str], scripts: list[str]) -> None:
    units = Units(endings, tuple(scripts))
    assert Units.from_json(json.loads(json.dumps(units.to_json()))) == units


@settings(deadline=None)
@given(texts(), st.sampled_from(ANY_UNITS), st.data())
def test_align_equals_trying_every_range(text: str, units: Units, data: st.DataObject) -> None:
    spans = units(text)
    start = data.draw(st.integers(0, len(text) - 1))
    mention = Span(start, data.draw(st.integers(start + 1, len(text))))
    ranges = [
        (i, j)
        for i in range(len(spans))
        for j in range(i + 1, len(spans) + 1)
        if (spans[i].start, spans[j - 1].end) == mention
    ]
    assert align(spans, mention) == (ranges[0] if ranges else None)


def test_align_hand_cases() -> None:
    spans = Units()("Ada Byron kam.")
    assert align(spans, Span(0, 9)) == (0, 2)
    assert align(spans, Span(4, 9)) == (1, 2)
    assert align(spans, Span(0, 2)) is None  # ends inside a word
    assert align(spans, Span(0, 4)) is None  # ends with white space
    assert align([], Span(0, 1)) is None


def pattern_by_the_letter(graphemes: tuple[str, ...]) -> regex.Pattern[str]:
    """The units as they are defined: a word is every letter, mark or joiner that is not of an unspaced script."""
    single = "".join(rf"\p{{Script={name}}}" for name in (*UNSPACED_SCRIPTS, *graphemes)) + "ー"
    return regex.compile(
        rf"(?:[{single}]\p{{M}}*)|\p{{Nd}}+|(?:(?![{single}])[\p{{L}}\p{{M}}\u200c\u200d])+|(?!\s)\X"
    )


@settings(deadline=None)
@given(texts(), st.sampled_from([(), ("Devanagari", "Latin")]))
def test_units_are_those_of_the_definition_by_the_letter(text: str, graphemes: tuple[str, ...]) -> None:
    spans = [Span(*match.span()) for match in pattern_by_the_letter(graphemes).finditer(text)]
    assert Units(grapheme_scripts=graphemes)(text) == spans
