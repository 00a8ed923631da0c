"""PCGrad against the paper's formula by hand and against torchjd."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from mere.training.objectives import Gradients, make_objective
from mere.training.objectives.pcgrad import projections
from tests.training.objectives.gradient_examples import LANGUAGES, answer, gradients, one_answer, random_rows


def test_conflict_by_hand():
    # g1 = (1, 0), g2 = (-1, 1): g1·g2 = -1, |g2|² = 2.
    # g1' = g1 + g2/2 = (1/2, 1/2); g2' = g2 + g1 = (0, 1); sum (1/2, 3/2).
    objective = make_objective("pcgrad", LANGUAGES)
    assert one_answer(objective, [[1.0, 0.0], [-1.0, 1.0]]).tolist() == [0.5, 1.5]


def test_agreement_by_hand():
    objective = make_objective("pcgrad", LANGUAGES)
    assert one_answer(objective, [[1.0, 0.0], [1.0, 1.0]]).tolist() == [2.0, 1.0]


def test_opposites_cancel():
    objective = make_objective("pcgrad", LANGUAGES)
    assert one_answer(objective, [[1.0, 2.0], [-2.0, -4.0]]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("seed", range(20))
def test_equals_torchjd_for_two(seed):
    torchjd = pytest.importorskip("torchjd.aggregation")
    rows = random_rows(seed, 2, 5)
    torch.testing.assert_close(one_answer(make_objective("pcgrad", LANGUAGES), rows), torchjd.PCGrad()(rows))


@pytest.mark.parametrize("seed", range(20))
def test_equals_torchjd_for_four_in_its_own_order(seed):
    torchjd = pytest.importorskip("torchjd.aggregation")
    rows = random_rows(seed, 4, 5)
    torch.manual_seed(seed)
    orders = [[j for j in torch.randperm(4).tolist() if j != i] for i in range(4)]
    torch.manual_seed(seed)
    expected = torchjd.PCGrad()(rows)
    weights = projections((rows @ rows.T).numpy(), orders).sum(0)
    torch.testing.assert_close(torch.tensor(weights) @ rows, expected)


@pytest.mark.parametrize("seed", range(5))
def test_vectors_projected_one_by_one_give_the_same(seed):
    """The Gram algebra against Algorithm 1 on the vectors themselves."""
    rows = random_rows(seed, 3, 4).numpy()
    orders = [[2, 1], [0, 2], [1, 0]]
    total = np.zeros(4)
    for row, order in zip(rows, orders, strict=True):
        changed = row.copy()
        for other in order:
            if changed @ rows[other] < 0:
                changed -= changed @ rows[other] / (rows[other] @ rows[other]) * rows[other]
        total += changed
    np.testing.assert_allclose(projections(rows @ rows.T, orders).sum(0) @ rows, total, atol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_without_conflict_it_is_the_sum_bit_for_bit(seed):
    rows = random_rows(seed, 4, 6).abs()
    assert torch.equal(one_answer(make_objective("pcgrad", LANGUAGES), rows), rows.sum(0))


def test_chance_comes_from_the_generator_and_matters():
    rows = random_rows(3, 4, 3)
    objective = make_objective("pcgrad", LANGUAGES)
    answers = [one_answer(objective, rows, seed) for seed in range(12)]
    assert torch.equal(answers[5], one_answer(objective, rows, 5))
    assert len({tuple(a.tolist()) for a in answers}) > 1


def test_every_order_can_be_drawn():
    rows = random_rows(3, 3, 3).numpy()
    gram = rows @ rows.T
    pairs = [list(itertools.permutations([j for j in range(3) if j != i])) for i in range(3)]
    possible = {
        tuple(projections(gram, orders).sum(0).round(9) @ rows) for orders in itertools.product(*pairs)
    }
    objective = make_objective("pcgrad", LANGUAGES)
    drawn = [one_answer(objective, rows, seed).numpy() for seed in range(100)]
    for vector in drawn:
        assert min(np.abs(vector - np.array(p)).max() for p in possible) < 1e-6
    for p in possible:
        assert min(np.abs(vector - np.array(p)).max() for vector in drawn) < 1e-6


def test_scope_group_projects_in_each_module():
    # They agree in the encoder and conflict in the tagger; over both together they agree.
    given = Gradients(
        ("de", "en"),
        {
            "encoder.w": torch.tensor([[3.0, 0.0], [3.0, 0.0]]),
            "tagger.w": torch.tensor([[1.0, 0.0], [-1.0, 1.0]]),
        },
    )
    whole = answer(make_objective("pcgrad", LANGUAGES), given)
    assert whole["tagger.w"].tolist() == [0.0, 1.0]
    by_group = answer(make_objective("pcgrad", LANGUAGES, scope="group"), given)
    assert by_group["encoder.w"].tolist() == [6.0, 0.0]
    assert by_group["tagger.w"].tolist() == [0.5, 1.5]


def test_the_name_of_the_parameter_does_not_matter_but_its_group_does():
    rows = [[1.0, 0.0], [-1.0, 1.0]]
    given = gradients(rows, name="a.b.c")
    assert list(given.by_group) == ["a"]
    assert list(Gradients(given.languages, given.stacked, depth=2).by_group) == ["a.b"]
