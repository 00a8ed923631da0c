"""Spans and their probabilities out of emissions, in numpy: the same code with torch and without it.

Forward and backward sums give the probability that exactly this span stands there, whatever the rest of the
sentence does. Naming spans by it, rather than reading them off the one best path, also names those that the
model half believes: the score of the triple then says how far to trust them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mere.data.examples import PieceSpan
from mere.decoding.limits import Limits

Array = NDArray[np.floating[Any]]


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
    """Return alpha, beta (N, C, P, T) and log Z (N, C); alpha counts the emission at its place, beta not.

    Probabilities are summed as such and made to add up to 1 at each step, not as logarithms: three times as fast.
    """
    by_place = np.ascontiguousarray(emissions.transpose(2, 1, 0, 3), dtype=np.float64)  # (P, C, N, T)
    top = by_place.max(-1, keepdims=True)
    weights = np.exp(by_place - top)
    moves = np.exp(chain.transitions.astype(np.float64))  # (C, T, T)
    is_past = np.arange(len(weights))[:, None, None] >= lengths[:, None]  # (P, N, 1)
    top = np.where(is_past[:, None], 0.0, top)
    start, end = (np.exp(scores.astype(np.float64))[:, None] for scores in (chain.start, chain.end))
    forward, backward = np.empty_like(weights), np.empty_like(weights)
    forward_sums, backward_sums = np.empty_like(top), np.empty_like(top)

    def keep(states: Array, sums: Array, place: int, state: Array) -> Array:
        total = state.sum(-1, keepdims=True)
        np.divide(state, total, out=states[place])
        sums[place] = total
        return states[place]

    state = keep(forward, forward_sums, 0, start * weights[0])
    for place in range(1, len(weights)):
        moved = (state @ moves) * weights[place]
        np.copyto(moved, state, where=is_past[place])
        state = keep(forward, forward_sums, place, moved)
    at_end = end / end.sum(-1, keepdims=True)  # (C, 1, T)
    state = keep(backward, backward_sums, len(weights) - 1, np.broadcast_to(at_end, weights[0].shape))
    for place in range(len(weights) - 2, -1, -1):
        moved = (weights[place + 1] * state) @ moves.mT
        np.copyto(moved, at_end, where=is_past[place + 1])
        state = keep(backward, backward_sums, place, moved)
    with np.errstate(divide="ignore"):  # what is impossible has the logarithm of 0
        alpha = np.log(forward) + np.cumsum(np.log(forward_sums) + top, axis=0)
        behind = np.log(backward_sums)
        behind[:-1] += top[1:]
        beta = np.log(backward) + np.cumsum(behind[::-1], axis=0)[::-1] + np.log(end.sum(-1, keepdims=True))
        log_z = np.log((forward[-1] * end).sum(-1)) + (np.log(forward_sums) + top).sum(0)[..., 0]
    return alpha.transpose(2, 1, 0, 3), beta.transpose(2, 1, 0, 3), log_z.T


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
    alpha, beta, log_z = forward_backward(emissions, lengths, chain)
    # No span is likelier than a B at its first piece: few pieces are worth a look.
    begins = np.exp(np.minimum(alpha[..., 1] + beta[..., 1] - log_z[..., None], 0.0))
    begins[np.broadcast_to(np.arange(begins.shape[2]) >= lengths[:, None, None], begins.shape)] = 0.0
    item, channel, start = np.nonzero(begins >= limits.min_span)  # (K,) each
    size = np.arange(1, min(limits.longest_span, emissions.shape[2]) + 1)  # (S,)
    log_p = _log_p(emissions, alpha, beta, lengths, chain, (item, channel, start), size)
    probability = np.exp(np.minimum(log_p - log_z[item, channel, None], 0.0))  # (K, S)
    found: list[list[list[RoleSpan]]] = [[[] for _ in emissions[0]] for _ in emissions]
    where, index = np.nonzero(probability >= limits.min_span)
    columns = (item[where], channel[where], start[where], size[index], probability[where, index])
    for row, role, first, length, p in zip(*(column.tolist() for column in columns), strict=True):
        found[row][role].append(RoleSpan(PieceSpan(first, first + length), p))
    for lists in found:
        for spans in lists:
            spans.sort(key=lambda span: -span.probability)
            del spans[limits.spans_per_role :]
    return found


def _log_p(
    emissions: Array,
    alpha: Array,
    beta: Array,
    lengths: NDArray[np.int64],
    chain: Chain,
    at: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]],
    size: NDArray[np.int64],
) -> Array:
    """Return the score of K spans' first pieces with each of S sizes, (K, S), less log Z; -inf beyond the end.

    Args:
        at: item, channel and first piece of each span, (K,). size: pieces of each, (S,).
    """
    item, channel, start = at
    item, channel, start = item[:, None], channel[:, None], start[:, None]  # (K, 1)
    end = start + size  # (K, S)
    place = np.minimum(end, emissions.shape[2] - 1)
    inside = np.cumsum(
        emissions[..., 2], axis=-1, dtype=np.float64
    )  # (N, C, P) of I up to and with each piece
    within = inside[item, channel, np.minimum(end, emissions.shape[2]) - 1] - inside[item, channel, start]
    begun, inner = chain.transitions[channel, 1, 2], chain.transitions[channel, 2, 2]  # B to I, I to I
    moves = np.where(size > 1, begun, 0.0) + np.maximum(size - 2, 0) * inner
    last = np.where(size > 1, 2, 1)  # tag of the span's last piece: B, or I
    ahead = (emissions + beta)[..., :2]
    leaving = chain.transitions[channel, last, :2] + ahead[item, channel, place]  # to O or B, (K, S, 2)
    after = np.logaddexp(leaving[..., 0], leaving[..., 1])
    after = np.where(end == lengths[item], chain.end[channel, last], after)
    scores = alpha[item, channel, start, 1] + within + moves + after
    return np.where(end > lengths[item], -np.inf, scores)


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
    has_any = np.flatnonzero(tags.any(1))
    if not len(has_any):
        return found
    tags, emissions, lengths = tags[has_any], emissions[has_any], lengths[has_any]
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
        found[has_any[item]].append(TypedSpan(start, end, (begin_tag - 1) // 2, probability))
    return found
