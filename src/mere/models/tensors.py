"""The one place where numpy batches become tensors on a device."""

from __future__ import annotations

import dataclasses

import torch

from mere.data.batching import Batch, Targets
from mere.models.triples import TensorBatch, TensorTargets


def to_tensors(batch: Batch, device: torch.device) -> TensorBatch:
    """Move a batch to `device`."""
    return TensorBatch(
        torch.from_numpy(batch.pieces).to(device),
        torch.from_numpy(batch.is_piece).to(device),
        torch.from_numpy(batch.lang_id).to(device),
        batch.group_size,
    )


def targets_to_tensors(targets: Targets, device: torch.device) -> TensorTargets:
    """Move targets to `device`."""
    arrays = {field.name: getattr(targets, field.name) for field in dataclasses.fields(targets)}
    return TensorTargets(**{name: torch.from_numpy(array).to(device) for name, array in arrays.items()})
