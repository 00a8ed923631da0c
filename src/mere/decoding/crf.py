"""Spans and their probabilities out of emissions, in numpy: the same code with torch and without it.

Forward and backward sums give the probability that exactly this span stands there, whatever the rest of the
sentence does. Naming spans by it, rather than reading them off the one best path, also names those that the
model half believes: the score of the triple then says how far to trust them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mere.data.examples import PieceSpan
from mere.decoding.limits import Limits

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Chain:
    """The CRF's constrained scores: start (C, T), transitions from-to (C, T, T), end (C, T)."""

    start: Array
    transitions: Array
    end: Array


class RoleSpan(NamedTuple):
    """A subject or an object of a relation, and the probability that exactly this span stands there."""

    span: PieceSpan
    probability: float


class TypedSpan(NamedTuple):
    """An entity, and the probability that exactly this one stands there."""

    start_piece: int
    end_piece: int
    type_id: int
    probability: float


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


def best_spans(
    emissions: Array, lengths: NDArray[np.int64], chain: Chain, limits: Limits
) -> list[list[list[RoleSpan]]]:
    """Return for each item and channel its most probable spans, best first, each with its probability.

    The probability of a span sums over every tagging of the rest, so a span that is not on the best path
    may still be named; spans of one list may overlap.

    Args:
        emissions: (N, C, P, T). lengths: (N,) pieces of each item.
    """
    if not len(emissions):
        return []
    num, channels, places, _ = emissions.shape
    alpha, beta, log_z = forward_backward(emissions, lengths, chain)
    longest = min(limits.longest_span, places)
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
    most = min(limits.spans_per_role, probability.shape[-1])
    top = np.argpartition(-probability, most - 1, axis=-1)[..., :most]
    found: list[list[list[RoleSpan]]] = []
    for item in range(num):
        lists = []
        for channel in range(channels):
            spans = []
            for flat in top[item, channel].tolist():
                start, size = divmod(flat, longest)
                p = float(probability[item, channel, flat])
                if p >= limits.min_span:
                    spans.append(RoleSpan(PieceSpan(start, start + size + 1), p))
            lists.append(sorted(spans, key=lambda span: -span.probability))
        found.append(lists)
    return found


def viterbi(emissions: Array, lengths: NDArray[np.int64], chain: Chain) -> NDArray[np.int64]:
    """Return the best tags of each item, (N, P); what lies beyond an item's length is 0.

    Args:
        emissions: (N, P, T). lengths: (N,) pieces of each item. chain: of one channel.
    """
    num, places, _ = emissions.shape
    start, transitions, end = chain.start[0], chain.transitions[0], chain.end[0]
    came_from = np.zeros(emissions.shape, dtype=np.int64)
    best = start + emissions[:, 0]
    for step in range(1, places):
        moved = best[:, :, None] + transitions
        came_from[:, step] = moved.argmax(1)
        ahead = moved.max(1) + emissions[:, step]
        best = np.where((step < lengths)[:, None], ahead, best)
    tags = np.zeros((num, places), dtype=np.int64)
    rows = np.arange(num)
    tag = (best + end).argmax(1)
    for step in range(places - 1, -1, -1):
        inside = step < lengths
        tags[inside, step] = tag[inside]
        tag = np.where(inside, came_from[rows, step, tag], tag)
    return tags


def typed_spans(emissions: Array, lengths: NDArray[np.int64], chain: Chain) -> list[list[TypedSpan]]:
    """Return the entities of each item's best tagging, in order, each with its probability.

    The probability sums over every tagging of the rest of the sentence.

    Args:
        emissions: (N, P, T) with T = 1 + 2 types. lengths: (N,). chain: of one channel.
    """
    tags = viterbi(emissions, lengths, chain)
    found: list[list[TypedSpan]] = [[] for _ in tags]
    if not tags.any():
        return found
    alpha, beta, log_z = (x[:, 0] for x in forward_backward(emissions[:, None], lengths, chain))
    transitions, end_score = chain.transitions[0], chain.end[0]
    begins = np.argwhere((tags > 0) & (tags % 2 == 1))
    for item, start in begins.tolist():
        begin_tag = int(tags[item, start])
        inside_tag = begin_tag + 1
        end = start + 1
        score = float(alpha[item, start, begin_tag])
        last = begin_tag
        while end < lengths[item] and tags[item, end] == inside_tag:
            score += float(transitions[last, inside_tag] + emissions[item, end, inside_tag])
            last, end = inside_tag, end + 1
        if end == lengths[item]:
            score += float(end_score[last])
        else:
            leaving = transitions[last] + emissions[item, end] + beta[item, end]
            leaving[inside_tag] = -np.inf  # the entity ends here
            score += float(_logsumexp(leaving, 0))
        probability = float(np.exp(min(0.0, score - float(log_z[item]))))
        found[item].append(TypedSpan(start, end, (begin_tag - 1) // 2, probability))
    return found
