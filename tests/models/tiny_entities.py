"""A tiny corpus of typed mentions, our own sentences in four scripts, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from mere.data.examples import Annotated, ExampleMaker
from mere.data.formats import jsonl
from mere.data.pieces.bytes import TextBytes
from mere.data.units import Units
from mere.decoding.crf import TypedSpan
from mere.decoding.entities import entities
from mere.models.entities import EntityDecoder
from mere.models.tensors import TensorBatch
from mere.schema import Labels
from mere.types import Entity, Sentence


def spans_of(task: EntityDecoder[Any], pieces: Tensor, batch: TensorBatch) -> list[list[TypedSpan]]:
    """The entities of each row."""
    said = task.scores(pieces, batch)
    return entities(said, batch.is_piece.sum(1).numpy(), batch.begins_word.numpy())


ROWS = {
    "de": [
        ("Gestern traf Frau Müller-Özil in Köln Herrn Weiß.", ["Müller-Özil:PER", "Köln:LOC", "Weiß:PER"]),
        ("Es regnete den ganzen Tag.", []),
        ("Die Nordbank AG aus Jena wächst.", ["Nordbank AG:ORG", "Jena:LOC"]),
        (
            "Nach langen Jahren in der Fremde kam Anna-Lena Freifrau von und zu Hohenstein-Birkenfeld-Ebersbach "
            "endlich wieder heim nach Jena.",
            ["Anna-Lena Freifrau von und zu Hohenstein-Birkenfeld-Ebersbach:PER", "Jena:LOC"],
        ),
    ],
    "en": [
        ("Ida Moss left Dunmore.", ["Ida Moss:PER", "Dunmore:LOC"]),
        ("Nobody knew why.", []),
        ("The 🙂 Company hired Owen Hart.", ["🙂 Company:ORG", "Owen Hart:PER"]),
    ],
    "ja": [
        ("東京と北京。", ["東京:LOC", "北京:LOC"]),
        ("山口花子は東京にいる。", ["山口花子:PER", "東京:LOC"]),
    ],
    "ru": [("Анна живёт в Ростове.", ["Анна:PER", "Ростове:LOC"]), ("Снег идёт.", [])],
}


def write_corpus(folder: Path) -> Path:
    """Write the corpus, the same sentences to train on and to score."""
    for lang, rows in ROWS.items():
        sentences = [sentence(f"{lang}{i}", lang, *row) for i, row in enumerate(rows)]
        for split in ("train", "dev"):
            jsonl.write(sentences, folder / f"{lang}.{split}.jsonl")
    return folder


def sentence(name: str, lang: str, text: str, typed: list[str]) -> Sentence:
    """Build a sentence; `mention:TYPE` is found at its first occurrence."""
    pairs = [mention.rsplit(":", 1) for mention in typed]
    entities = tuple(
        Entity(text.index(mention), text.index(mention) + len(mention), mention, type_)
        for mention, type_ in pairs
    )
    return Sentence(name, lang, text, entities, types_covered=frozenset({"PER", "LOC", "ORG"}))


LABELS = Labels((), ("LOC", "ORG", "PER"), ("de", "en", "ja", "ru"))
LOC, ORG, PER = range(3)
MAKER = ExampleMaker(TextBytes(Units()), LABELS)


def example(text: str, typed: list[str]) -> Annotated:
    made = MAKER(sentence("s", "en", text, typed))
    assert made is not None
    return made
