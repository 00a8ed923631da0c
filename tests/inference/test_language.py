"""The language of a text and of its sentences, and the honesty to say "not sure"."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from mere.errors import DataError
from mere.inference.identifier import NUM_SLOTS, evidence, slot_of, tables
from mere.inference.language import Identifier
from mere.types import Span

KNOWN = {
    "de": "Die Brücke über den Fluss wurde im Herbst gebaut.",
    "en": "The bridge over the river was built in autumn.",
    "es": "El puente sobre el río se construyó en otoño.",
    "pt": "A ponte sobre o rio foi construída no outono.",
    "pl": "Most nad rzeką zbudowano jesienią.",
    "ru": "Мост через реку построили осенью.",
    "uk": "Міст через річку збудували восени.",
    "ar": "بُني الجسر فوق النهر في الخريف.",
    "hi": "नदी पर पुल पतझड़ में बनाया गया था।",
    "te": "నదిపై వంతెన శరదృతువులో నిర్మించబడింది.",
    "ja": "川に架かる橋は秋に建設された。",
    "zh": "河上的桥是秋天建成的。",
    "ko": "강 위의 다리는 가을에 지어졌다.",
}
QUICKSTART = ("ar", "de", "en", "es", "hi", "ja", "pl", "ru", "zh")


@pytest.mark.parametrize(("lang", "text"), KNOWN.items())
def test_sentences_are_recognised(lang: str, text: str) -> None:
    found, probability = Identifier(KNOWN)(text)
    assert found == lang
    assert 0.6 <= probability <= 1


def test_a_short_sentence_full_of_names_is_sure() -> None:
    assert Identifier(QUICKSTART)("Helen Wakefield was born in Salem.")[0] == "en"


@pytest.mark.parametrize("text", ["", " \n", "12345", "!!!", "1955–1960", "😀😀", "\x00\x01"])
def test_no_letters_no_language(text: str) -> None:
    assert Identifier()(text) == (None, 0.0)
    assert Identifier(("de",), only=True)(text) == (None, 0.0)


@pytest.mark.parametrize("text", ["OK", "asdf qwer zxcv", "Paris"])
def test_too_little_to_go_by_is_not_sure(text: str) -> None:
    found, probability = Identifier(("de", "en"))(text)
    assert found is None
    assert probability < 0.6


def test_a_language_the_model_does_not_know_is_not_forced_into_one_it_does() -> None:
    assert Identifier(("ru", "en"))(KNOWN["uk"])[0] == "uk"


def test_an_expected_language_needs_less_evidence() -> None:
    text = "Anna nasceu em Lima."
    alone, expected = Identifier(), Identifier(("pt", "de"))
    assert alone(text)[0] is None
    assert expected(text)[0] == "pt"


@pytest.mark.parametrize("lang", ["de", "en", "uk"])
def test_where_only_some_can_occur_no_other_does(lang: str) -> None:
    assert Identifier(("de", "en"), only=True)(KNOWN[lang])[0] in {"de", "en", None}
    assert Identifier(("de", "en"), only=True)("Anna war in Lima.")[0] == "de"


def test_a_language_that_cannot_be_told_is_refused_where_only_it_can_occur() -> None:
    with pytest.raises(DataError, match=r'language "bam" cannot be told from a text\..*--lang bam'):
        Identifier(("de", "bam"), only=True)
    assert Identifier(("de", "bam"))(KNOWN["de"])[0] == "de"


def test_long_repetitive_text_stays_sure() -> None:
    assert Identifier()(KNOWN["de"] * 20_000)[0] == "de"


def test_varieties_count_for_the_language_of_the_corpora() -> None:
    assert Identifier()(KNOWN["zh"])[0] == "zh"


@pytest.mark.parametrize(
    ("spelling", "text"),
    [
        ("nb", "Kari Moen ble født i Hamar og flyttet senere til hovedstaden for å studere."),
        ("pt-BR", "Ana Prado nasceu em Recife e mudou-se depois para a capital para estudar."),
        ("hau", "An haifi Malam Sani a garin Kano kuma daga baya ya koma babban birnin domin karatu."),
    ],
)
def test_a_language_is_answered_as_it_is_expected(spelling: str, text: str) -> None:
    assert Identifier(("nb", "pt-BR", "hau"))(text)[0] == spelling


def test_what_is_all_in_capitals_is_read_in_small_letters() -> None:
    assert Identifier(QUICKSTART)(KNOWN["de"].upper())[0] == "de"


@pytest.mark.parametrize(
    ("first", "second"), [("de", "en"), ("en", "ru"), ("es", "pl"), ("zh", "en"), ("ar", "de")]
)
def test_a_text_in_two_languages_is_told_sentence_by_sentence(first: str, second: str) -> None:
    parts = [KNOWN[first], "Anna Nowak.", KNOWN[first], KNOWN[second], KNOWN[second]]
    text, spans = "", []
    for part in parts:
        spans.append(Span(len(text), len(text) + len(part)))
        text += part + "\n"
    identifier = Identifier(QUICKSTART)
    found = identifier.sentences([(text, spans, first)])[0]
    assert [*found[:1], *found[2:]] == [first, first, second, second]
    assert found[1] == first, "a sentence that says little is in the language of its text"
    alone = identifier.sentences([(text, spans, None)])[0]
    assert [*alone[:1], *alone[2:]] == [first, first, second, second]


def test_one_sentence_is_in_the_language_of_its_text() -> None:
    asked = [(KNOWN["de"], [Span(0, 10)], "fr"), ("", [], None)]
    assert Identifier().sentences(asked) == [["fr"], []]
    assert Identifier().sentences([]) == Identifier().texts([]) == []


@settings(deadline=None)
@given(st.text(max_size=60), st.booleans())
def test_any_text_gets_an_answer(text: str, only: bool) -> None:
    found, probability = Identifier(("de", "en"), only=only)(text)
    assert 0 <= probability <= 1 + 1e-6
    assert found in {"de", "en", None} or not only


@pytest.fixture(scope="module")
def judge() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE)


@pytest.mark.parametrize("text", KNOWN.values())
def test_the_arrays_say_of_a_sentence_what_py3langid_says(judge: LanguageIdentifier, text: str) -> None:
    theirs = judge._raw_score(text.encode()) - tables().priors
    (ours,) = evidence([dict.fromkeys(text.split(), 1)])
    assert np.corrcoef(theirs, ours)[0, 1] > 0.95


def test_every_feature_has_a_slot_of_its_own() -> None:
    found = tables()
    keys = np.asarray(found.keys)
    there = np.flatnonzero(keys)
    assert len(there) == 60_000
    assert (slot_of(keys[there], found.shifts) == there).all()
    assert found.weights.shape == (NUM_SLOTS, len(found.languages))


def test_a_word_says_the_same_alone_again_and_in_company() -> None:
    words = ["Die", "Brücke", "über", "东京都庁", "👩", "Stra\u0301ße", "x" * 500, "\x00", "a\x00b"]
    together = evidence([{word: 1} for word in words])
    for (index, word), _ in product(enumerate(words), range(2)):
        assert (evidence([{word: 1}])[0] == together[index]).all()


def test_the_sentences_of_a_text_are_identified_as_if_each_stood_alone() -> None:
    identifier = Identifier(KNOWN)
    parts = [*KNOWN.values(), "1999", "!", "x" * 100]
    together = identifier._best(parts, identifier._log_weights)
    alone = [identifier._best([part], identifier._log_weights)[0] for part in parts]
    assert [lang for lang, _ in together] == [lang for lang, _ in alone]
    np.testing.assert_allclose([p for _, p in together], [p for _, p in alone], rtol=1e-5)
