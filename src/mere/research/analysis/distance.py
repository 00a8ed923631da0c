"""How far apart languages lie in a space of sentence vectors, and how similar two spaces are.

centroid distance    1 - cosine of the languages' mean vectors, after the mean of all is taken away or not
linear CKA           |XᵀY|² / (|XᵀX| |YᵀY|), columns centred, Frobenius norms (Kornblith et al. 2019, eq. 4)
picture              the two directions of most variance (principal components)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def centroid_distances(
    vectors: Float[np.ndarray, "N D"], langs: Sequence[str], languages: Sequence[str]
) -> Float[np.ndarray, "L L"]:
    """Return 1 - cos of every two languages' mean vectors."""
    of = np.asarray(langs)
    centroids = np.stack([vectors[of == lang].mean(0) for lang in languages])
    lengths = np.linalg.norm(centroids, axis=1)
    return 1 - centroids @ centroids.T / np.outer(lengths, lengths)


def between_variance(vectors: Float[np.ndarray, "N D"], langs: Sequence[str]) -> float:
    """Return the share of the variance that lies between the languages' centroids: 0 none, 1 all.

    Unlike a cosine, it is unchanged when one vector is added to all.
    """
    of = np.asarray(langs)
    centred = vectors - vectors.mean(0)
    between = sum((of == lang).sum() * np.square(centred[of == lang].mean(0)).sum() for lang in set(of))
    return float(between / np.square(centred).sum())


def cka(first: Float[np.ndarray, "N D"], second: Float[np.ndarray, "N E"]) -> float:
    """Return the linear CKA of two spaces of the same sentences: 0 … 1, 1 for a rotation and a scaling."""
    x = (first - first.mean(0)).astype(np.float64)
    y = (second - second.mean(0)).astype(np.float64)
    product = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.square(np.linalg.norm(x.T @ y)) / product) if product else float("nan")


def principal(vectors: Float[np.ndarray, "N D"], number: int = 2) -> Float[np.ndarray, "N C"]:
    """Return the coordinates of the vectors on their first principal components."""
    centred = vectors - vectors.mean(0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    return left[:, :number] * values[:number]
