"""A tiny corpus of our own sentences in five languages and scripts, and a recipe that learns it by heart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.data.examples import AlignmentReport, Annotated, ExampleMaker
from mere.types import Entity, Sentence, Span, Triple

ROWS = [
    ("de", "Hans Reinhold wurde in Rostock geboren.", [("Hans Reinhold", "birth-place", "Rostock")]),
    (
        "de",
        "Erika Lohmann, eine Malerin aus Jena, malte.",
        [("Erika Lohmann", "has-occupation", "Malerin"), ("Erika Lohmann", "birth-place", "Jena")],
    ),
    ("de", "Am Abend wurde es still in Rostock.", []),
    (
        "de",
        "Ulm liegt in Weidenau, und Weidenau liegt in Nordmark.",
        [("Ulm", "is-where", "Weidenau"), ("Weidenau", "is-where", "Nordmark")],
    ),
    ("en", "Clara Whitfield was born in Dunmore.", [("Clara Whitfield", "birth-place", "Dunmore")]),
    (
        "en",
        "Owen Hart and Ida Moss wrote 👩‍👩‍👧 Tales.",
        [("Owen Hart", "wrote", "👩‍👩‍👧 Tales"), ("Ida Moss", "wrote", "👩‍👩‍👧 Tales")],
    ),
    ("en", "Nobody in Dunmore knew why.", []),
    ("ja", "山口花子は青葉市で生まれた。", [("山口花子", "birth-place", "青葉市")]),
    ("ja", "青葉市は緑県にある。", [("青葉市", "is-where", "緑県")]),
    ("ar", "وُلد سامر الحلو في بلدة الزهراء.", [("سامر الحلو", "birth-place", "الزهراء")]),
    ("ar", "لم يحدث شيء في الزهراء.", []),
    ("te", "రవి కుమార్ నందపురంలో జన్మించాడు.", [("రవి కుమార్", "birth-place", "నందపురం")]),
    ("te", "సీత రాజు మాధవపురంలో జన్మించింది.", [("సీత రాజు", "birth-place", "మాధవపురం")]),
]


def sentence(index: int, lang: str, text: str, facts: list[tuple[str, str, str]]) -> Sentence:
    """Build a sentence; a mention is found at its first occurrence."""

    def entity(mention: str) -> Entity:
        start = text.index(mention)
        return Entity(start, start + len(mention), mention)

    triples = tuple(Triple(entity(s), relation, entity(o)) for s, relation, o in facts)
    spans: dict[Span, Entity] = {e.span: e for t in triples for e in (t.subject, t.object)}
    return Sentence(f"s{index}", lang, text, tuple(spans.values()), triples)


SENTENCES = tuple(sentence(i, *row) for i, row in enumerate(ROWS))
CORPUS = Corpus({"train": SENTENCES, "dev": SENTENCES})

TYPES = {
    "birth-place": ("PER", "LOC"),
    "has-occupation": ("PER", "JOB"),
    "is-where": ("LOC", "LOC"),
    "wrote": ("PER", "WORK"),
}
ALONE = {
    "Am Abend wurde es still in Rostock.": "Rostock",
    "Nobody in Dunmore knew why.": "Dunmore",
    "لم يحدث شيء في الزهراء.": "الزهراء",
}


def typed(sentence: Sentence) -> Sentence:
    """The sentence with a type for every mention; a place that no triple has is an entity too."""
    types = {
        mention.span: type
        for triple in sentence.triples
        for mention, type in zip((triple.subject, triple.object), TYPES[triple.relation], strict=True)
    }
    entities = [dataclasses.replace(entity, type=types[entity.span]) for entity in sentence.entities]
    if place := ALONE.get(sentence.text):
        start = sentence.text.index(place)
        entities.append(Entity(start, start + len(place), place, "LOC"))
    return dataclasses.replace(sentence, entities=tuple(entities))


TYPED = tuple(typed(sentence) for sentence in SENTENCES)


def recipe(**changes: Any) -> Recipe:
    """A recipe of a few seconds; `changes` replace its top-level settings."""
    tree: dict[str, Any] = {
        "name": "tiny",
        "seed": 2,
        "threads": 1,
        "precision": "fp32",
        "encoder": {"rows": 2048, "row_dim": 16, "dim": 64, "layers": 1, "dropout": 0.0, "unit_dropout": 0.0},
        "aggregator": {"layers": 1, "heads": 4, "dropout": 0.0},
        "switcher": {"width": 8},
        "triples": {"hidden": 48, "dropout": 0.0, "negatives": 2},
        "stages": [
            {
                "name": "unified",
                "train": ["encoder", "aggregator", "heads"],
                "epochs": 70,
                "lr": 0.012,
                "evaluations": 2,
                "sampling": {"pieces_per_batch": 80, "group_size": 2, "temperature": 2.0},
            },
            {
                "name": "specific",
                "train": ["switcher"],
                "epochs": 6,
                "lr": 0.003,
                "evaluations": 1,
                "use_switcher": True,
                "sampling": {"pieces_per_batch": 80},
            },
        ],
    }
    return Recipe.from_tree({**tree, **changes})


def many(maker: ExampleMaker, sentences: Iterable[Sentence]) -> tuple[list[Annotated], AlignmentReport]:
    """The examples of all sentences that hold text, and what could not be represented."""
    report = AlignmentReport()
    made = (maker(sentence, report) for sentence in sentences)
    return [example for example in made if example is not None], report
