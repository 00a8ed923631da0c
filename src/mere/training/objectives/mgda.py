"""MGDA: the shortest vector between the gradients (Désidéri 2012; Sener and Koltun 2018, eq. 3 and Algorithm 2).

    α* = argmin |Σ_k α_k g_k|²  over the simplex      answer: Σ_k α*_k g_k

A step along it lowers all losses that take part (α_k > 0) at the same rate, |answer|², and no other loss more
slowly; it is zero where no direction helps all. Frank-Wolfe on the Gram matrix with the exact line search
between two languages; steps are pairwise (Lacoste-Julien and Jaggi 2015), which converges linearly.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from mere.training.objectives.base import Gram, SurgeryObjective, Weights


class MGDA(SurgeryObjective):
    """The min-norm point of the languages' gradients; private parameters get their own language's gradient.

    The weights sum to 1, not to K, and favour short gradients.

    Args:
        scope: the paper's is "model"; "group" solves within each module.
    """

    def weights(
        self, gram: Gram, languages: tuple[str, ...], group: str, rng: np.random.Generator
    ) -> Weights:
        return min_norm_weights(gram)


def min_norm_weights(
    gram: Float[np.ndarray, "K K"], *, tolerance: float = 1e-9, max_steps: int = 1000
) -> Float[np.ndarray, " K"]:
    """Return α on the simplex that minimises αᵀ M α.

    Args:
        tolerance: stop when the duality gap αᵀMα - min_k (Mα)_k falls below this share of the shortest
            gradient's squared length; the squared norm is then within twice the gap of the optimum.
    """
    squares = gram.diagonal()
    enough = tolerance * squares.min() + 1e-15 * squares.max()
    alpha = np.zeros(len(gram))
    alpha[squares.argmin()] = 1.0
    for _ in range(max_steps):
        slope = gram @ alpha  # g_k · answer
        toward = slope.argmin()
        if alpha @ slope - slope[toward] <= enough:
            break
        away = np.where(alpha > 0, slope, -np.inf).argmax()
        bend = gram[toward, toward] - 2 * gram[toward, away] + gram[away, away]  # |g_toward - g_away|²
        best = (slope[away] - slope[toward]) / bend if bend > 0 else np.inf
        step = min(alpha[away], best)
        alpha[toward] += step
        alpha[away] = 0.0 if step == alpha[away] else alpha[away] - step
    return alpha / alpha.sum()
