"""Texts in seven languages and scripts, and models far from their start: what the model tests share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mere.config import Recipe
from mere.data.batching import collate
from mere.data.examples import Annotated, Encoded, ExampleMaker
from mere.data.features import Features
from mere.data.pieces import HashedUnits
from mere.data.targets import Targets, triple_targets
from mere.data.units import Units
from mere.models.model import Model, build
from mere.models.tensors import targets_to_tensors, to_tensors
from mere.models.triples import TripleScores, TripleTask
from mere.schema import Labels
from tests import tiny

CPU = torch.device("cpu")

TEXTS = {
    "ar": ["وُلد سامر الحلو في بلدة الزهراء.", "لم يحدث شيء.", "القاهرة 2024 — Cairo!"],
    "de": [
        "Hans Reinhold wurde in Rostock geboren.",
        "Ja.",
        "Ulm liegt in Weidenau, und Weidenau in Nordmark.",
    ],
    "en": ["Clara Whitfield was born in Dunmore.", "👩‍👩‍👧 Tales, by Owen Hart", "No."],
    "ja": ["山口花子は青葉市で生まれた。", "スーパー", "青葉市は緑県にある。"],
    "ru": ["Анна Белова родом из города Тверь.", "Нет!", "Иван Лесной написал книгу."],
    "te": ["రవి కుమార్ నందపురంలో జన్మించాడు.", "సీత", "సీత రాజు మాధవపురంలో జన్మించింది."],
    "zh": ["李明出生在河岸市。", "没有。", "王小云写了《春雨》。"],
}
LABELS = Labels(("birth-place", "has-occupation", "is-where", "wrote"), (), tuple(TEXTS))
PIECES = HashedUnits(Units(frozenset({"లో"})), Features(2048))
MAKER = ExampleMaker(PIECES, LABELS)
ALL = [(text, lang) for lang, texts in TEXTS.items() for text in texts]
SENTENCES = [sentence for sentence in tiny.SENTENCES if sentence.lang in TEXTS]


def settings(context: str = "bilstm", **changes: object) -> Recipe:
    """The tiny recipe with four candidates, and with `changes` of its top-level settings."""
    base = tiny.recipe()
    given = {
        "encoder": base.encoder.model_dump() | {"context": context},
        "triples": base.triples.model_dump() | {"candidates": 4},
    }
    return tiny.recipe(**{**given, **changes})


KINDS = {
    "bilstm": settings("bilstm"),
    "transformer": settings("transformer"),
    "adapters": settings("transformer", switcher={"kind": "adapters", "width": 8, "rank": 2}),
    "lora": settings("transformer", switcher={"kind": "lora", "width": 8, "rank": 2}),
}
"""Both contexts, every kind of switcher."""


def recipe_of(model: Model) -> Recipe:
    """Return which of KINDS a model is."""
    names = model.state_dict().keys()
    return next(recipe for recipe in KINDS.values() if build(recipe, LABELS).state_dict().keys() == names)


def randomised(recipe: Recipe, labels: Labels = LABELS) -> Model:
    """A model far from its start, where aggregator and switchers are the identity."""
    torch.manual_seed(5)
    model = build(recipe, labels)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(torch.randn(parameter.shape) * (0.3 if name.startswith("switcher") else 0.1))
    return model.eval()


def example(text: str, lang: str | None, maker: ExampleMaker = MAKER) -> Encoded:
    made = maker.text(text, lang)[1]
    assert made is not None
    return made


def triples_of(model: Model) -> TripleTask:
    assert model.triples is not None
    return model.triples


def run(model: Model, examples: Sequence[Encoded]) -> TripleScores:
    with torch.no_grad():
        batch = to_tensors(collate(examples), CPU)
        return triples_of(model)(model(batch), batch)


def numbers(said: TripleScores) -> tuple[Tensor, Tensor, Tensor]:
    """What a model makes of a batch before anything is decoded."""
    return said.pieces, said.relations, said.read


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def losses(model: Model, examples: list[Annotated], group: int = 1) -> dict[str, Tensor]:
    """The losses of the triples task, two negatives per sentence."""
    wanted = triple_targets(examples, np.random.default_rng(0), negatives=2, incomplete_negative=0.5)
    batch = to_tensors(collate(examples, group), CPU)
    return model.losses(batch, targets_to_tensors(Targets(triples=wanted), CPU))
