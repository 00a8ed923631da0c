"""Gradient Vaccine against its closed form by hand, its promise (the cosine becomes the target), and torchjd."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mere.training.objectives import Gradients, make_objective
from mere.training.objectives.gradvac import HIGHEST_TARGET, GradientVaccine, vaccinations
from mere.training.objectives.pcgrad import projections
from tests.training.objectives.gradient_examples import LANGUAGES, answer, one_answer, random_rows


def with_target(target: float) -> GradientVaccine:
    """Return an objective whose every target is this already, in the group of the examples."""
    objective = GradientVaccine(LANGUAGES)
    objective.targets["encoder"] = np.full((len(LANGUAGES),) * 2, target)
    return objective


def test_conflict_with_a_target_of_zero_by_hand():
    # As PCGrad: g1' = (1/2, 1/2), g2' = (0, 1).
    objective = make_objective("gradvac", LANGUAGES)
    torch.testing.assert_close(
        one_answer(objective, [[1.0, 0.0], [-1.0, 1.0]]), torch.tensor([0.5, 1.5], dtype=torch.float64)
    )


def test_low_cosine_by_hand():
    # g1 = (1, 0), g2 = (0, 2): φ = 0, φ̂ = 0.6, √(1-φ̂²) = 0.8.
    # g1' = g1 + 1 * 0.6 / (2 * 0.8) g2 = (1, 0.75): cosine 0.6.   g2' = g2 + 2 * 0.6 / 0.8 g1 = (1.5, 2).
    objective = with_target(0.6)
    torch.testing.assert_close(
        one_answer(objective, [[1.0, 0.0], [0.0, 2.0]]), torch.tensor([2.5, 2.75], dtype=torch.float64)
    )


def test_a_cosine_above_its_target_is_left_alone():
    rows = [[1.0, 0.0], [4.0, 3.0]]  # cosine 0.8
    assert one_answer(with_target(0.6), rows).tolist() == [5.0, 3.0]


def test_a_cosine_at_its_target_is_left_alone():
    rows = torch.tensor([[1.0, 0.0], [4.0, 3.0]], dtype=torch.float64)
    torch.testing.assert_close(one_answer(with_target(0.8), rows), rows.sum(0))


@pytest.mark.parametrize("target", [-0.5, 0.0, 0.3, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_the_cosine_becomes_the_target(seed, target):
    rows = random_rows(seed, 2, 4).numpy()
    coefficients, before = vaccinations(rows @ rows.T, np.full((2, 2), target), [[1], [0]])
    for i, j in ((0, 1), (1, 0)):
        changed = coefficients[i] @ rows
        cosine = changed @ rows[j] / np.linalg.norm(changed) / np.linalg.norm(rows[j])
        assert cosine == pytest.approx(max(target, before[i, j]), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_with_targets_of_zero_it_is_pcgrad(seed):
    rows = random_rows(seed, 3, 4).numpy()
    orders = [[2, 1], [0, 2], [1, 0]]
    coefficients, _ = vaccinations(rows @ rows.T, np.zeros((3, 3)), orders)
    np.testing.assert_allclose(coefficients, projections(rows @ rows.T, orders), atol=1e-9)


def test_targets_are_moving_averages_per_pair_and_group():
    objective = make_objective("gradvac", LANGUAGES, beta=0.25)
    stacked = {
        "encoder.w": torch.tensor([[1.0, 0.0], [4.0, 3.0]]),  # cosine 0.8
        "tagger.w": torch.tensor([[1.0, 0.0], [3.0, 4.0]]),  # cosine 0.6
    }
    for expected in ({"encoder": 0.2, "tagger": 0.15}, {"encoder": 0.35, "tagger": 0.2625}):
        answer(objective, Gradients(("en", "fr"), stacked))
        state = objective.state_dict()
        assert set(state) == {"target.encoder", "target.tagger"}
        for group, target in expected.items():
            targets = state[f"target.{group}"]
            assert targets[1, 2].item() == pytest.approx(target, abs=1e-6)
            assert targets[2, 1].item() == pytest.approx(target, abs=1e-6)
            assert targets.count_nonzero() == 2  # pairs that were not there keep their target


@pytest.mark.parametrize("num_languages", [2, 4])
@pytest.mark.parametrize("seed", range(10))
def test_equals_torchjd_over_steps_in_its_own_order(seed, num_languages):
    torchjd = pytest.importorskip("torchjd.aggregation")
    theirs = torchjd.GradVac(beta=0.3, eps=0.0)
    targets = np.zeros((num_languages, num_languages))
    torch.manual_seed(seed)
    for step in range(6):
        rows = random_rows(100 * seed + step, num_languages, 6) + 0.3
        before = torch.get_rng_state()
        expected = theirs(rows)
        after = torch.get_rng_state()
        torch.set_rng_state(before)
        orders = []
        for i in range(num_languages):
            others = [j for j in range(num_languages) if j != i]
            orders.append([others[k] for k in torch.randperm(num_languages - 1).tolist()])
        assert torch.equal(torch.get_rng_state(), after)
        coefficients, cosines = vaccinations((rows @ rows.T).numpy(), targets, orders)
        torch.testing.assert_close(torch.tensor(coefficients.sum(0)) @ rows, expected)
        targets = np.where(np.isnan(cosines), targets, 0.7 * targets + 0.3 * cosines)


def test_state_round_trip_goes_on_in_the_same_bits():
    first = make_objective("gradvac", LANGUAGES, beta=0.2)
    for step in range(4):
        one_answer(first, random_rows(step, 4, 5), seed=step)
    second = make_objective("gradvac", LANGUAGES, beta=0.2)
    given = first.state_dict()
    kept = given["target.encoder"].clone()
    second.load_state_dict(given)
    for step in range(4, 8):
        rows = random_rows(step, 4, 5)
        assert torch.equal(one_answer(first, rows, seed=step), one_answer(second, rows, seed=step))
    assert all(torch.equal(tensor, second.state_dict()[name]) for name, tensor in first.state_dict().items())
    assert torch.equal(given["target.encoder"], kept)  # loading took a copy


def test_a_state_is_a_copy():
    objective = make_objective("gradvac", LANGUAGES)
    one_answer(objective, [[1.0, 0.0], [1.0, 1.0]])
    before = objective.state_dict()["target.encoder"].clone()
    objective.state_dict()["target.encoder"].fill_(9.0)
    assert torch.equal(objective.state_dict()["target.encoder"], before)


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_opposites_cancel_and_leave_no_noise_in_targets(noise):
    # g1' vanishes against g2, but for rounding; against g3 it then has no direction, and no cosine is recorded.
    rows = np.array([[1.0, noise], [-1.0, 0.0], [0.3, 1.0]])
    coefficients, cosines = vaccinations(rows @ rows.T, np.zeros((3, 3)), [[1, 2], [0, 2], [0, 1]])
    assert math.isnan(cosines[0, 2])
    assert math.isnan(cosines[1, 2])
    assert np.isfinite(cosines[[0, 1, 2, 2], [1, 0, 0, 1]]).all()
    assert coefficients[0] @ rows == pytest.approx([0, 0], abs=1e-7)


def test_a_target_near_one_does_not_drown_the_gradient():
    rows = np.array([[1.0, 0.0], [0.8, 0.6]])
    coefficients, _ = vaccinations(rows @ rows.T, np.full((2, 2), 1.0), [[1], [0]])
    assert np.isfinite(coefficients).all()
    changed = coefficients[0] @ rows
    assert changed @ rows[1] / np.linalg.norm(changed) == pytest.approx(HIGHEST_TARGET)
