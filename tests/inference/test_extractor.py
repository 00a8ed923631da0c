"""From text to documents: offsets hold, and neither windows, batches nor order change the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mere
from mere.errors import DataError, ModelError
from mere.inference.extractor import Extractor
from mere.types import Document

Make = Callable[..., Any]
ours = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)

FRAGMENTS = st.sampled_from(
    [
        "Ada Byron", "Bo", "met", "saw", "im", "Straße", "👩‍👩‍👧 Eva", "🏳️‍🌈",
        "Zoe\u0301", "Łódź", "שלום Dana", "ولدت Sara في",
        ". ", "! ", "\r\n", "\n", "\x00", "\x1b[0m", "\ufeff", "\u200f", "花子は",
        "。", "Dr. ", "\t", "3.5 ", ", ",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.lists(FRAGMENTS, max_size=40).map(" ".join),
)


def says(document: Document) -> tuple[Any, ...]:
    return document.entities, document.triples, document.lang


@ours
@given(TEXTS, st.sampled_from([None, "de", "en", "xx"]), st.integers(4, 20))
def test_offsets_point_at_the_mentions(
    make_predictor: Make, text: str, lang: str | None, max_pieces: int
) -> None:
    document = Extractor(make_predictor(max_pieces))(text, lang)
    assert document.text == text
    for entity in document.entities:
        assert document.text[entity.start : entity.end] == entity.text
    for triple in document.triples:
        assert triple.subject in document.entities
        assert triple.object in document.entities
    assert list(document.entities) == sorted(document.entities, key=lambda entity: entity.span)


@ours
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(["Ada", "Bo", "Cy", "Dee"]), min_size=1, max_size=3),
            st.lists(st.sampled_from(["met", "saw", "im", ","]), min_size=1, max_size=5),
        ),
        max_size=60,
    ),
    st.integers(40, 64),
)
def test_windowed_is_unwindowed(
    make_predictor: Make, parts: list[tuple[list[str], list[str]]], max_pieces: int
) -> None:
    # A fact spans at most 3 + 2 + 3 units, and windows of 40 share 10: one window holds it whole.
    text = " ".join(" ".join([*names, *others]) for names, others in parts)
    windowed = Extractor(make_predictor(max_pieces))(text, "en")
    whole = Extractor(make_predictor(10**6))(text, "en")
    assert says(windowed) == says(whole)


def test_windows_are_noted(make_predictor: Make) -> None:
    document = Extractor(make_predictor(10))("Ada met " * 10, "en")
    assert document.notes == ("sentence 1: 20 units, read in 3 windows",)


@ours
@given(st.lists(TEXTS, max_size=8), st.integers(1, 7), st.randoms(use_true_random=False))
def test_order_and_batches_change_nothing(
    make_predictor: Make, texts: list[str], batch_size: int, random: Any
) -> None:
    one_by_one = [Extractor(make_predictor(12))(text) for text in texts]
    together = Extractor(make_predictor(12), batch_size=batch_size)
    assert list(together.extract(texts)) == one_by_one
    order = list(range(len(texts)))
    random.shuffle(order)
    assert list(together.extract([texts[i] for i in order])) == [one_by_one[i] for i in order]


def test_a_document_says_what_its_sentences_say(make_predictor: Make) -> None:
    extractor = Extractor(make_predictor())
    sentences = ["Ada met Bo.", "Then Cy saw Dee!", "Nothing here."]
    text = "\r\n".join(sentences)
    document = extractor(text, "en")
    alone = [extractor(sentence, "en") for sentence in sentences]
    assert [text[start:end] for start, end in document.sentences] == sentences
    assert [(t.subject.text, t.object.text) for t in document.triples] == [
        (t.subject.text, t.object.text) for one in alone for t in one.triples
    ]


def test_batches_hold_sentences_of_like_length_from_all_texts(make_predictor: Make) -> None:
    predictor = make_predictor()
    list(Extractor(predictor).extract(["Ada met Bo at the lake. Hi.", "Cy."], "en"))
    assert predictor.calls == [(["Hi.", "Cy.", "Ada met Bo at the lake."], ["en", "en", "en"])]


def test_extraction_is_a_stream(make_predictor: Make) -> None:
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield "Ada met Bo."

    documents = Extractor(make_predictor(), batch_size=2).extract(texts(), "en")
    next(documents)
    assert read <= 32
    assert sum(1 for _ in documents) == 999


@pytest.mark.parametrize("text", ["", " ", "\r\n\t\u3000"])
def test_nothing_in_nothing_out(make_predictor: Make, text: str) -> None:
    predictor = make_predictor()
    assert Extractor(predictor)(text) == Document(text, None)
    assert predictor.calls == []


def test_one_sentence_of_a_hundred_thousand_characters(make_predictor: Make) -> None:
    text = "Ada met Bo at the lake and " * 4_000
    document = Extractor(make_predictor(256))(text, "en")
    assert len(document.sentences) == 1
    assert len(document.entities) == 2 * 4_000
    assert all(text[e.start : e.end] == e.text for e in document.entities)


@pytest.mark.parametrize(
    ("text", "given_lang", "lang", "note"),
    [
        ("Die Brücke über den Fluss wurde im Herbst gebaut.", None, "de", None),
        ("Die Brücke.", "de", "de", None),
        ("Die Brücke über den Fluss.", "de-AT", "de", None),
        ("Die Brücke über den Fluss.", "en", "en", None),
        ("OK 12", None, None, "language not sure: universal path"),
        ("The bridge.", "xx", None, 'the model does not know language "xx": universal path'),
    ],
)
def test_the_language_that_was_used_is_said(
    make_predictor: Make, text: str, given_lang: str | None, lang: str | None, note: str | None
) -> None:
    predictor = make_predictor()
    document = Extractor(predictor)(text, given_lang)
    assert document.lang == lang
    assert document.notes == ((note,) if note else ())
    assert set(predictor.calls[0][1]) == {lang}


def test_a_sure_language_that_the_model_lacks_takes_the_universal_path(make_predictor: Make) -> None:
    document = Extractor(make_predictor())("Мост через реку построили осенью.")
    assert document.lang is None
    assert document.notes[0].startswith('language is "ru" (')
    assert document.notes[0].endswith("unknown to the model: universal path")


DE, EN = "Die Brücke über den Fluss wurde im Herbst gebaut.", "The bridge over the river was built in autumn."
RU = "Мост через реку построили осенью."


def test_a_text_in_two_languages_takes_two_paths(make_predictor: Make) -> None:
    predictor = make_predictor()
    document = Extractor(predictor)(f"{DE} {DE}\n{EN}")
    assert (document.lang, document.langs, document.notes) == ("de", ("de", "de", "en"), ())
    assert dict(zip(*predictor.calls[0], strict=True)) == {DE: "de", EN: "en"}
    assert document.to_json()["sentences"][2] == {"start": 100, "end": 146, "lang": "en"}
    assert "sentences" not in Extractor(predictor)(f"{DE} {DE}").to_json()
    stated = Extractor(predictor)(f"{DE}\n{EN}", "de")
    assert stated.langs == ("de", "de"), "a language that is stated is that of the whole text"


def test_sentences_in_a_language_that_the_model_lacks_are_told(make_predictor: Make) -> None:
    document = Extractor(make_predictor())(f"{DE}\n{RU}\n{DE}")
    assert document.langs == ("de", None, "de")
    assert document.notes == ('sentence 2: language is "ru", unknown to the model: universal path',)


@pytest.mark.parametrize("lang", ["", " ", "und", "UND"])
def test_what_states_no_language_is_identified(make_predictor: Make, lang: str) -> None:
    assert Extractor(make_predictor())(DE, lang).lang == "de"


def test_only_the_languages_that_can_occur(make_predictor: Make) -> None:
    assert Extractor(make_predictor())("Anna nasceu em Lima.").lang is None
    assert Extractor(make_predictor(), languages=["de", "en"])("Anna nasceu em Lima.").lang == "de"
    with pytest.raises(DataError, match='language "bam" cannot be told from a text'):
        Extractor(make_predictor(), languages=["bam", "de"])


def test_one_language_per_text(make_predictor: Make) -> None:
    documents = list(Extractor(make_predictor()).extract(["Ada.", "Bo."], ["de", "en"]))
    assert [document.lang for document in documents] == ["de", "en"]
    with pytest.raises(DataError, match=r"text 2 has no language: lang= ended after 1\."):
        list(Extractor(make_predictor()).extract(["Ada.", "Bo."], ["de"]))


def test_lone_surrogates_are_refused_after_what_came_before(make_predictor: Make) -> None:
    documents = Extractor(make_predictor()).extract(["Ada.", "x\ud83d"], "en")
    assert next(documents).entities[0].text == "Ada"
    with pytest.raises(DataError, match=r"text 2: lone surrogate U\+D83D at character 1; .*Decode"):
        next(documents)


@pytest.mark.parametrize("text", [b"Ada", None, 7])
def test_what_is_no_string_is_refused(make_predictor: Make, text: Any) -> None:
    with pytest.raises(DataError, match="text 1: expected a string, got"):
        Extractor(make_predictor())(text)


def test_one_string_is_not_many_texts(make_predictor: Make) -> None:
    with pytest.raises(DataError, match=r"Call: extractor\(text\)"):
        Extractor(make_predictor()).extract("Ada")


def test_loading_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder; expected a model's folder"):
        mere.load(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"not a model's folder, it lacks config\.json, labels\.json"):
        mere.load(tmp_path)
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelError, match=r"Did you mean .*model"):
        mere.load(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ModelError, match="is a file"):
        mere.load(tmp_path / "file")
