"""MGDA against the closed form for two, a grid for three, enumerated faces for more, and torchjd."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from mere.training.objectives import make_objective
from mere.training.objectives.mgda import min_norm_weights
from tests.training.objectives.gradient_examples import LANGUAGES, one_answer, random_rows


def test_conflict_by_hand():
    # g1 = (2, 0), g2 = (0, 1): α1 = g2·(g2-g1) / |g1-g2|² = 1/5; answer (2/5, 4/5).
    torch.testing.assert_close(
        one_answer(make_objective("mgda", LANGUAGES), [[2.0, 0.0], [0.0, 1.0]]),
        torch.tensor([0.4, 0.8], dtype=torch.float64),
    )


def test_opposites_of_unequal_length_leave_nothing():
    torch.testing.assert_close(
        one_answer(make_objective("mgda", LANGUAGES), [[3.0, 0.0], [-1.0, 0.0]]),
        torch.zeros(2, dtype=torch.float64),
    )


def test_the_shorter_of_two_in_line_is_the_answer():
    assert one_answer(make_objective("mgda", LANGUAGES), [[3.0, 0.0], [1.0, 0.0]]).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("seed", range(30))
def test_two_languages_in_closed_form(seed):
    g, h = random_rows(seed, 2, 3).numpy()
    first = np.clip(h @ (h - g) / ((g - h) @ (g - h)), 0, 1)
    rows = np.stack([g, h])
    np.testing.assert_allclose(min_norm_weights(rows @ rows.T), [first, 1 - first], atol=1e-12)


@pytest.mark.parametrize("seed", range(15))
def test_three_languages_against_a_grid(seed):
    rows = random_rows(seed, 3, 2 + seed % 3).numpy()
    gram = rows @ rows.T
    steps = np.linspace(0, 1, 201)
    a, b = np.meshgrid(steps, steps, indexing="ij")
    grid = np.stack([a, b, 1 - a - b], -1)[a + b <= 1 + 1e-12]  # (points, 3)
    norms = np.einsum("pi,ij,pj->p", grid, gram, grid)
    alpha = min_norm_weights(gram)
    assert alpha.min() >= 0
    assert alpha.sum() == pytest.approx(1)
    best = alpha @ gram @ alpha
    assert best <= norms.min() + 1e-9
    # The nearest point of the grid is within 0.005 in each weight, so the grid cannot be far above.
    assert norms.min() - best <= 2 * 0.01 * np.abs(gram).max()


def lowest_face(gram: np.ndarray) -> float:
    """The exact minimum: on each face of the simplex solve M α = μ 1, keep the feasible ones."""
    best = np.inf
    size = len(gram)
    for count in range(1, size + 1):
        for face in itertools.combinations(range(size), count):
            solved = np.linalg.lstsq(gram[np.ix_(face, face)], np.ones(count), rcond=None)[0]
            if solved.sum() <= 0 or (solved < 0).any():
                continue
            alpha = solved / solved.sum()
            best = min(best, alpha @ gram[np.ix_(face, face)] @ alpha)
    return best


@pytest.mark.parametrize("num_languages", [3, 5, 7])
@pytest.mark.parametrize("seed", range(10))
def test_more_languages_against_all_faces(seed, num_languages):
    rows = random_rows(seed, num_languages, 10).numpy() + 0.5
    gram = rows @ rows.T
    alpha = min_norm_weights(gram)
    assert alpha @ gram @ alpha == pytest.approx(lowest_face(gram), rel=1e-7)


@pytest.mark.parametrize("num_languages", [2, 3, 6, 20])
@pytest.mark.parametrize("width", [2, 40])
def test_no_loss_falls_more_slowly_than_those_that_take_part(num_languages, width):
    rows = random_rows(num_languages, num_languages, width).numpy()
    gram = rows @ rows.T
    alpha = min_norm_weights(gram)
    slope = gram @ alpha
    assert slope.min() >= alpha @ slope - 1e-8 * gram.diagonal().min()


@pytest.mark.parametrize("num_languages", [2, 3, 4])
@pytest.mark.parametrize("seed", range(2))
def test_equals_torchjd(seed, num_languages):
    torchjd = pytest.importorskip("torchjd.aggregation")
    rows = random_rows(seed, num_languages, 12) + 0.2
    theirs = torchjd.MGDA(epsilon=1e-9, max_iters=20_000)(rows)
    ours = one_answer(make_objective("mgda", LANGUAGES), rows)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-3 * rows.norm(dim=1).min().item())
    assert ours.norm() <= theirs.norm() * (1 + 1e-9)


def test_gradients_of_very_different_length():
    rows = np.array([[1e4, 1e4], [1e-3, 0.0], [0.0, 1e-3]])
    alpha = min_norm_weights(rows @ rows.T)
    np.testing.assert_allclose(alpha, [0, 0.5, 0.5], atol=1e-6)


def test_equal_gradients():
    rows = np.ones((3, 4))
    assert min_norm_weights(rows @ rows.T) @ rows == pytest.approx(np.ones(4))
