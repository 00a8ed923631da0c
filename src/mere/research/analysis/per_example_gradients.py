"""Sums of squared per-sentence gradients of a network's modules, all sentences of a batch in one backward.

    a_nt -> what the module read at place t of sentence n      g_nt -> the gradient at what it wrote there
    G_n = Σ_t g_nt a_ntᵀ      what is summed: G_n * G_n

One rule for each kind of module: linear, embedding, layer norm, LSTM (mere.research.analysis.recurrent). Nothing
of the size (sentences, rows, width) of an embedding table is made: only the rows that a sentence touches.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mere.errors import ModelError
from mere.research.analysis.recurrent import gate_gradients

Totals = dict[str, Tensor]
"""Parameter name -> sum over sentences of its squared gradient, of the parameter's shape."""

_CURE = "Fisher information is not implemented for this encoder: see mere.research.analysis.per_example_gradients."
_MOST_NUMBERS = 1 << 24
"""Per-sentence gradients of one matrix that are in memory at a time."""


class _Separable(TorchFunctionMode):
    """Two functions by others that give the same values and keep the sentences of a batch apart.

    `unique` of rows: an encoder may read the distinct words of a batch once (mere.nn.encoders.words); here it
    reads each where it stands, so that what a module reads belongs to one sentence. `one_hot` looks at its
    values, which torch.func does not allow.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.unique and kwargs.get("return_inverse") and kwargs.get("dim") == 0:
            return args[0], torch.arange(len(args[0]), device=args[0].device)
        if func is nn.functional.one_hot:
            return (args[0].unsqueeze(-1) == torch.arange(args[1], device=args[0].device)).long()
        return func(*args, **kwargs)


def total_of(totals: Totals, name: str, parameter: Tensor) -> Tensor:
    """Return a parameter's sum, to be added to in place; 0 at first."""
    if name not in totals:
        totals[name] = torch.zeros_like(parameter, requires_grad=False)
    return totals[name]


@contextlib.contextmanager
def summing_squares(network: nn.Module, totals: Totals, num_sentences: int) -> Iterator[None]:
    """Within: a forward of `num_sentences` sentences, and a backward of the sum of their losses, adds to `totals`.

    Rows of what a module reads are in the order of the sentences, equally many of each, or one row for all. A
    parameter that the loss does not reach is left out.

    Raises:
        ModelError: the loss reaches a parameter that there is no rule for, or not in this place.
    """
    frozen = {name: p.requires_grad for name, p in network.named_parameters()}
    seen: set[str] = set()
    handles = []
    for path, module in network.named_modules():
        rule = next((rule for kind, rule in RULES.items() if isinstance(module, kind)), None)
        if rule is not None:
            handles.append(module.register_forward_pre_hook(_without_gradient))
            handles.append(module.register_forward_hook(_catcher(path, rule, totals, num_sentences, seen)))
    try:
        network.requires_grad_()
        network.zero_grad(set_to_none=True)
        with _Separable():
            yield
        for name, parameter in network.named_parameters():
            if parameter.grad is not None and parameter.grad.any():
                raise ModelError(f"{name}: there is no rule for its gradient sentence by sentence. {_CURE}")
    finally:
        for handle in handles:
            handle.remove()
        network.zero_grad(set_to_none=True)
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(frozen[name])


Total = Callable[[str], Tensor]
Rule = Callable[[Any, Tensor, Tensor, Tensor, int, Total], None]
"""Adds to the sums: module, what it read, what it wrote, the gradient there, sentences, a parameter's sum."""


def _without_gradient(module: nn.Module, inputs: Any) -> None:
    """Spare autograd the gradients that a rule gives; used elsewhere, the same parameter still has one."""
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad_(False)


def _catcher(path: str, rule: Rule, totals: Totals, num_sentences: int, seen: set[str]) -> Callable[..., Any]:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> Any:
        if path in seen:
            raise ModelError(
                f"{path} runs twice in one forward: its gradients would be squared apart. {_CURE}"
            )
        seen.add(path)
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_()
        wrote = output[0] if isinstance(output, tuple) else output
        read = inputs[0].detach()
        if len(read) == 1 < num_sentences:  # positions, say: one row for all sentences, a gradient for each
            read = read.expand(num_sentences, *read.shape[1:])
            output = wrote = wrote.expand(num_sentences, *wrote.shape[1:])
        if not wrote.requires_grad:
            wrote.requires_grad_()
        kept = wrote.detach()

        def total(name: str) -> Tensor:
            return total_of(totals, f"{path}.{name}", module.get_parameter(name))

        def add(gradient: Tensor) -> None:
            with torch.no_grad():
                rule(module, read, kept, gradient.detach(), num_sentences, total)

        wrote.register_hook(add)
        return output

    return hook


def _linear(module: nn.Linear, read: Tensor, wrote: Tensor, gradient: Tensor, num: int, total: Total) -> None:
    a, g = _by_sentence(read, num), _by_sentence(gradient, num)
    add_outer_squares(total("weight"), g, a)
    if module.bias is not None:
        total("bias").add_(g.sum(1).square().sum(0))


def _norm(
    module: nn.LayerNorm, read: Tensor, wrote: Tensor, gradient: Tensor, num: int, total: Total
) -> None:
    normed = nn.functional.layer_norm(read, module.normalized_shape, eps=module.eps)
    g = _by_sentence(gradient, num)
    if module.weight is not None:
        total("weight").add_((g * _by_sentence(normed, num)).sum(1).square().sum(0))
    if module.bias is not None:
        total("bias").add_(g.sum(1).square().sum(0))


def _embedding(
    module: nn.Embedding, read: Tensor, wrote: Tensor, gradient: Tensor, num: int, total: Total
) -> None:
    add_row_squares(total("weight"), read, gradient, num, module.padding_idx)


def _lstm(module: nn.LSTM, read: Tensor, wrote: Tensor, gradient: Tensor, num: int, total: Total) -> None:
    if module.num_layers > 1 or module.bidirectional or module.proj_size or not module.batch_first:
        raise ModelError(f"an LSTM of several layers or directions has no rule. {_CURE}")
    dz, before = gate_gradients(module, read, wrote, gradient)
    z, x, h = (_by_sentence(t, num) for t in (dz, read, before))
    add_outer_squares(total("weight_ih_l0"), z, x)
    add_outer_squares(total("weight_hh_l0"), z, h)
    if module.bias:
        squares = z.sum(1).square().sum(0)
        total("bias_ih_l0").add_(squares)
        total("bias_hh_l0").add_(squares)


RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: _linear,
    nn.Embedding: _embedding,
    nn.LayerNorm: _norm,
    nn.LSTM: _lstm,
}


def _by_sentence(x: Tensor, num: int) -> Float[Tensor, "N T D"]:
    if len(x) % num:
        raise ModelError(f"{len(x)} rows cannot be told apart as {num} sentences. {_CURE}")
    return x.reshape(num, -1, x.shape[-1])


def add_outer_squares(
    total: Float[Tensor, "O I"], g: Float[Tensor, "N T O"], a: Float[Tensor, "N T I"]
) -> None:
    """Add Σ_n (Σ_t g_nt a_ntᵀ)², elementwise."""
    at_once = max(1, _MOST_NUMBERS // total.numel())
    for start in range(0, len(g), at_once):
        part = slice(start, start + at_once)
        each = torch.bmm(g[part].transpose(1, 2), a[part])  # (n, O, I)
        total.add_(each.square_().sum(0))


def add_row_squares(
    total: Float[Tensor, "R D"],
    ids: Int[Tensor, "..."],
    gradient: Float[Tensor, "... D"],
    num: int,
    padding: int | None,
) -> None:
    """Add the same for a table's rows: those of one sentence that name the same row are added first."""
    rows, width = total.shape
    sentence = torch.arange(num, device=ids.device).repeat_interleave(ids.numel() // num)
    key, g = sentence * rows + ids.reshape(-1), gradient.reshape(-1, width)
    if padding is not None:
        real = ids.reshape(-1) != padding
        key, g = key[real], g[real]
    touched, place = torch.unique(key, return_inverse=True)
    each = g.new_zeros(len(touched), width).index_add_(0, place, g)  # (sentence and row, D)
    total.index_add_(0, touched % rows, each.square_())
