"""The one place where numpy batches become tensors on a device: the same dataclasses, of tensors."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mere.data.batching import Batch
from mere.data.hidden import HiddenTargets
from mere.data.targets import EntityTargets, Targets, TripleTargets
from mere.data.windows import SpanTargets

TensorBatch = Batch[Tensor]
"""A `group_size` of 0 passes the aggregator by."""

TensorTargets = Targets[Tensor]
TripleTensors = TripleTargets[Tensor]
EntityTensors = EntityTargets[Tensor]
SpanTensors = SpanTargets[Tensor]
HiddenTensors = HiddenTargets[Tensor]


def to_tensors(batch: Batch, device: torch.device) -> TensorBatch:
    """Move a batch to `device`."""
    return _moved(batch, device)


def targets_to_tensors(targets: Targets, device: torch.device) -> TensorTargets:
    """Move targets to `device`."""
    return _moved(targets, device)


def _moved(value: Any, device: torch.device) -> Any:
    """Return a dataclass with tensors for its arrays, and for those of dataclasses in it."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value).to(device)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: _moved(getattr(value, field.name), device) for field in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **fields)
    return value
