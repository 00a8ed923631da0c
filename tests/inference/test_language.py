"""The language of a text, and the honesty to say "not sure"."""

from __future__ import annotations

import pytest

from mere.inference.language import identify

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


@pytest.mark.parametrize(("lang", "text"), KNOWN.items())
def test_sentences_are_recognised(lang: str, text: str) -> None:
    found, probability = identify(text, expected=KNOWN)
    assert found == lang
    assert 0.5 <= probability <= 1


@pytest.mark.parametrize("text", ["", " \n", "12345", "!!!", "1955–1960", "😀😀", "\x00\x01"])
def test_no_letters_no_language(text: str) -> None:
    assert identify(text) == (None, 0.0)


@pytest.mark.parametrize("text", ["OK", "asdf qwer zxcv", "Paris"])
def test_too_little_to_go_by_is_not_sure(text: str) -> None:
    found, probability = identify(text, expected=("de", "en"))
    assert found is None
    assert probability < 0.5


def test_a_language_the_model_does_not_know_is_not_forced_into_one_it_does() -> None:
    assert identify(KNOWN["uk"], expected=("ru", "en"))[0] == "uk"


def test_an_expected_language_needs_less_evidence() -> None:
    text = "Anna nasceu em Lima."
    alone, expected = identify(text), identify(text, expected=("pt", "de"))
    assert alone[0] == expected[0] == "pt"
    assert expected[1] > alone[1]


def test_long_repetitive_text_stays_sure() -> None:
    assert identify(KNOWN["de"] * 20_000)[0] == "de"


def test_varieties_count_for_the_language_of_the_corpora() -> None:
    assert identify(KNOWN["zh"], expected=())[0] == "zh"
