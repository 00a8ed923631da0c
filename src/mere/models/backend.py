"""A model as prediction asks for it: the backend of torch (mere.inference.backend)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mere.data.batching import Batch
from mere.data.examples import ExampleMaker
from mere.decoding.crf import Chain
from mere.decoding.entities import EntityScores
from mere.errors import UserError
from mere.inference.backend import Float32, Int64
from mere.inference.predictor import Predictor
from mere.models.delta import specialised
from mere.models.model import Model
from mere.models.tensors import TensorBatch, to_tensors
from mere.models.triples import TripleScores
from mere.models.weights import load_model, own_weights
from mere.store.folder import ModelFolder


@dataclass(frozen=True)
class State:
    """A batch as the heads read it, and what the triple heads say of it."""

    batch: TensorBatch
    pieces: Float[Tensor, "B P D"]
    triples: TripleScores | None


class TorchBackend:
    """Reads batches with a model, in eval mode, on the device where it is.

    Args:
        precision: "bf16" runs the network under bf16 autocast; what comes out is fp32.
    """

    def __init__(self, model: Model, *, precision: str = "fp32"):
        self.model = model
        self.precision = precision

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def chain(self) -> Chain:
        assert self.model.triples is not None
        return self.model.triples.crf.chain()

    @torch.inference_mode()
    def encode(self, batch: Batch) -> State:
        self.model.eval()
        read = to_tensors(batch, self.device)
        with self._autocast():
            pieces = self.model(read)
            triples = None if self.model.triples is None else self.model.triples(pieces, read)
        return State(read, pieces, triples)

    @torch.inference_mode()
    def entities(self, state: State) -> EntityScores | None:
        if self.model.entities is None:
            return None
        with self._autocast():
            return self.model.entities.scores(state.pieces, state.batch)

    @torch.inference_mode()
    def relations(self, state: State) -> Float32 | None:
        return None if state.triples is None else _array(state.triples.relations.float().sigmoid())

    @torch.inference_mode()
    def tags(self, state: State, row: Int64, relation: Int64) -> Float32:
        assert state.triples is not None
        with self._autocast():
            return _array(state.triples.tags(self._moved(row), self._moved(relation)))

    @torch.inference_mode()
    def pairs(self, state: State, row: Int64, relation: Int64, spans: Int64) -> Float32:
        assert state.triples is not None
        with self._autocast():
            logits = state.triples.pairs(self._moved(row), self._moved(relation), self._moved(spans))
        return _array(logits.float().sigmoid())

    def _moved(self, array: Int64) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")


def _array(tensor: Tensor) -> Float32:
    return tensor.float().cpu().numpy()


def predictor_of(
    model: Model,
    maker: ExampleMaker,
    *,
    own: Mapping[str, Model] | None = None,
    precision: str = "fp32",
    **given: Any,
) -> Predictor:
    """Return a predictor with a model of torch, whatever mode it is in.

    Args:
        own: models of languages that have weights of their own. given: see `Predictor`.
    """
    backends = {lang: TorchBackend(one, precision=precision) for lang, one in (own or {}).items()}
    first = TorchBackend(model, precision=precision)
    return Predictor(first, maker, own=backends, **{"limits": model.limits, **given})


def model_of(predictor: Predictor) -> Model:
    """Return the model of a predictor whose backend is torch's: the one that languages share."""
    assert isinstance(predictor.backend, TorchBackend)
    return predictor.backend.model


def load_predictor(folder: str | Path, device: str = "cpu") -> Predictor:
    """Load a model folder.

    Args:
        device: as torch names it; "auto": a GPU where there is one.

    Raises:
        ModelError: the folder or a file in it is missing, cut short, or of another version.
        UserError: there is no such device.
    """
    stored = ModelFolder.read(folder)
    model = load_model(stored)
    own = {lang: specialised(model, own_weights(model, stored, lang)) for lang in stored.own}
    place = device_of(device)
    for one in (model, *own.values()):
        one.to(place)
    return predictor_of(
        model,
        ExampleMaker(stored.pieces, stored.labels),
        own=own,
        thresholds=stored.thresholds,
        type_map=stored.recipe.data.types,
    )


def device_of(name: str) -> torch.device:
    """Return a device by its name: "auto", or one of torch's such as "cpu", "cuda", "cuda:1".

    Raises:
        UserError: torch knows no such device, or this machine has none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"device {name}: cannot be used here ({reason}). Say auto, cpu or cuda.") from None
    return device
