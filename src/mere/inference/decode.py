"""Tags, spans and their probabilities out of emissions, in numpy: the same code with torch and without it.

Viterbi finds the best BIO sequence; forward and backward sums give the probability that exactly this span
stands there, whatever the rest of the sentence does. Items are decoded together, one step per piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.data.tagging import to_spans

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Chain:
    """The CRF's constrained scores: start (C, T), transitions from-to (C, T, T), end (C, T)."""

    start: Array
    transitions: Array
    end: Array


def viterbi(emissions: Array, lengths: NDArray[np.int64], chain: Chain) -> NDArray[np.int64]:
    """Return the best tags (N, C, P) of emissions (N, C, P, T); what lies beyond an item's length is 0."""
    num, channels, places, _ = emissions.shape
    back = np.zeros((places, num, channels, emissions.shape[-1]), dtype=np.int64)
    alpha = chain.start + emissions[:, :, 0]
    for step in range(1, places):
        scores = alpha[..., :, None] + chain.transitions
        back[step] = scores.argmax(-2)
        moved = scores.max(-2) + emissions[:, :, step]
        alpha = np.where((step < lengths)[:, None, None], moved, alpha)
    tags = np.zeros((num, channels, places), dtype=np.int64)
    best = (alpha + chain.end).argmax(-1)  # (N, C): the tag at each item's last place
    for step in range(places - 1, -1, -1):
        inside = (step < lengths)[:, None]
        tags[:, :, step] = np.where(inside, best, 0)
        if step:
            previous = np.take_along_axis(back[step], best[..., None], -1)[..., 0]
            best = np.where(inside, previous, best)
    return tags


def _logsumexp(x: Array, axis: int) -> Array:
    top = x.max(axis, keepdims=True)
    return (top + np.log(np.exp(x - top).sum(axis, keepdims=True))).squeeze(axis)


def forward_backward(
    emissions: Array, lengths: NDArray[np.int64], chain: Chain
) -> tuple[Array, Array, Array]:
    """Return alpha, beta (N, C, P, T) and log Z (N, C); alpha counts the emission at its place, beta not."""
    alpha = np.empty_like(emissions)
    beta = np.empty_like(emissions)
    alpha[:, :, 0] = chain.start + emissions[:, :, 0]
    places = emissions.shape[2]
    for step in range(1, places):
        moved = _logsumexp(alpha[:, :, step - 1, :, None] + chain.transitions, -2) + emissions[:, :, step]
        alpha[:, :, step] = np.where((step < lengths)[:, None, None], moved, alpha[:, :, step - 1])
    beta[:, :, -1] = chain.end
    for step in range(places - 2, -1, -1):
        ahead = (emissions[:, :, step + 1] + beta[:, :, step + 1])[..., None, :]
        moved = _logsumexp(chain.transitions + ahead, -1)
        beta[:, :, step] = np.where((step + 1 < lengths)[:, None, None], moved, chain.end)
    return alpha, beta, _logsumexp(alpha[:, :, -1] + chain.end, -1)


def span_probabilities(
    emissions: Array, lengths: NDArray[np.int64], chain: Chain, tags: NDArray[np.int64]
) -> list[list[list[tuple[tuple[int, int], float]]]]:
    """Return for each item and channel the spans of `tags`, each with the probability of that very span."""
    alpha, beta, log_z = forward_backward(emissions, lengths, chain)
    found: list[list[list[tuple[tuple[int, int], float]]]] = []
    for item, length in enumerate(lengths):
        channels: list[list[tuple[tuple[int, int], float]]] = []
        for channel in range(emissions.shape[1]):
            spans = []
            for start, end in to_spans(tags[item, channel, :length].tolist()):
                score = alpha[item, channel, start, 1]
                inner = chain.transitions[channel, 1, 2] if end - start > 1 else 0.0
                inner += chain.transitions[channel, 2, 2] * max(0, end - start - 2)
                score = score + inner + emissions[item, channel, start + 1 : end, 2].sum()
                last = 1 if end - start == 1 else 2
                if end == length:
                    score = score + chain.end[channel, last]
                else:  # whatever follows, it does not continue the span
                    after = chain.transitions[channel, last] + emissions[item, channel, end]
                    after = after + beta[item, channel, end]
                    score = score + np.logaddexp(after[0], after[1])
                spans.append(((start, end), float(min(1.0, np.exp(score - log_z[item, channel])))))
            channels.append(spans)
        found.append(channels)
    return found


def best_spans(
    emissions: Array,
    lengths: NDArray[np.int64],
    chain: Chain,
    *,
    most: int = 3,
    least: float = 0.03,
    longest: int = 48,
) -> list[list[list[tuple[tuple[int, int], float]]]]:
    """Return for each item and channel its most probable spans, best first, each with its probability.

    The probability of a span sums over every tagging of the rest, so a span that is not on the best path
    may still be named; spans of one list may overlap.

    Args:
        emissions: (N, C, P, T). lengths: (N,) pieces of each item.
        most: spans per list. least: probability below which a span is not named. longest: pieces of a span.
    """
    num, channels, places, _ = emissions.shape
    alpha, beta, log_z = forward_backward(emissions, lengths, chain)
    longest = min(longest, places)
    # What follows a span that ends before place b: no I. At the sentence's end: the end score.
    after = np.full((num, channels, places + 1, 2), -np.inf, dtype=np.float32)  # last tag of the span: B, I
    ahead = emissions + beta
    for last in (0, 1):
        leaving = chain.transitions[:, 1 + last, :2]  # (C, 2) to O or B
        steps = ahead[..., :2] + leaving[:, None]
        after[:, :, :places, last] = np.logaddexp(steps[..., 0], steps[..., 1])
    place = np.arange(places + 1)
    at_end = (place[None] == lengths[:, None])[:, None, :, None]
    after = np.where(at_end, chain.end[:, None, 1:3], after)
    after = np.where((place[None] > lengths[:, None])[:, None, :, None], -np.inf, after)
    inside = np.zeros((num, channels, places + 1), dtype=np.float32)
    np.cumsum(emissions[..., 2], axis=-1, out=inside[..., 1:])
    scores = np.full((num, channels, places, longest), -np.inf, dtype=np.float32)  # start, length - 1
    scores[..., 0] = alpha[..., 1] + after[:, :, 1:, 0]
    for size in range(2, longest + 1):
        starts = places - size + 1
        within = inside[:, :, size:] - inside[:, :, 1 : starts + 1]
        moves = chain.transitions[:, 1, 2] + (size - 2) * chain.transitions[:, 2, 2]
        scores[:, :, :starts, size - 1] = (
            alpha[:, :, :starts, 1] + within + moves[:, None] + after[:, :, size:, 1]
        )
    probability = np.exp(np.minimum(scores - log_z[..., None, None], 0.0)).reshape(num, channels, -1)
    most = min(most, probability.shape[-1])
    top = np.argpartition(-probability, most - 1, axis=-1)[..., :most]
    found: list[list[list[tuple[tuple[int, int], float]]]] = []
    for item in range(num):
        lists = []
        for channel in range(channels):
            spans = []
            for flat in top[item, channel].tolist():
                start, size = divmod(flat, longest)
                p = float(probability[item, channel, flat])
                if p >= least:
                    spans.append(((start, start + size + 1), p))
            lists.append(sorted(spans, key=lambda span: -span[1]))
        found.append(lists)
    return found
