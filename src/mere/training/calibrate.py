"""Calibrates the score from which on a triple is returned, language by language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mere.metrics.protocol import apply_protocol, unique_triples
from mere.metrics.triples import strict_counts
from mere.schema import UNIVERSAL
from mere.types import Prediction, Sentence

GRID = tuple(round(0.02 + 0.02 * i, 2) for i in range(40))
MIN_SENTENCES = 50
"""A language with fewer dev sentences takes the threshold that is best for all of them."""


def calibrate(
    sentences: Sequence[Sentence], predictions: Sequence[Prediction]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the best thresholds (UNIVERSAL is for all languages together) and the strict triple F1 of each with it.

    The one-triple protocol is applied at every threshold, so a threshold also says when to answer "none".
    """
    languages = sorted({sentence.lang for sentence in sentences})
    table = {lang: np.zeros((len(GRID), 3)) for lang in languages}
    sizes = dict.fromkeys(languages, 0)
    for sentence, prediction in zip(sentences, predictions, strict=True):
        gold = unique_triples(sentence.triples)
        sizes[sentence.lang] += 1
        previous: tuple[int, tuple[int, int, int]] | None = None
        for index, threshold in enumerate(GRID):
            kept = tuple(t for t in prediction.triples if (t.score or 0.0) >= threshold)
            if previous is None or previous[0] != len(kept):
                counts = strict_counts(gold, apply_protocol(sentence, Prediction((), kept)))
                previous = len(kept), (counts.tp, counts.fp, counts.fn)
            table[sentence.lang][index] += previous[1]
    f1 = {lang: _f1(counts) for lang, counts in table.items()}
    common = _lowest_good(np.mean(list(f1.values()), axis=0))
    thresholds = {UNIVERSAL: GRID[common]}
    best = {}
    for lang in languages:
        index = _lowest_good(f1[lang]) if sizes[lang] >= MIN_SENTENCES else common
        thresholds[lang] = GRID[index]
        best[lang] = float(f1[lang][index])
    return thresholds, best


def _f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    tp, fp, fn = counts.T
    return 2 * tp / np.maximum(1, 2 * tp + fp + fn)


def _lowest_good(f1: NDArray[np.float64]) -> int:
    """Return the lowest threshold whose smoothed F1 is within 1 % of the best one.

    Dev chose the weights too, so it flatters; the best threshold for scores that are lower is lower (it is
    half of the F1 that can be reached: Lipton, Elkan and Naryanaswamy 2014).
    """
    padded = np.concatenate([f1[:1], f1[:1], f1, f1[-1:], f1[-1:]])
    smooth = np.convolve(padded, np.ones(5) / 5, mode="valid")
    return int(np.flatnonzero(smooth >= 0.99 * smooth.max())[0])
