"""The low-rank change by hand, against the paper's formula, and against autograd through the product."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mere.nn.lora import LowRank, matrices, merge_low_rank, tables
from mere.nn.recurrent import BiLSTM


def test_a_merge_by_hand() -> None:
    base = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    up = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    down = torch.tensor([[10.0, 20.0], [0.5, 0.25]])
    by_hand = torch.tensor([[11.0, 22.0], [4.0, 4.5], [15.5, 26.25]])
    assert torch.equal(merge_low_rank(base, up, down), by_hand)
    assert base[0, 0] == 1.0, "what is merge_low_rank is left as it was"


def test_a_merge_is_the_product_whatever_the_layout() -> None:
    torch.manual_seed(0)
    base, up, down = torch.randn(40, 24), torch.randn(40, 5), torch.randn(5, 24)
    exact = base.double() + up.double() @ down.double()
    assert torch.allclose(merge_low_rank(base, up, down).double(), exact, atol=1e-5)
    strided = [t.T.contiguous().T for t in (base, up, down)]
    assert torch.equal(merge_low_rank(*strided), merge_low_rank(base, up, down))


def filled(weight: nn.Parameter, rank: int) -> LowRank:
    """A change that is no longer zero, in the model already."""
    change = LowRank(weight, rank)
    with torch.no_grad():
        change.up.normal_()
    change.write()
    return change


def test_a_change_begins_at_nothing() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(400, 300)
    before = layer.weight.detach().clone()
    change = LowRank(layer.weight, 8)
    change.write()
    assert torch.equal(layer.weight, before)
    assert change.down.shape == (8, 400)
    assert change.down.std().item() == pytest.approx(400**-0.5, rel=0.05)
    x = torch.randn(1000, 400)
    assert (x @ change.down.T).std().item() == pytest.approx(1.0, rel=0.05)


def test_a_linear_layer_is_the_papers_formula() -> None:
    """h = W x + B A x (Hu et al. 2021, equation 3)."""
    torch.manual_seed(0)
    layer = nn.Linear(12, 7)
    change = filled(layer.weight, 3)
    x = torch.randn(5, 12)
    h = x @ change.base.T + layer.bias + (x @ change.down.T) @ change.up.T
    assert torch.allclose(layer(x), h, atol=1e-5)


def through_the_product(model: nn.Module, changes: dict[str, LowRank], *inputs: Tensor) -> Tensor:
    """The model's output with the product inside the graph: what autograd differentiates by itself."""
    weights = {name: change.base + change.up @ change.down for name, change in changes.items()}
    return torch.func.functional_call(model, weights, inputs)


@pytest.mark.parametrize("rank", [1, 3])
def test_an_lstm_reads_the_change_and_its_gradients_are_autograds(rank: int) -> None:
    torch.manual_seed(0)
    model = BiLSTM(input_dim=10, dim=16, layers=2, dropout=0.0).double()
    x, is_piece = torch.randn(3, 6, 10).double(), torch.arange(6) < torch.tensor([[6], [4], [1]])
    before = model(x, is_piece)
    changes = {
        name: filled(parameter, rank)
        for name, parameter in model.named_parameters()
        if name in matrices(model)
    }
    assert len(changes) == 8
    after = model(x, is_piece)
    assert not torch.allclose(after, before, atol=1e-2)
    by_hand = BiLSTM(input_dim=10, dim=16, layers=2, dropout=0.0).double()
    whole = {name: change.base + change.up @ change.down for name, change in changes.items()}
    by_hand.load_state_dict(model.state_dict() | whole)
    assert torch.allclose(after, by_hand(x, is_piece), atol=1e-12)

    (after**2).sum().backward()
    for change in changes.values():
        change.take_gradient()
    factors = [factor for change in changes.values() for factor in (change.up, change.down)]
    expected = torch.autograd.grad((through_the_product(model, changes, x, is_piece) ** 2).sum(), factors)
    for factor, gradient in zip(factors, expected, strict=True):
        assert factor.grad is not None
        assert gradient.abs().max() > 1e-6
        assert torch.allclose(factor.grad, gradient, atol=1e-10)
    assert all(model.get_parameter(name).grad is None for name in changes)


def test_without_a_gradient_there_is_none_to_pass_on() -> None:
    layer = nn.Linear(4, 4)
    change = LowRank(layer.weight, 1)
    layer(torch.ones(4)).sum().backward()
    change.take_gradient()
    assert change.up.grad is not None
    change.take_gradient()
    assert change.up.grad is None
    assert change.down.grad is None


def test_which_weights_are_matrices_and_which_are_tables() -> None:
    model = nn.ModuleDict(
        {
            "read": nn.Embedding(9, 4),
            "context": nn.LSTM(4, 6),
            "norm": nn.LayerNorm(6),
            "out": nn.Sequential(nn.Linear(6, 3), nn.GELU()),
        }
    )
    model.register_parameter("vectors", nn.Parameter(torch.zeros(3, 6)))
    assert matrices(model) == {"context.weight_ih_l0", "context.weight_hh_l0", "out.0.weight"}
    assert tables(model) == {"read.weight"}
    assert matrices(nn.Linear(2, 2)) == {"weight"}
