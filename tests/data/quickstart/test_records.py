"""The quick-start corpus's records: the corpus format, offsets that cut out names, triples a reader finds."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from random import Random

import pytest

from mere.data.quickstart.generate import LANGUAGES, SPLITS, TYPES, Language, Template, read_triples
from tests.data.quickstart.quickstart_examples import Record, Records, facts, mention, surfaces


def test_records_have_the_corpus_format(corpus: Records) -> None:
    ids: set[str] = set()
    for (lang, split), records in corpus.items():
        for record in records:
            text = record["text"]
            assert record["lang"] == lang
            assert record["id"].startswith(f"{lang}-{split}-")
            assert record["id"] not in ids
            ids.add(record["id"])
            assert record["complete"] is True
            assert record["relations_covered"] is None
            assert record["source"] == "quickstart"
            assert unicodedata.is_normalized("NFC", text)
            assert not set(text) & set("{}[]|_#\t\n"), text
            assert "  " not in text
            assert text == text.strip()
            spans = [(e["start"], e["end"]) for e in record["entities"]]
            assert spans == sorted(set(spans))
            assert all(before[1] <= after[0] for before, after in pairwise(spans)), text
            assert all(0 <= start < end <= len(text) for start, end in spans)
            assert all(mention(record, e) == mention(record, e).strip() for e in record["entities"])
            assert {e["type"] for e in record["entities"]} <= set(TYPES.values())
            for triple in record["triples"]:
                for side in ("subject", "object"):
                    assert (triple[side]["start"], triple[side]["end"]) in spans


def test_mentions_slice_to_names(corpus: Records, languages: dict[str, Language]) -> None:
    """Every entity span cuts out exactly a name of its type that its split may use."""
    for lang, language in languages.items():
        for split in SPLITS:
            allowed: dict[str, set[str]] = {"NUM": set()}
            for kind in language.kinds:
                names = {name.casefold() for name in surfaces(language, kind, split)}
                allowed.setdefault(TYPES[kind], set()).update(names)
            for record in corpus[lang, split]:
                for entity in record["entities"]:
                    found = mention(record, entity)
                    if entity["type"] == "NUM":
                        assert all(char.isdigit() or char in ",. ٬" for char in found), found
                    else:
                        assert found.casefold() in allowed[entity["type"]], (record["text"], found)


def test_a_mention_may_begin_inside_a_word_in_arabic_only(
    corpus: Records,
) -> None:
    def inside(record: Record) -> bool:
        return any(e["start"] and record["text"][e["start"] - 1].isalpha() for e in record["entities"])

    for lang in LANGUAGES:
        if lang not in ("zh", "ja"):
            share = sum(inside(r) for r in corpus[lang, "train"]) / len(corpus[lang, "train"])
            assert (0 < share < 0.15) if lang == "ar" else share == 0, (lang, share)


# Sentences read by hand, each with the triples that a reader finds in it.
GOLDEN: dict[str, list[tuple[str, list[tuple[str, str, str]]]]] = {
    "de": [
        ("Dorothea Kirchner ist Geologin von Beruf.", [("Dorothea Kirchner", "has-occupation", "Geologin")]),
        (
            "Der Gärtner Otto Zimmer hat an der Technischen Hochschule Königshof studiert.",
            [
                ("Otto Zimmer", "has-occupation", "Gärtner"),
                ("Otto Zimmer", "has-edu", "Technischen Hochschule Königshof"),
            ],
        ),
        ("Kurz notiert: In Fürth regnete es die ganze Woche.", []),
    ],
    "en": [
        (
            "Alderton & Sons, founded by Nancy Dalton, is based in Belfast.",
            [
                ("Alderton & Sons", "org-has-founder", "Nancy Dalton"),
                ("Alderton & Sons", "headquarters", "Belfast"),
            ],
        ),
        ("James Oakley never studied at Greyfriars University.", []),
        ("Corvex Ltd sent a parcel to Winchester, as the chronicle notes.", []),
    ],
    "es": [
        (
            "Los documentos señalan que Lucía Herrera no nació en Girona, sino en Teruel.",
            [("Lucía Herrera", "birth-place", "Teruel")],
        ),
        (
            "Rafael Lafuente es hijo de Emilio Arellano.",
            [("Emilio Arellano", "has-child", "Rafael Lafuente")],
        ),
        ("Iberalta S. A. envió un paquete a Murcia.", []),
    ],
    "pl": [
        (
            "Barbara Lewandowska jest matką Norberta Wiśniewskiego.",
            [("Barbara Lewandowska", "has-child", "Norberta Wiśniewskiego")],
        ),
        (
            "W 1990 roku Tomasz Lasocki założył firmę Ramzes S.A.",
            [("Ramzes S.A.", "org-has-founder", "Tomasz Lasocki")],
        ),
        ("Jak podaje kronika z 1963 roku, książki „Ogród mgły” nie napisała Krystyna Radomska.", []),
    ],
    "ru": [
        (
            "Как сообщает хроника 1932 года, Ольга Рогова родилась не в Нальчике, а в Саратове.",
            [("Ольга Рогова", "birth-place", "Саратове")],
        ),
        (
            "По данным архива, город Муром находится в Мордовии, его население — 46 750 человек.",
            [("Муром", "is-where", "Мордовии"), ("Муром", "has-population", "46 750")],
        ),
    ],
    "ar": [
        ("لم تولد ريم الراوي في كركوك بل في بنزرت.", [("ريم الراوي", "birth-place", "بنزرت")]),
        (
            "زياد اليازجي والد نوال السعدي وعماد الجزائري.",
            [
                ("زياد اليازجي", "has-child", "نوال السعدي"),
                ("زياد اليازجي", "has-child", "عماد الجزائري"),
            ],
        ),
        ("كتاب «رسائل الرماد» ليس من تأليف زياد الزهراوي.", []),
    ],
    "hi": [
        (
            "अभिलेख के अनुसार सागर प्रकाशन कंपनी का मुख्यालय मुंगेर में है।",
            [("सागर प्रकाशन", "headquarters", "मुंगेर")],
        ),
        ("पुस्तक “सपनों का घर” उषा बाजपेयी ने नहीं लिखी है।", []),
    ],
    "zh": [
        ("郑丽华不是出生于湖州，而是出生于烟台，档案如此记载。", [("郑丽华", "birth-place", "烟台")]),
        ("《乌鸦的花园》的作者不是段春梅，档案如此记载。", []),
    ],
    "ja": [
        ("青木明は石川浩二の息子である。", [("石川浩二", "has-child", "青木明")]),
        ("藤原誠は小樽市で生まれたのではないと地元紙は伝えた。", []),
    ],
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sentences_read_by_hand(corpus: Records, lang: str) -> None:
    by_text = {record["text"]: record for split in SPLITS for record in corpus[lang, split]}
    for text, expected in GOLDEN[lang]:
        assert facts(by_text[text]) == expected


def test_what_follows_a_tilde_in_a_form_is_no_part_of_the_mention() -> None:
    template = Template("tr/seen/birth-place/1", "{per} {city:loc} doğdu", read_triples("birth-place"))
    turkish = Language("tr", wide=True)
    for i in range(20):
        text, spans = turkish.sentence(template, "train", Random(i))
        start, end = spans["city"]
        assert "~" not in text
        assert text[end:].startswith(("'da doğdu", "'de doğdu", "'ta doğdu", "'te doğdu"))
        assert text[start:end] in {core.surface(0, 0) for core in turkish.kinds["city"].cores}
