"""What the tests of entity scores share: sentences made of tokens and tags, and random ones."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from mere.data.formats.schemes import Scheme, TokenSpan, to_spans, to_tags
from mere.data.formats.tokens import joined
from mere.types import Entity, Prediction, Sentence

TYPES = ("LOC", "ORG", "PER")
TOKENS = ("Ada", "graz", "東京", "に", "ที่", "'s", "1", ".", "Νίκος", "大", "👩‍🚀")
ENTITIES_ONLY: frozenset[str] = frozenset()
Corpus = list[tuple[Sentence, Prediction]]


def entities_of(
    tokens: Sequence[str], tags: Sequence[str], scheme: Scheme = Scheme.IOB2
) -> tuple[Entity, ...]:
    """The entities of tags, in the characters of the text that the tokens make."""
    text, offsets = joined(tokens)
    found = []
    for start_token, end_token, type_ in to_spans(tags, scheme)[0]:
        start, end = offsets[start_token].start, offsets[end_token - 1].end
        found.append(Entity(start, end, text[start:end], type_))
    return tuple(found)


def sentence_of(
    tokens: Sequence[str],
    tags: Sequence[str],
    *,
    lang: str = "xx",
    id: str = "1",
    scheme: Scheme = Scheme.IOB2,
    types_covered: frozenset[str] | None = None,
) -> Sentence:
    """A sentence of entities only, as a CoNLL file gives it."""
    return Sentence(
        id=id,
        lang=lang,
        text=joined(tokens)[0],
        entities=entities_of(tokens, tags, scheme),
        relations_covered=ENTITIES_ONLY,
        types_covered=types_covered,
    )


def entity(text: str, mention: str, type: str | None, *, at: int = 0) -> Entity:
    """The first mention of some words in a text, from `at` on."""
    start = text.index(mention, at)
    return Entity(start, start + len(mention), mention, type)


def noted(text: str, *entities: Entity, id: str = "1", lang: str = "xx") -> Sentence:
    return Sentence(id, lang, text, entities=entities, relations_covered=ENTITIES_ONLY)


def found(*entities: Entity) -> Prediction:
    return Prediction(entities=entities)


any_tags = st.sampled_from(["O", "O", *(f"{letter}-{type}" for letter in "BI" for type in TYPES)])


@st.composite
def well_formed(draw: st.DrawFn, length: int) -> list[str]:
    """IOB2 tags that stand, whose entities often touch."""
    spans, at = [], 0
    while at < length:
        size = draw(st.integers(1, 3))
        type_ = draw(st.sampled_from([*TYPES, None]))
        if type_ is not None:
            spans.append(TokenSpan(at, min(at + size, length), type_))
        at += size
    return to_tags(spans, length)


Tagged = tuple[list[str], list[str], list[str]]  # tokens, gold tags, predicted tags


@st.composite
def tagged(draw: st.DrawFn, *, well: bool = False) -> Tagged:
    """A sentence with gold and predicted tags that agree in about half of their entities."""
    length = draw(st.integers(1, 7))
    tokens = draw(st.lists(st.sampled_from(TOKENS), min_size=length, max_size=length))
    tags = well_formed(length) if well else st.lists(any_tags, min_size=length, max_size=length)
    gold = draw(tags)
    return tokens, gold, draw(st.one_of(st.just(gold), tags))


@st.composite
def entity_corpora(draw: st.DrawFn) -> Corpus:
    """Sentences of entities only in several languages, with predictions; ids differ."""
    corpus = []
    for number, (tokens, gold, predicted) in enumerate(draw(st.lists(tagged(), max_size=6))):
        lang = draw(st.sampled_from(["ja", "pl", "te"]))
        sentence = sentence_of(tokens, gold, lang=lang, id=str(number))
        corpus.append((sentence, found(*entities_of(tokens, predicted))))
    return corpus


def apart(corpus: Corpus) -> tuple[list[Sentence], list[Prediction]]:
    return [sentence for sentence, _ in corpus], [prediction for _, prediction in corpus]
