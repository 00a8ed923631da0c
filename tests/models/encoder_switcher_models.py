"""Model folders whose languages are far from their start, of every kind of switcher and over any encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mere.config import Recipe
from mere.data.batching import collate
from mere.data.examples import ExampleMaker
from mere.data.pieces import fit_pieces
from mere.models.backend import load_predictor
from mere.models.model import Model, build
from mere.models.tensors import TensorBatch, to_tensors
from mere.schema import UNIVERSAL, Labels
from tests import tiny
from tests.store.folders import write_model

LANGUAGES = ("ar", "de", "en", "ja", "te")
LABELS = Labels(("birth-place", "has-occupation", "is-where", "wrote"), (), LANGUAGES)
TEXTS = [sentence.text for sentence in tiny.SENTENCES]
KINDS = ("bottleneck", "adapters", "lora")
CPU = torch.device("cpu")


def recipe(encoder: dict[str, Any], kind: str, **changes: Any) -> Recipe:
    switcher = {"kind": kind, "width": 6, "rank": 3, **changes.pop("switcher", {})}
    return tiny.recipe(encoder=encoder, switcher=switcher, **changes)


def moved(model: Model, parts: tuple[str, ...]) -> Model:
    """The model with noise on some of its parts."""
    torch.manual_seed(11)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith(parts):
                parameter.add_(torch.randn(parameter.shape) * (0.2 if name.startswith("switcher") else 0.1))
    return model.eval()


def written(
    folder: Path,
    chosen: Recipe,
    *,
    parts: tuple[str, ...] = ("switcher", "aggregator", "triples"),
    **given: Any,
) -> Path:
    """A folder of a model that no one has trained, with noise on `parts`."""
    pieces = fit_pieces(chosen.encoder, tiny.SENTENCES)
    torch.manual_seed(7)
    model = build(chosen, LABELS, pieces)
    model.start()
    contents: dict[str, Any] = {
        "thresholds": {UNIVERSAL: 0.1, "de": 0.05},
        "metrics": {"dev": {"triple_f1/strict": {"de": 50.0, "en": 40.0, "macro": 45.0}}},
        "card": f"# tiny\n\n{len(LANGUAGES)} languages ({', '.join(LANGUAGES)}).\n\n| de | 50 |\n| en | 40 |\n",
    }
    return write_model(
        folder,
        moved(model, parts),
        recipe=chosen,
        labels=LABELS,
        pieces=pieces,
        **{**contents, **given},
    )


def batch_of(maker: ExampleMaker, lang: str | None) -> TensorBatch:
    examples = [maker.text(text, lang)[1] for text in TEXTS]
    return to_tensors(collate([example for example in examples if example]), CPU)


@torch.inference_mode()
def vectors(folder: Path, lang: str | None) -> Tensor:
    """What the heads read of the texts by a language's route."""
    predictor = load_predictor(folder)
    batch = batch_of(predictor.maker, lang)
    backend: Any = predictor.own.get(predictor.labels.path(lang), predictor.backend)
    return backend.model.eval()(batch)[batch.is_piece]


def close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
