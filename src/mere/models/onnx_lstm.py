"""A BiLSTM as one operator of ONNX per layer, which reads each row backwards within its own length itself.

In torch two LSTMs and two gathers do it (mere.nn.recurrent); the operator spares the gathers and their copies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mere.nn.recurrent import BiLSTM


class _Operator(torch.autograd.Function):
    """Stands for ONNX's LSTM in a trace; its value is of the right shape and otherwise of no use."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, recurrent: Tensor, bias: Tensor, lengths: Tensor
    ) -> Tensor:
        return x.new_zeros(x.shape[0], 2, x.shape[1], recurrent.shape[2])  # (P, 2, B, H)

    @staticmethod
    def symbolic(g: Any, x: Any, weight: Any, recurrent: Any, bias: Any, lengths: Any) -> Any:
        hidden = recurrent.type().sizes()[2]
        out, _, _ = g.op(
            "LSTM",
            x,
            weight,
            recurrent,
            bias,
            lengths,
            direction_s="bidirectional",
            hidden_size_i=hidden,
            outputs=3,
        )
        return out


class _InOneOperator(nn.Module):
    """A BiLSTM with its weights as the operator has them."""

    def __init__(self, lstm: BiLSTM):
        super().__init__()
        self.layers = len(lstm.forwards)
        for index, both in enumerate(zip(lstm.forwards, lstm.backwards, strict=True)):
            for name, parts in (
                ("weight", ["weight_ih_l0"]),
                ("recurrent", ["weight_hh_l0"]),
                ("bias", _BIASES),
            ):
                stacked = torch.stack([torch.cat([_gates(getattr(one, p)) for p in parts]) for one in both])
                self.register_buffer(f"{name}{index}", stacked.detach())

    def forward(self, x: Tensor, is_piece: Tensor) -> Tensor:
        lengths = is_piece.sum(-1).to(torch.int32)
        x = x.transpose(0, 1)  # (P, B, E)
        for index in range(self.layers):
            names = (f"{name}{index}" for name in ("weight", "recurrent", "bias"))
            weights = (self.get_buffer(name) for name in names)
            read = _Operator.apply(x, *weights, lengths)  # type: ignore[no-untyped-call]  # (P, 2, B, H)
            x = torch.cat([read[:, 0], read[:, 1]], -1)
        return x.transpose(0, 1)


_BIASES = ["bias_ih_l0", "bias_hh_l0"]


def _gates(weight: Tensor) -> Tensor:
    """Put the gates of torch (input, forget, cell, output) in ONNX's order (input, output, forget, cell)."""
    input_, forget, cell, output = weight.chunk(4)
    return torch.cat([input_, output, forget, cell])


@contextmanager
def lstms_in_one_operator(model: nn.Module) -> Iterator[None]:
    """Let a model's BiLSTMs be traced as operators for as long as it lasts; the model computes nothing meanwhile."""
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, BiLSTM)
    ]
    for parent, name, child in places:
        setattr(parent, name, _InOneOperator(child).eval())
    try:
        yield
    finally:
        for parent, name, child in places:
            setattr(parent, name, child)
