"""The conflict of languages' gradients at a stage's weights, by module (METHOD §6.3).

At every step each language has a batch of its own sentences. The statistics are those of training
(mere.training.objectives.conflict). A batch is a sample, so even two batches of one language disagree: each
language is compared with itself too, as "de" and "de'"; that cosine is an upper bound for a pair of languages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mere.data.examples import Annotated
from mere.models.model import Model
from mere.training.objectives import ConflictTracker, separate_forwards

SECOND_BATCH = "'"
"""Marks the second batch of a language in a step."""


@dataclass(frozen=True)
class Conflict:
    """Means over steps, per module and "all".

    Args:
        cosine, conflicting: group -> (L, L), of different batches also on the diagonal; NaN where never compared.
    """

    languages: tuple[str, ...]
    steps: int
    sentences_per_batch: int
    cosine: dict[str, Float[np.ndarray, "L L"]]
    conflicting: dict[str, Float[np.ndarray, "L L"]]

    def between(self, group: str = "all") -> tuple[float, float]:
        """Return the mean cosine and the share of conflicting pairs, over pairs of different languages."""
        apart = ~np.eye(len(self.languages), dtype=bool)
        return _mean(self.cosine[group][apart]), _mean(self.conflicting[group][apart])

    def within(self, group: str = "all") -> tuple[float, float]:
        """Return the same over pairs of batches of one language."""
        return _mean(self.cosine[group].diagonal()), _mean(self.conflicting[group].diagonal())

    def pairs(self, group: str = "all") -> dict[tuple[str, str], float]:
        """Return the mean cosine of every ordered pair of different languages."""
        numbered = list(enumerate(self.languages))
        matrix = self.cosine[group]
        return {(a, b): float(matrix[i, j]) for i, a in numbered for j, b in numbered if i != j}

    def to_json(self) -> dict[str, Any]:
        groups: dict[str, Any] = {}
        for group in self.cosine:
            groups[group] = {
                "mean_cosine": self.between(group)[0],
                "share_conflicting": self.between(group)[1],
                "mean_cosine_within": self.within(group)[0],
                "share_conflicting_within": self.within(group)[1],
                "cosine": _rounded(self.cosine[group]),
                "conflicting": _rounded(self.conflicting[group]),
            }
        return {
            "languages": list(self.languages),
            "steps": self.steps,
            "sentences_per_batch": self.sentences_per_batch,
            "groups": groups,
        }


def conflict(
    model: Model,
    examples: Mapping[str, Sequence[Annotated]],
    loss_of: Callable[[Sequence[Annotated], np.random.Generator], torch.Tensor],
    *,
    steps: int = 20,
    sentences: int = 16,
    depth: int = 2,
    seed: int = 0,
) -> Conflict:
    """Compare the languages' gradients at a model's weights.

    Args:
        model: in eval mode. examples: of each language.
        loss_of: the loss of a batch of ungrouped sentences.
        sentences: in a batch. depth: how many parts of a parameter's name are its group.
    """
    parameters = {name: p for name, p in model.named_parameters() if not name.startswith("switcher.")}
    languages = tuple(examples)
    doubled = (*languages, *(lang + SECOND_BATCH for lang in languages))
    tracker = ConflictTracker(doubled)
    before = {name: p.requires_grad for name, p in parameters.items()}
    for parameter in parameters.values():
        parameter.requires_grad_()
    for step in range(steps):
        drawn: dict[str, list[Annotated]] = {}
        for number, lang in enumerate(languages):
            rng = np.random.default_rng([seed, step, number])
            rows = rng.permutation(len(examples[lang]))
            half = min(sentences, len(rows) // 2) or len(rows)
            for name, part in ((lang, rows[:half]), (lang + SECOND_BATCH, rows[half : 2 * half])):
                if len(part):
                    drawn[name] = [examples[lang][row] for row in part]

        def loss(name: str, drawn: dict[str, list[Annotated]] = drawn, step: int = step) -> torch.Tensor:
            return loss_of(drawn[name], np.random.default_rng([seed, step]))

        _, gradients = separate_forwards(loss, drawn, parameters, depth=depth)
        tracker.update(gradients)
    for name, parameter in parameters.items():
        parameter.requires_grad_(before[name])
    means: dict[str, dict[str, np.ndarray]] = {"cosine": {}, "conflicting": {}}
    for group, met in tracker.steps.items():
        for name, by_group in means.items():
            by_group[group] = _folded(tracker.means[group][name], met, len(languages))
    return Conflict(languages, steps, sentences, means["cosine"], means["conflicting"])


def _folded(
    mean: Float[np.ndarray, "2L 2L"], met: Float[np.ndarray, "2L 2L"], number: int
) -> Float[np.ndarray, "L L"]:
    """Fold the two batches of every language: different batches of the same two languages are averaged."""
    shape = (2, number, 2, number)
    counts = met.reshape(shape).sum((0, 2))
    sums = (mean * met).reshape(shape).sum((0, 2))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _rounded(matrix: np.ndarray) -> list[list[float | None]]:
    return [[round(float(v), 5) if np.isfinite(v) else None for v in row] for row in matrix]
