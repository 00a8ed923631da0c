"""The one place where numpy batches become tensors on a device."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mere.data.batching import Batch
from mere.data.targets import EntityTargets, Targets
from mere.data.windows import SpanTargets


@dataclass(frozen=True)
class TensorBatch:
    """`mere.data.batching.Batch` as tensors."""

    pieces: Int[Tensor, "B P F"]
    is_piece: Bool[Tensor, "B P"]
    begins_word: Bool[Tensor, "B P"]
    lang_id: Int[Tensor, " B"]
    group_size: int = 1  # 0: the aggregator is passed by


@dataclass(frozen=True)
class TripleTensors:
    """`mere.data.targets.TripleTargets` as tensors."""

    relation: Float[Tensor, "B R"]
    relation_weight: Float[Tensor, "B R"]
    tag_row: Int[Tensor, " N"]
    tag_relation: Int[Tensor, " N"]
    tags: Int[Tensor, "N C P"]
    pair_row: Int[Tensor, " M"]
    pair_relation: Int[Tensor, " M"]
    pair_spans: Int[Tensor, "M 4"]
    pair_stated: Float[Tensor, " M"]


@dataclass(frozen=True)
class EntityTensors:
    """`mere.data.targets.EntityTargets` as tensors."""

    row: Int[Tensor, " N"]
    tags: Int[Tensor, "N P"]
    is_known: Bool[Tensor, "N K"]


@dataclass(frozen=True)
class SpanTensors:
    """`mere.data.windows.SpanTargets` as tensors."""

    row: Int[Tensor, " N"]
    first: Int[Tensor, " N"]
    symbols: Int[Tensor, "N S"]
    is_step: Bool[Tensor, "N S"]
    unsaid: Bool[Tensor, "N M W"]


@dataclass(frozen=True)
class HiddenTensors:
    """`mere.data.hidden.HiddenTargets` as tensors."""

    row: Int[Tensor, " N"]
    piece: Int[Tensor, " N"]
    answer: Int[Tensor, " N"]
    candidates: Int[Tensor, "K F"]


@dataclass(frozen=True)
class TensorTargets:
    """`mere.data.targets.Targets` as tensors."""

    triples: TripleTensors | None
    entities: EntityTensors | SpanTensors | None
    text: HiddenTensors | None = None


def to_tensors(batch: Batch, device: torch.device) -> TensorBatch:
    """Move a batch to `device`."""
    return TensorBatch(**_moved(batch, device))


def targets_to_tensors(targets: Targets, device: torch.device) -> TensorTargets:
    """Move targets to `device`."""
    triples, entities, text = targets.triples, targets.entities, targets.text
    return TensorTargets(
        None if triples is None else TripleTensors(**_moved(triples, device)),
        None if entities is None else _entities(entities, device),
        None if text is None else HiddenTensors(**_moved(text, device)),
    )


def _entities(targets: EntityTargets | SpanTargets, device: torch.device) -> EntityTensors | SpanTensors:
    moved = _moved(targets, device)
    return SpanTensors(**moved) if isinstance(targets, SpanTargets) else EntityTensors(**moved)


def _moved(arrays: Any, device: torch.device) -> dict[str, Any]:
    values = {field.name: getattr(arrays, field.name) for field in dataclasses.fields(arrays)}
    return {n: v if isinstance(v, int) else torch.from_numpy(v).to(device) for n, v in values.items()}
