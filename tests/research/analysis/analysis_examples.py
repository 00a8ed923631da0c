"""Small models far from their start, and sentences of every kind they may meet: what the tests of analysis share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.data.coverage import join_corpora
from mere.data.examples import Annotated, ExampleMaker
from mere.data.pieces import fit_pieces
from mere.data.targets import Targets, entity_targets, triple_targets
from mere.data.windows import span_targets
from mere.models.model import Model, build
from mere.research.analysis.analysed_run import Network
from mere.types import Sentence
from tests import tiny

COMPACT = {"rows": 512, "row_dim": 8, "dim": 32, "layers": 2}
ENCODERS: dict[str, dict[str, Any]] = {
    "bilstm": COMPACT | {"context": "bilstm"},
    "transformer": COMPACT | {"context": "transformer"},
    "words": {"name": "byte-words", "byte_dim": 8, "word_dim": 16, "word_layers": 2, "dim": 32},
    "stream": {"name": "byte-stream", "byte_dim": 8, "dim": 32, "layers": 2},
}


def typed(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Give mentions types; one source of two annotates one type only, so that losses are marginal there."""
    made = []
    for place, sentence in enumerate(sentences):
        entities = tuple(
            dataclasses.replace(e, type="PER" if " " in e.text else "LOC") for e in sentence.entities
        )
        if place % 3 == 0:
            entities = tuple(e for e in entities if e.type == "PER")
        made.append(
            dataclasses.replace(sentence, entities=entities, source="one" if place % 3 == 0 else "two")
        )
    return join_corpora([Corpus({"train": tuple(made)})], {}).sentences("train")


SENTENCES = typed(tiny.SENTENCES)


def recipe(name: str, **changes: Any) -> Recipe:
    """Both tasks over one of `ENCODERS`."""
    given: dict[str, Any] = {
        "encoder": ENCODERS[name],
        "task": ["entities", "triples"],
        "entities": {"hidden": 8, "decoder": "types" if name == "stream" else "crf"},
    }
    return tiny.recipe(**given | changes)


def model_of(settings: Recipe) -> tuple[Model, ExampleMaker]:
    """A model of the sentences in double precision, with random weights everywhere, in eval mode."""
    from mere.training.run_data import labels_of

    labels = labels_of(settings, SENTENCES)
    torch.manual_seed(7)
    pieces = fit_pieces(settings.encoder, SENTENCES)
    model = build(settings, labels, pieces).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model, ExampleMaker(pieces, labels)


def examples(maker: ExampleMaker, *langs: str) -> list[Annotated]:
    made = [maker(sentence) for sentence in SENTENCES if sentence.lang in langs]
    return [example for example in made if example is not None]


def windows(chosen: Sequence[Annotated], rng: np.random.Generator) -> Targets:
    """What the decoder of spans learns from, in windows of eight pieces."""
    return Targets(entities=span_targets(chosen, rng, window=8))


def targets(chosen: Sequence[Annotated], rng: np.random.Generator) -> Targets:
    return Targets(
        triples=triple_targets(chosen, rng, negatives=2, incomplete_negative=0.5),
        entities=entity_targets(chosen),
    )


def network(model: Model, *, use_switcher: bool = False) -> Network:
    return Network("unified", model, use_aggregator=True, use_switcher=use_switcher)


class Double(TorchFunctionMode):
    """Runs what the model asks to be single in double precision, so that every number can be compared closely."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return args[0].double() if func is Tensor.float else func(*args, **kwargs or {})


def near(found: Tensor, wanted: Tensor, relative: float = 1e-5) -> None:
    """Compare number by number; what is 0 but for rounding, by the largest, and no smaller than 1e-25."""
    torch.testing.assert_close(
        found, wanted, rtol=relative, atol=max(1e-25, 1e-9 * float(wanted.abs().max()))
    )
