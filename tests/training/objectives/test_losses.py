"""Sum and uncertainty: as one loss, and from gradients at hand, the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from mere.training.objectives import LossObjective, backward, make_objective
from tests.training.objectives.gradient_examples import LANGUAGES, one_answer

OBJECTIVES = ["sum", "uncertainty"]


def two_languages() -> tuple[nn.Module, dict[str, nn.Parameter], dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    output = model(torch.randn(6, 3))
    losses = {"fr": output[:2].pow(2).mean(), "de": output[2:].exp().mean()}
    return model, dict(model.named_parameters()), losses


@pytest.mark.parametrize("name", OBJECTIVES)
def test_one_backward_and_gradients_at_hand_agree(name):
    found = []
    for measure in (False, True):
        objective = make_objective(name, LANGUAGES)
        if "log_variance" in objective.parameters():
            objective.load_state_dict({"log_variance": torch.tensor([0.3, 0.0, -0.7, 2.0])})
        _, parameters, losses = two_languages()
        given = backward(objective, [losses], parameters, np.random.default_rng(0), measure=measure)
        assert (given is not None) == measure
        found.append([p.grad for p in (*parameters.values(), *objective.parameters().values())])
    for once, again in zip(*found, strict=True):
        assert once.abs().sum() > 0
        torch.testing.assert_close(once, again)


def test_sum_by_hand():
    rows = [[1.0, 0.0], [-1.0, 1.0], [6.0, 2.0]]
    assert one_answer(make_objective("sum", LANGUAGES), rows).tolist() == [6.0, 3.0]


def test_sum_is_the_ordinary_backward_bit_for_bit():
    _, parameters, losses = two_languages()
    torch.stack(list(losses.values())).sum().backward()
    expected = {name: p.grad for name, p in parameters.items()}
    _, parameters, losses = two_languages()
    backward(make_objective("sum", LANGUAGES), [losses], parameters, np.random.default_rng(0))
    assert all(torch.equal(p.grad, expected[name]) for name, p in parameters.items())


def test_uncertainty_by_hand():
    objective = make_objective("uncertainty", ("de", "fr"))
    assert isinstance(objective, LossObjective)
    objective.load_state_dict({"log_variance": torch.tensor([math.log(2.0), math.log(4.0)])})
    losses = {"fr": torch.tensor(8.0), "de": torch.tensor(6.0)}
    loss = objective.loss(losses)
    # 8/4 + log(4)/2 + 6/2 + log(2)/2
    assert loss.item() == pytest.approx(5 + 1.5 * math.log(2))
    loss.backward()
    # d/ds = -exp(-s) L + 1/2
    torch.testing.assert_close(objective.parameters()["log_variance"].grad, torch.tensor([-2.5, -1.5]))


def test_uncertainty_begins_as_the_sum_and_leaves_absent_languages_alone():
    objective = make_objective("uncertainty", LANGUAGES)
    loss = objective.loss({"fr": torch.tensor(8.0), "de": torch.tensor(6.0)})
    loss.backward()
    assert loss.item() == 14.0
    assert objective.parameters()["log_variance"].grad.tolist() == [-5.5, 0.0, -7.5, 0.0]


def test_uncertainty_settles_where_weights_are_inverse_to_losses():
    objective = make_objective("uncertainty", ("de", "fr"))
    optimizer = torch.optim.Adam(objective.parameters().values(), lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        objective.loss({"de": torch.tensor(0.25), "fr": torch.tensor(4.0)}).backward()
        optimizer.step()
    weights = (-objective.parameters()["log_variance"].detach()).exp()
    torch.testing.assert_close(weights, torch.tensor([2.0, 0.125]), rtol=1e-3, atol=0)


def test_uncertainty_may_weigh_tasks():
    objective = make_objective("uncertainty", ("relations", "entities"))
    assert objective.loss({"relations": torch.tensor(1.0), "entities": torch.tensor(2.0)}).item() == 3.0


def test_uncertainty_state_round_trip():
    first, second = (make_objective("uncertainty", LANGUAGES) for _ in range(2))
    with torch.no_grad():
        first.parameters()["log_variance"].copy_(torch.tensor([0.1, -0.2, 0.3, -0.4]))
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.parameters()["log_variance"], first.parameters()["log_variance"])
    assert second.parameters()["log_variance"].requires_grad
