"""What the three decoders of entities say of a batch, and the entities that come of it, in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.decoding.crf import Chain, TypedSpan, typed_spans
from mere.decoding.span_windows import Window, join_windows
from mere.decoding.types import type_spans


@dataclass(frozen=True)
class Emissions:
    """Scores of BIO tags at each piece, (B, P, 1 + 2 K), and the chain that joins them."""

    scores: NDArray[np.float32]
    chain: Chain


@dataclass(frozen=True)
class LogProbs:
    """Log-probabilities of O and each type at each piece, (B, P, 1 + K)."""

    log_p: NDArray[np.float32]


@dataclass(frozen=True)
class Written:
    """The entities that were written for the windows of each sentence."""

    windows: Sequence[Sequence[Window]]


EntityScores = Emissions | LogProbs | Written


def entities(
    said: EntityScores, lengths: NDArray[np.int64], begins_word: NDArray[np.bool_]
) -> list[list[TypedSpan]]:
    """Return for each sentence its entities, in order and without overlap, each with its probability.

    Args:
        lengths: (B,) pieces of each sentence. begins_word: (B, P) whether a word may begin there.
    """
    if isinstance(said, Emissions):
        return typed_spans(said.scores, lengths, said.chain)
    if isinstance(said, LogProbs):
        return type_spans(said.log_p, lengths, begins_word)
    return [join_windows(windows) for windows in said.windows]
