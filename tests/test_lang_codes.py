"""One language however it is spelt, and what is near it."""

from __future__ import annotations

import pytest

from mere.data.formats.files import lang_of
from mere.lang_codes import find, is_same, labels_of, language_of, name_of, stated


@pytest.mark.parametrize(
    ("code", "spellings"),
    [
        ("de", ["de", "DE", "deu", "ger", "de-AT", "de_CH", "German", "deutsch", "de_DE.UTF-8", "deu_Latn"]),
        ("pt", ["pt-BR", "pt_br", "por", "Portuguese", "PT"]),
        ("ha", ["ha", "hau", "Hausa", "ha-NG"]),
        ("zh", ["zh", "zho", "chi", "cmn", "zh-Hant", "Chinese"]),
        ("nb", ["nb", "nob", "nb-NO"]),
        ("he", ["he", "iw", "heb"]),
        ("yue", ["yue", "zh-yue", "Cantonese"]),
        ("bbj", ["bbj"]),
    ],
)
def test_spellings_of_one_language(code: str, spellings: list[str]) -> None:
    assert {language_of(spelling) for spelling in spellings} == {code}
    assert set(labels_of(spellings).values()) == {spellings[0]}


@pytest.mark.parametrize("lang", [None, "", " ", "und", "UND", "mul"])
def test_not_stated(lang: str | None) -> None:
    assert stated(lang) is None


def test_found_as_it_is_spelt_and_near_ones_after() -> None:
    known = ("nb", "pt-BR", "hau", "zh")
    asked = ("no", "pt", "ha", "HAU", "pt-PT", "yue", "nob", "sv", None)
    assert [find(lang, known) for lang in asked] == [
        "nb",
        "pt-BR",
        "hau",
        "hau",
        "pt-BR",
        "zh",
        "nb",
        None,
        None,
    ]
    assert find("pt-BR", ("pt", "pt-BR")) == "pt-BR"
    assert find("no", ("nn", "nb")) == "nb"
    assert not is_same("nb", "nn")
    assert labels_of(["nn", "no", "nb"]) == {"nn": "nn", "no": "no", "nb": "no"}


@pytest.mark.parametrize(
    ("name", "lang"),
    [
        ("de.train.jsonl", "de"),
        ("en-full_corpora_train.tsv", "en"),
        ("hau/train.txt", "hau"),
        ("German.train.conll", "de"),
        ("DE.test.conll", "de"),
        ("corpus.jsonl", None),
        ("no-language.train.jsonl", None),
        ("ner/train.conll", None),
        ("ner.train.conll", None),
        ("dev.conll", None),
    ],
)
def test_languages_in_names(name: str, lang: str | None) -> None:
    from pathlib import Path

    assert lang_of(Path(name)) == lang


@pytest.mark.parametrize(
    ("lang", "name"), [("de", "German"), ("deu", "German"), ("ace", "Achinese"), ("xx", '"xx"')]
)
def test_the_name_of_a_language(lang: str, name: str) -> None:
    assert name_of(lang) == name
