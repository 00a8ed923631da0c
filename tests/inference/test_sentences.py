"""Sentence borders where a reader of the language sees them, and no character lost, moved or read twice."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mere.inference.sentences import is_wrapped, split_sentences

# "|" marks the borders; it stands for the white space between two sentences, or for nothing in CJK.
MARKED = {
    "en": [
        "Dr. Smith met J. R. R. Tolkien at 3.5 p.m. in the U.S. Senate.|He left.",
        '"Really?" she asked.|It cost $5.20.|Yes!|(He agreed.)|No... maybe.',
        "See Fig. 3 and No. 5, e.g. this one.|Mr. and Mrs. Jones vs. the U.S. Government.",
        "She lived in the U.S.|They moved to Acme Inc. in May.|The end.",
        "He wrote Horton Hears a Who! (1954) and more.[12]|Then he stopped.",
        "1. Introduction to the matter.|It was late…|Nobody came.",
    ],
    "de": [
        "Am 3. Oktober 1990 war z. B. Dr. Müller in Berlin.|Er kam u.a. mit Prof. Meier.",
        "„Ja!“, sagte er.|Der 2. Weltkrieg endete 1945.|Ludwig II. Wittelsbach starb im See.",
        "Die Fa. Meyer GmbH & Co. KG wurde ca. 1900 gegr. und bestand lange.|Ende.",
        "Er kaufte Äpfel, Birnen usw.|Danach ging er heim.",
    ],
    "es": ["El Sr. Pérez nació en EE. UU. en 1950.|¿Quién?|¡Nadie!|La Sra. López vive en la Av. Central."],
    "fr": ["M. Dupont dit « Oui ! » à Mme Leroy.|Elle rit.|« C'est fini. »|Il part."],
    "it": ["Il Dott. Rossi vive a Roma.|È medico dal 1990.|Dopo la guerra nacque S. Verdi."],
    "pt": ["O Sr. Silva, n.º 3, vive em S. Paulo.|A Dra. Ana também."],
    "nl": ["Dhr. Jansen werkt bij dr. De Vries.|Hij woont in Utrecht."],
    "pl": [
        "Ur. w 1867 r. w Warszawie.|Prof. dr hab. Jan Kowalski, ul. Długa 5, przyszedł.|Był m.in. w Krakowie."
    ],
    "ru": [
        "А. С. Пушкин родился в г. Москве в 1799 г.|Он умер в 1837 году.",
        "В 1837 г. Пушкин погиб.|В. И. Иванов жил там и т. д.|Но он уехал.",
        "«Да!» — сказал он.|Это стоило 20 тыс. руб. в день.",
    ],
    "uk": ["Т. Г. Шевченко народився в с. Моринці.|Він був поетом."],
    "tr": ["Doç. Dr. Yılmaz 3. Cadde'de oturuyor.|O bir hekim."],
    "ar": ["ولدت ليلى في بغداد.|هل هذا صحيح؟|نعم!|قال د. أحمد ذلك."],
    "hi": ["मीरा का जन्म पुणे में हुआ था।|डॉ. राम आए।|क्या हुआ?|वह एस. के. राव है."],
    "te": ["లీల గుంటూరులో జన్మించారు.|ఎన్. టి. రావు ఆమెను కలిశారు."],
    "ja": ["花子は京都で生まれた。|「はい。」と言った。|次の文！|終わり？"],
    "zh": ["她出生于苏州。|“是的。”|他说。|很好！|价格是3.5元。"],
    "el": ["Πού είναι η Άννα;|Είναι στην Πάτρα."],
    "hy": ["Նա ծնվել է Գյումրիում։|Հետո մեկնեց։"],
}
UNSPACED = ("ja", "zh")
CASES = [(lang, marked) for lang, texts in MARKED.items() for marked in texts]

TRICKY = st.sampled_from(
    [
        ". ", "! ", "?! ", "… ", "。", "।", "؟ ", "\r\n", "\n", "\u2028", "\x0b", "\x00", "\x1b[0m",
        "\ufeff", "\u200b",
        "👩‍👩‍👧", "🏳️‍🌈", "e\u0301", "क्षि", "שלום ", "U.S. ", "Dr. ", "3. ", "г. ", "\"", "”",
        "「", "」", "(", ")",
        "[1]", " »", "\u00a0", "\u3000", "a", "A", "é", "Ж", "中", "の", "7", ";", "-", "— ",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(TRICKY, max_size=40).map("".join))


@pytest.mark.parametrize(("lang", "marked"), CASES)
def test_borders_are_where_readers_see_them(lang: str, marked: str) -> None:
    expected = marked.split("|")
    text = ("" if lang in UNSPACED else " ").join(expected)
    assert [text[start:end] for start, end in split_sentences(text, lang)] == expected


@given(TEXTS, st.sampled_from([None, "de", "en", "ru", "hi", "ja", "el", "xx"]))
@example("\r\n a \r\n", None)
@example("。” x", "zh")
def test_all_but_white_space_is_covered_once_and_in_order(text: str, lang: str | None) -> None:
    position = 0
    for start, end in split_sentences(text, lang):
        assert start < end
        assert text[position:start].strip() == ""
        assert text[start:end] == text[start:end].strip()
        position = end
    assert text[position:].strip() == ""


@given(st.lists(TEXTS, min_size=2, max_size=4), st.sampled_from(["\n", "\r\n", "\u2029", "\x85"]))
@example(['. "', ""], "\n")
def test_line_ends_are_hard_borders(lines: list[str], line_end: str) -> None:
    text = line_end.join(lines)
    apart = [line[start:end] for line in lines for start, end in split_sentences(line, "en")]
    assert [text[start:end] for start, end in split_sentences(text, "en")] == apart


@pytest.mark.parametrize("text", ["", " ", "\n\r\n\t\u3000"])
def test_nothing_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == []


def test_an_unknown_language_gets_the_rules_that_are_safe_everywhere() -> None:
    text = "Dr. Kovács and Prof. Nagy met on 3.5. They left."
    assert [text[s:e] for s, e in split_sentences(text, None)] == [
        "Dr. Kovács and Prof. Nagy met on 3.5.",
        "They left.",
    ]


@pytest.mark.parametrize(
    "unit",
    [
        "Ada kam. ",
        "a",
        '"',
        ". ",
        "A. ",
        ".",
        ". a",
        "1. ",
        "\n",
        " ",
        '!"',
        "в 1837 г. П ",
        "?»«",
        "。”",
        "." + " " * 50,
    ],
)
def test_a_long_line_is_split_to_its_end(unit: str) -> None:
    """Whatever it is made of: what takes time in the square of its length would take an hour here."""
    text = unit * (100_000 // len(unit))
    read = "".join(text[start:end] for start, end in split_sentences(text, None))
    assert "".join(read.split()) == "".join(text.split())


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["Ada met Bo.", "He left!", "Who?"]), min_size=1, max_size=6))
def test_sentences_joined_by_a_space_come_apart_again(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [text[start:end] for start, end in split_sentences(text, "en")] == sentences


@pytest.mark.parametrize(
    ("lang", "marked"),
    [
        ("de", "Hurra! Inc. wurde von Hans Reinhold gegründet.|Er lebt."),
        ("de", "Hans Reinhold arbeitet für Hurra! Deutschland in Rostock."),
        ("de", "Wir feiern ein Fest!|Peter kommt.|Hurra!|Peter kommt auch."),
        ("en", "She works for Wow! Japan in Tokyo.|Wow! Ltd was sold."),
        ("en", "We went to Rome!|It was hot.|Stop!|Ada fell."),
        ("fr", "Elle travaille chez Bravo! Belgique depuis 1990."),
    ],
)
def test_an_exclamation_mark_inside_a_name_ends_nothing(lang: str, marked: str) -> None:
    text = marked.replace("|", " ")
    assert [text[start:end] for start, end in split_sentences(text, lang)] == marked.split("|")


WRAPPED = """Hans Reinhold wurde 1912 in
Rostock geboren. Er
zog nach

Kiel.\r\nDort lehrte
er.
- Ein Punkt
- Noch einer"""


def test_hard_wrapped_text() -> None:
    found = [WRAPPED[start:end] for start, end in split_sentences(WRAPPED, "de", unwrap=True)]
    assert found == [
        "Hans Reinhold wurde 1912 in\nRostock geboren.",
        "Er\nzog nach",
        "Kiel.",
        "Dort lehrte\ner.",
        "- Ein Punkt",
        "- Noch einer",
    ]


@settings(max_examples=50)
@given(
    st.lists(
        st.sampled_from(["Ada", "met", "Bo.", "He", "left!", "Dr.", "Who?", "3."]), min_size=1, max_size=12
    )
)
def test_where_the_lines_of_a_paragraph_end_changes_no_sentence(words: list[str]) -> None:
    flat, wrapped = " ".join(words), "\n".join(words)
    assert split_sentences(wrapped, "en", unwrap=True) == split_sentences(flat, "en")


def test_text_is_wrapped_where_most_lines_end_in_mid_sentence() -> None:
    assert is_wrapped(
        ["Hans Reinhold wurde", "in Rostock geboren und", "zog später nach", "Kiel, wo er", "lebte."]
    )
    assert not is_wrapped(["Ein Satz.", "Noch einer.", "und einer.", "Vier.", "Fünf.", "Sechs."])
    assert not is_wrapped(["Titel", "in zwei Zeilen"])
    assert not is_wrapped([])
