"""The gradient at an LSTM's gates, by hand: what its weights' gradient is made of, sentence by sentence.

    z_t = W_ih x_t + W_hh h_{t-1} + b      c_t = f c_{t-1} + i c̃      h_t = o tanh(c_t)
    dL/dW_ih = Σ_t dz_t x_tᵀ               dL/dW_hh = Σ_t dz_t h_{t-1}ᵀ       dL/db = Σ_t dz_t

Autograd sums over the batch before anyone can look. With x, h and dL/dh at hand the gates of all steps are one
product, and dz one sweep back through time (Hochreiter and Schmidhuber 1997; gates in torch's order i, f, c̃, o).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn


def gate_gradients(
    lstm: nn.LSTM, x: Float[Tensor, "B P E"], h: Float[Tensor, "B P H"], dh: Float[Tensor, "B P H"]
) -> tuple[Float[Tensor, "B P 4H"], Float[Tensor, "B P H"]]:
    """Return dL/dz and h_{t-1} at every step.

    Args:
        lstm: of one layer and one direction, batch first, begun with zeros.
        x: its input. h: its output. dh: gradient of the loss by that output.
    """
    w_ih, w_hh, *biases = (weight.detach() for weight in lstm.all_weights[0])
    before = torch.cat([torch.zeros_like(h[:, :1]), h[:, :-1]], 1)
    z = sum(biases, x @ w_ih.T + before @ w_hh.T)
    i, f, candidate, o = z.chunk(4, -1)
    i, f, candidate, o = i.sigmoid(), f.sigmoid(), candidate.tanh(), o.sigmoid()
    cells = [torch.zeros_like(h[:, 0])]  # c_0, c_1, …
    written = i * candidate
    for step in range(h.shape[1]):
        cells.append(f[:, step] * cells[-1] + written[:, step])
    c = torch.stack(cells, 1)
    squashed = c[:, 1:].tanh()
    to_cell = o * (1 - squashed * squashed)  # dh_t -> dc_t
    to_output = squashed * o * (1 - o)  # dh_t -> dz of o
    from_cell = torch.cat(  # dc_t -> dz of i, f, c̃
        [candidate * i * (1 - i), c[:, :-1] * f * (1 - f), i * (1 - candidate * candidate)], -1
    )
    dz = torch.empty_like(z)
    carried_h, carried_c = torch.zeros_like(h[:, 0]), torch.zeros_like(h[:, 0])
    three = 3 * h.shape[-1]
    for step in range(h.shape[1] - 1, -1, -1):
        here = dh[:, step] + carried_h
        dc = here * to_cell[:, step] + carried_c
        dz[:, step, :three] = dc.repeat(1, 3) * from_cell[:, step]
        dz[:, step, three:] = here * to_output[:, step]
        carried_c = dc * f[:, step]
        carried_h = dz[:, step] @ w_hh
    return dz, before
