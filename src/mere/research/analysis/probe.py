"""How well a linear classifier tells the language of a sentence from its vector (scikit-learn)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
PENALTY = 1e-3
"""Weight of half the squared weights, beside the mean loss of a sentence."""


@dataclass(frozen=True)
class Probe:
    """Cross-validated accuracy, beside that of always naming the most frequent label; recall by label."""

    accuracy: float
    majority: float
    recall: dict[str, float]

    def to_json(self) -> dict[str, object]:
        return vars(self)


def probe(vectors: Float[np.ndarray, "N D"], labels: Sequence[str], *, seed: int = 0) -> Probe:
    """Return the accuracy of logistic regression on standardised features, over stratified folds.

    Args:
        labels: each occurs at least twice.
    """
    counts, truth = Counter(labels), np.array(labels)
    folds = StratifiedKFold(min(FOLDS, *counts.values()), shuffle=True, random_state=seed)
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=1 / (PENALTY * len(labels)), max_iter=1000)
    )
    is_right = cross_val_predict(classifier, vectors, truth, cv=folds) == truth
    return Probe(
        accuracy=float(is_right.mean()),
        majority=max(counts.values()) / len(labels),
        recall={label: float(is_right[truth == label].mean()) for label in sorted(counts)},
    )
