"""Sums of squared per-sentence gradients of a network's modules, all sentences of a batch in one backward.

    a_nt -> what the module read at place t of sentence n      g_nt -> the gradient at what it wrote there
    G_n = Σ_t g_nt a_ntᵀ      what is summed: G_n * G_n

One rule for each kind of module: linear, embedding, layer norm, LSTM (mere.analysis.recurrent). Nothing of the
size (sentences, rows, width) of an embedding table is made: only the rows that a sentence touches.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mere.analysis.recurrent import gate_gradients
from mere.errors import ModelError

Totals = dict[str, Tensor]
"""Parameter name -> sum over sentences of its squared gradient, of the parameter's shape."""

_CURE = "Fisher information is not implemented for this encoder: see mere.analysis.squares."
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


def add_squares(totals: Totals, name: str, squares: Tensor) -> None:
    """Add to a parameter's sum; `squares` is the caller's no more."""
    if name in totals:
        totals[name] += squares
    else:
        totals[name] = squares


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


Rule = Callable[[Any, Tensor, Tensor, Tensor, int], Iterator[tuple[str, Tensor]]]
"""module, what it read, what it wrote, the gradient there, sentences -> the squares of its parameters."""


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

        def add(gradient: Tensor) -> None:
            with torch.no_grad():
                for name, squares in rule(module, read, kept, gradient.detach(), num_sentences):
                    add_squares(totals, f"{path}.{name}", squares)

        wrote.register_hook(add)
        return output

    return hook


def _linear(
    module: nn.Linear, read: Tensor, wrote: Tensor, gradient: Tensor, num: int
) -> Iterator[tuple[str, Tensor]]:
    a, g = _by_sentence(read, num), _by_sentence(gradient, num)
    yield "weight", outer_squares(g, a)
    if module.bias is not None:
        yield "bias", g.sum(1).square().sum(0)


def _norm(
    module: nn.LayerNorm, read: Tensor, wrote: Tensor, gradient: Tensor, num: int
) -> Iterator[tuple[str, Tensor]]:
    normed = nn.functional.layer_norm(read, module.normalized_shape, eps=module.eps)
    g = _by_sentence(gradient, num)
    if module.weight is not None:
        yield "weight", (g * _by_sentence(normed, num)).sum(1).square().sum(0)
    if module.bias is not None:
        yield "bias", g.sum(1).square().sum(0)


def _embedding(
    module: nn.Embedding, read: Tensor, wrote: Tensor, gradient: Tensor, num: int
) -> Iterator[tuple[str, Tensor]]:
    yield "weight", row_squares(read, gradient, num, module.num_embeddings, module.padding_idx)


def _lstm(
    module: nn.LSTM, read: Tensor, wrote: Tensor, gradient: Tensor, num: int
) -> Iterator[tuple[str, Tensor]]:
    if module.num_layers > 1 or module.bidirectional or module.proj_size or not module.batch_first:
        raise ModelError(f"an LSTM of several layers or directions has no rule. {_CURE}")
    dz, before = gate_gradients(module, read, wrote, gradient)
    z, x, h = (_by_sentence(t, num) for t in (dz, read, before))
    yield "weight_ih_l0", outer_squares(z, x)
    yield "weight_hh_l0", outer_squares(z, h)
    if module.bias:
        squares = z.sum(1).square().sum(0)
        yield "bias_ih_l0", squares
        yield "bias_hh_l0", squares.clone()


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


def outer_squares(g: Float[Tensor, "N T O"], a: Float[Tensor, "N T I"]) -> Float[Tensor, "O I"]:
    """Return Σ_n (Σ_t g_nt a_ntᵀ)², elementwise."""
    total = g.new_zeros(g.shape[-1], a.shape[-1])
    at_once = max(1, _MOST_NUMBERS // total.numel())
    for start in range(0, len(g), at_once):
        part = slice(start, start + at_once)
        each = torch.bmm(g[part].transpose(1, 2), a[part])  # (n, O, I)
        total += each.square_().sum(0)
    return total


def row_squares(
    ids: Int[Tensor, "..."], gradient: Float[Tensor, "... D"], num: int, rows: int, padding: int | None
) -> Float[Tensor, "R D"]:
    """Return the same for a table's rows: those of one sentence that name the same row are added first."""
    width = gradient.shape[-1]
    sentence = torch.arange(num, device=ids.device).repeat_interleave(ids.numel() // num)
    key, g = sentence * rows + ids.reshape(-1), gradient.reshape(-1, width)
    if padding is not None:
        real = ids.reshape(-1) != padding
        key, g = key[real], g[real]
    touched, place = torch.unique(key, return_inverse=True)
    each = g.new_zeros(len(touched), width).index_add_(0, place, g)  # (sentence and row, D)
    return g.new_zeros(rows, width).index_add_(0, touched % rows, each.square_())
