"""PCGrad: each language's gradient gives up what points against another's (Yu et al. 2020, Algorithm 1).

    g_i' <- g_i' - (g_i' · g_j / |g_j|²) g_j      whenever g_i' · g_j < 0, for j in random order
    answer: Σ_i g_i'

With g_i' = Σ_j C[i, j] g_j the whole algorithm runs on C and the Gram matrix: g_i' · g_j = (C M)[i, j].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mere.training.objectives.base import Gram, SurgeryObjective, Weights, random_orders


class PCGrad(SurgeryObjective):
    """Projecting conflicting gradients. Without conflict it is the plain sum.

    Args:
        scope: the paper's is "model"; "group" projects within each module.
    """

    def weights(
        self, gram: Gram, languages: tuple[str, ...], group: str, rng: np.random.Generator
    ) -> Weights:
        return projections(gram, random_orders(languages, rng)).sum(0)


def projections(gram: Float[np.ndarray, "K K"], orders: Sequence[Sequence[int]]) -> Float[np.ndarray, "K K"]:
    """Return C: row i holds the coefficients of g_i' after its projections in the order `orders[i]`."""
    coefficients = np.eye(len(gram))
    for row, order in zip(coefficients, orders, strict=True):
        for other in order:
            product = row @ gram[:, other]
            if product < 0:
                row[other] -= product / gram[other, other]
    return coefficients
