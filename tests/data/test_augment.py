"""Mentions swapped: the text around them stays, offsets move along, roles and scripts hold. And styles of writing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.data.augment import STYLES, MentionSwap, hide_mentions, restyle
from mere.data.examples import ExampleMaker
from mere.data.features import SLOTS, Features
from mere.data.pieces import HashedUnits
from mere.data.units import Units, script_of
from mere.types import Entity, Sentence, Span, Triple
from tests import tiny
from tests.data.data_strategies import sentences

CYRILLIC = [("Анна Белова", "Тверь"), ("Иван Лесной", "Псков"), ("Ольга Гай", "Углич")]
NAMES = ["Ada", "Bo Lind", "Cem Ay", "Dora Vale", "Eva", "Finn Roth", "Gil"]
TOWNS = ["Jena", "Bad Ems", "Ulm", "Dunmore", "Graz", "Linz", "Wels"]


def born(index: int, lang: str, text: str, name: str, town: str) -> Sentence:
    sentence = tiny.sentence(index, lang, text, [(name, "birth-place", town)])
    entities = tuple(replace(entity, type="X") for entity in sentence.entities)
    return replace(sentence, entities=entities, source="own", extra={"page": [index]})


CORPUS = [
    *(
        born(i, "de", f"{n} wurde in {t} geboren.", n, t)
        for i, (n, t) in enumerate(zip(NAMES, TOWNS, strict=True))
    ),
    *(born(i, "ru", f"{n} — родом из города {t}!", n, t) for i, (n, t) in enumerate(CYRILLIC, start=20)),
    *tiny.SENTENCES,
]
SWAP = MentionSwap(CORPUS)
seeds = st.integers(0, 2**32 - 1)


def swapped(sentence: Sentence, seed: int, share: float = 1.0) -> Sentence:
    return SWAP(sentence, np.random.default_rng(seed), share)


def roles_in(sentence: Sentence) -> dict[Span, set[tuple[str, int]]]:
    roles: dict[Span, set[tuple[str, int]]] = {}
    for triple in sentence.triples:
        roles.setdefault(triple.subject.span, set()).add((triple.relation, 0))
        roles.setdefault(triple.object.span, set()).add((triple.relation, 1))
    return roles


PLAYED: dict[str, list[set[tuple[str, int]]]] = {}
for one in CORPUS:
    for where, played in roles_in(one).items():
        PLAYED.setdefault(one.text[slice(*where)], []).append(played)


def between(sentence: Sentence) -> list[str]:
    """The text before, between and after the mentions."""
    spans = sorted(entity.span for entity in sentence.entities)
    starts, ends = [0, *(span.end for span in spans)], [*(span.start for span in spans), len(sentence.text)]
    return [sentence.text[start:end] for start, end in zip(starts, ends, strict=True)]


@settings(deadline=None)
@given(st.sampled_from(CORPUS), seeds)
def test_offsets_move_along_and_the_rest_stays(sentence: Sentence, seed: int) -> None:
    new = swapped(sentence, seed)
    for entity in [*new.entities, *(e for t in new.triples for e in (t.subject, t.object))]:
        assert new.text[entity.start : entity.end] == entity.text
    assert between(new) == between(sentence)
    unmoved = ("id", "lang", "source", "extra", "complete", "relations_covered", "types_covered")
    assert all(getattr(new, name) == getattr(sentence, name) for name in unmoved)
    assert [entity.type for entity in new.entities] == [entity.type for entity in sentence.entities]
    place = {old.span: now.span for old, now in zip(sentence.entities, new.entities, strict=True)}
    assert [triple.key for triple in new.triples] == [
        (place[t.subject.span], t.relation, place[t.object.span]) for t in sentence.triples
    ]


@settings(deadline=None)
@given(st.sampled_from(CORPUS), seeds)
def test_a_mention_makes_way_for_one_of_its_roles_in_its_script(sentence: Sentence, seed: int) -> None:
    new = swapped(sentence, seed)
    for span, roles in roles_in(new).items():
        mention = new.text[slice(*span)]
        assert any(roles & played for played in PLAYED[mention])
    for old, now in zip(sentence.entities, new.entities, strict=True):
        assert script_of(now.text) == script_of(old.text)


def test_a_mention_of_two_roles_makes_way_for_one_that_plays_both_if_there_are_five() -> None:
    def painter(index: int, name: str) -> Sentence:
        facts = [(name, "has-occupation", "Maler"), (name, "birth-place", "Jena")]
        return tiny.sentence(index, "de", f"{name}, Maler aus Jena", facts)

    painters = [painter(i, name) for i, name in enumerate(["Abel", "Bert", "Carl", "Dirk", "Emil"])]

    def drawn(swap: MentionSwap) -> set[str]:
        news = [swap(painters[0], np.random.default_rng(seed), 1.0) for seed in range(60)]
        return {new.triples[0].subject.text for new in news}

    assert drawn(MentionSwap([*CORPUS[:10], *painters])) == {"Abel", "Bert", "Carl", "Dirk", "Emil"}
    assert drawn(MentionSwap([*CORPUS[:10], *painters[:2]])) > {"Abel", "Bert", "Ada"}


def test_swaps_happen_as_often_as_asked() -> None:
    def changed(share: float) -> int:
        news = [swapped(CORPUS[i % 7], i, share) for i in range(400)]
        return sum(new.entities[0].text != CORPUS[i % 7].entities[0].text for i, new in enumerate(news))

    assert changed(0.0) == 0
    assert changed(1.0) > 320  # now and then a name is drawn again
    assert 0.4 < changed(0.5) / changed(1.0) < 0.6


@settings(deadline=None)
@given(st.sampled_from(CORPUS), seeds)
def test_the_same_draw_gives_the_same_sentence(sentence: Sentence, seed: int) -> None:
    assert swapped(sentence, seed) == swapped(sentence, seed)
    again = MentionSwap(reversed(CORPUS))(sentence, np.random.default_rng(seed), 1.0)
    assert again == swapped(sentence, seed), "whatever the order of the corpus"


def test_nothing_to_swap_leaves_the_sentence() -> None:
    for sentence in CORPUS:
        assert swapped(sentence, 1, share=0.0) == sentence
        if not sentence.triples:
            assert swapped(sentence, 1) == sentence


def entity(text: str, mention: str) -> Entity:
    return Entity(text.index(mention), text.index(mention) + len(mention), mention)


def test_mentions_that_overlap_and_those_without_a_role_stay() -> None:
    text = "Ada aus dem Bad Ems Kreis traf Eva in Ulm."
    ada, town, district, eva, ulm = (entity(text, m) for m in ("Ada", "Bad Ems", "Ems Kreis", "Eva", "Ulm"))
    triples = (
        Triple(ada, "birth-place", town),
        Triple(eva, "birth-place", district),
        Triple(eva, "birth-place", ulm),
    )
    sentence = Sentence("1", "de", text, (ada, town, district, eva, ulm), triples)
    for seed in range(20):
        new = swapped(sentence, seed)
        assert [new.entities[i].text for i in (1, 2)] == ["Bad Ems", "Ems Kreis"]
        assert all(new.text[e.start : e.end] == e.text for e in new.entities)
    free = replace(sentence, triples=triples[:1], entities=(ada, town, eva, ulm))
    assert {swapped(free, seed).entities[2].text for seed in range(20)} == {"Eva"}


def test_a_mention_with_two_mentions_inside_it_stays() -> None:
    text = "Das Amt der Stadt Jena bei Ulm zog um."
    office, jena, ulm = (entity(text, m) for m in ("Amt der Stadt Jena bei Ulm", "Jena", "Ulm"))
    triples = (Triple(office, "is-where", jena), Triple(office, "birth-place", ulm))
    sentence = Sentence("1", "de", text, (office, jena, ulm), triples)
    for seed in range(20):
        assert swapped(sentence, seed) == sentence


def test_a_hidden_mention_keeps_its_shape_and_loses_its_name() -> None:
    pieces = HashedUnits(Units(), Features(4096))
    maker = ExampleMaker(pieces, tiny.CORPUS.labels())
    example = maker(tiny.SENTENCES[0])
    assert example is not None
    before = example.pieces.copy()
    hidden = hide_mentions(example, pieces, np.random.default_rng(0), 1.0)
    (first, last), *_ = example.mentions
    assert (hidden.pieces[first:last, SLOTS.form] == 0).all()
    assert (hidden.pieces[first:last, SLOTS.ngrams] == 0).all()
    assert (hidden.pieces[first:last, SLOTS.shapes] == before[first:last, SLOTS.shapes]).all()
    outside = np.ones(len(before), dtype=bool)
    for start, end in example.mentions:
        outside[start:end] = False
    assert (hidden.pieces[outside] == before[outside]).all()
    assert (example.pieces == before).all()  # the example that all epochs share is not written into
    assert hide_mentions(example, pieces, np.random.default_rng(0), 0.0) is example


def tagged(index: int, name: str, town: str, **more: object) -> Sentence:
    text = f"{name} wurde in {town} geboren."
    entities = (replace(entity(text, name), type="PER"), replace(entity(text, town), type="LOC"))
    return Sentence(f"t{index}", "de", text, entities, **more)  # type: ignore[arg-type]


def test_where_only_entities_are_annotated_a_mention_makes_way_for_one_of_its_type() -> None:
    """In a corpus of entities only, and of the types that are learnt: PER is, LOC is not."""
    of_entities = [
        tagged(i, n, t, relations_covered=frozenset())
        for i, (n, t) in enumerate(zip(NAMES, TOWNS, strict=True))
    ]
    swap = MentionSwap(of_entities, types=("PER",))
    news = [swap(of_entities[0], np.random.default_rng(seed), 1.0) for seed in range(80)]
    assert {new.entities[0].text for new in news} == set(NAMES)
    assert {new.entities[1].text for new in news} == {TOWNS[0]}
    assert all(new.text[e.start : e.end] == e.text for new in news for e in new.entities)
    assert all([e.type for e in new.entities] == ["PER", "LOC"] for new in news)
    for other in (MentionSwap(of_entities), MentionSwap([tagged(0, "Ada", "Jena")], types=("PER",))):
        assert other(tagged(0, "Ada", "Jena"), np.random.default_rng(0), 1.0) == tagged(0, "Ada", "Jena")


@given(sentences(), st.sampled_from(sorted(STYLES)))
def test_a_style_moves_mentions_along(sentence: Sentence, style: str) -> None:
    written = restyle(sentence, style)
    assert len(written.triples) == len(sentence.triples)
    for old, new in zip(sentence.entities, written.entities, strict=True):
        assert new.text == written.text[new.start : new.end]
        before = sentence.text[: old.start]
        alone = Entity(0, len(old.text), old.text, old.type)
        text = before[-1:] + old.text
        in_context = restyle(replace(sentence, text=text, entities=(alone,), triples=()), style)
        assert in_context.text.endswith(new.text)


@given(st.text(max_size=60))
def test_styles_write_as_python_does(text: str) -> None:
    plain = Sentence(id="1", lang="de", text=text, entities=(), triples=())
    assert restyle(plain, "upper case").text == text.upper()
    assert restyle(plain, "lower case").text == "".join(char.lower() for char in text)


def test_styles_by_hand() -> None:
    sentence = tiny.sentence(
        0, "de", "Der große Zoë traf Łukasz in São Paulo", [("Zoë", "knows", "São Paulo")]
    )
    texts = {style: restyle(sentence, style) for style in STYLES}
    assert texts["upper case"].text == "DER GROSSE ZOË TRAF ŁUKASZ IN SÃO PAULO"
    assert texts["upper case"].triples[0].object.text == "SÃO PAULO"
    assert texts["headline"].text == "Der Große Zoë Traf Łukasz In São Paulo"
    assert texts["without diacritics"].text == "Der große Zoe traf Lukasz in Sao Paulo"
    assert texts["without diacritics"].triples[0].subject.text == "Zoe"
    tokenised = tiny.sentence(0, "de", "Er ( Zoë ) kam , sah : São Paulo !", [("Zoë", "knows", "São Paulo")])
    printed = restyle(tokenised, "detokenised")
    assert printed.text == "Er (Zoë) kam, sah: São Paulo!"
    assert printed.triples[0].object.text == "São Paulo"
    for untouched in ("Йошкар-Ола", "ひらがなが", "कमल", "ต้น"):
        assert restyle(tiny.sentence(0, "ru", untouched, []), "without diacritics").text == untouched
    assert restyle(tiny.sentence(0, "yo", "Ọ̀ṣun", []), "without diacritics").text == "Osun"
