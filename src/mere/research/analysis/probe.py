"""Can a linear model tell the language from a sentence's vector? Cross-validated accuracy (claim A-4).

Softmax regression with an L2 penalty on standardised features, minimised in full batches by L-BFGS; each fold is
standardised by its own training part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Probe:
    """Accuracy over all held-out sentences, and that of naming the most frequent class always."""

    accuracy: float
    majority: float
    recall: dict[str, float]

    def to_json(self) -> dict[str, object]:
        return vars(self)


def probe(
    vectors: Float[np.ndarray, "N D"],
    labels: Sequence[str],
    *,
    folds: int = 5,
    penalty: float = 1e-3,
    seed: int = 0,
) -> Probe:
    """Return how well the labels are read off the vectors; every fold holds its share of each label.

    Args:
        penalty: weight of half the squared weights, beside the mean loss of a sentence.
    """
    names = sorted(set(labels))
    classes = np.array([names.index(label) for label in labels])
    fold = _folds(classes, folds, np.random.default_rng(seed))
    right = np.zeros(len(classes), dtype=bool)
    for number in range(folds):
        held, rest = fold == number, fold != number
        if held.any() and rest.any():
            right[held] = (
                _predict(vectors[rest], classes[rest], vectors[held], len(names), penalty) == classes[held]
            )
    return Probe(
        accuracy=float(right.mean()),
        majority=float(np.bincount(classes).max() / len(classes)),
        recall={name: float(right[classes == place].mean()) for place, name in enumerate(names)},
    )


def _folds(classes: Int[np.ndarray, " N"], folds: int, rng: np.random.Generator) -> Int[np.ndarray, " N"]:
    fold = np.zeros(len(classes), dtype=np.int64)
    for label in set(classes.tolist()):
        members = rng.permutation(np.flatnonzero(classes == label))
        fold[members] = np.arange(len(members)) % folds
    return fold


def _predict(
    train: np.ndarray, classes: np.ndarray, held: np.ndarray, num_classes: int, penalty: float
) -> Int[np.ndarray, " M"]:
    mean, scale = train.mean(0), train.std(0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    x, new = (torch.from_numpy((part - mean) / scale).double() for part in (train, held))
    wanted = torch.from_numpy(classes)
    weight = torch.zeros(x.shape[1], num_classes, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(num_classes, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(x @ weight + bias, wanted)
        loss = loss + penalty / 2 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return (new @ weight + bias).argmax(1).numpy()
