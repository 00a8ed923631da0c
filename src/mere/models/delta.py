"""A language's own weights as the difference from the shared ones: only what changed is stored.

    whole.W             the tensor itself
    rows.W, values.W    the rows that changed (of an embedding table, of which a language touches its own)
    up.W, down.W        factors of a low-rank change (mere.nn.lora)

Nothing is rounded: base and difference give back every bit.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from mere.nn.lora import merge_low_rank

WHOLE, ROWS, VALUES, UP, DOWN = "whole.", "rows.", "values.", "up.", "down."


def difference(base: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return what turns `base` into `own`, which holds some or all of its names, in the same shapes."""
    delta: dict[str, Tensor] = {}
    for name, tensor in own.items():
        before = base[name].to(tensor.device)
        differs = _bits(before) != _bits(tensor)
        if not differs.any():
            continue
        rows = torch.nonzero(differs.flatten(1).any(1)).squeeze(1) if tensor.ndim > 1 else None
        if rows is not None and 2 * len(rows) < len(tensor):
            delta[ROWS + name], delta[VALUES + name] = rows, tensor[rows].clone()
        else:
            delta[WHOLE + name] = tensor.clone()
    return delta


def compact(base: Mapping[str, Tensor], delta: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a difference of whole tensors and factors in its smallest form, without what changes nothing."""
    whole = {_name(key): tensor for key, tensor in delta.items() if _kind(key) == WHOLE}
    factors = {key: tensor for key, tensor in delta.items() if _kind(key) in (UP, DOWN)}
    return difference(base, whole) | {
        key: tensor.clone() for key, tensor in factors.items() if factors[UP + _name(key)].any()
    }


def changed(base: Mapping[str, Tensor], delta: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that differ from `base`, whole, on its device and in memory of their own.

    Read from a file they lie at any address, and products of matrices may round by how those are aligned.
    """
    tensors: dict[str, Tensor] = {}
    for key, stored in delta.items():
        kind, name = _kind(key), _name(key)
        device = base[name].device
        if kind == WHOLE:
            tensors[name] = stored.to(device, copy=True)
        elif kind == ROWS:
            tensors[name] = base[name].clone()
            tensors[name][stored.to(device)] = delta[VALUES + name].to(device)
        elif kind == UP:
            tensors[name] = merge_low_rank(base[name], stored.to(device), delta[DOWN + name].to(device))
    return tensors


def _bits(tensor: Tensor) -> Tensor:
    """The numbers as their bits: 0.0 and -0.0 are equal as numbers."""
    return tensor.contiguous().view({2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()])


def _kind(key: str) -> str:
    return key.partition(".")[0] + "."


def _name(key: str) -> str:
    return key.partition(".")[2]


M = TypeVar("M", bound=nn.Module)


def specialised(model: M, tensors: Mapping[str, Tensor]) -> M:
    """Return a copy of a model that shares all its tensors but the given ones.

    They require gradients where the model's do: torch picks kernels, and so roundings, by it (matmul's folding).
    """
    shared = {id(t): t for t in (*model.parameters(), *model.buffers())}
    own = copy.deepcopy(model, dict(shared))
    for name, tensor in tensors.items():
        parent, _, leaf = name.rpartition(".")
        learns = model.get_parameter(name).requires_grad
        setattr(own.get_submodule(parent), leaf, nn.Parameter(tensor, requires_grad=learns))
    return own
