"""Entities out of a type per piece, in numpy: the type changes only where a word may begin (CharNER).

The scores of a sequence of types are those of its pieces alone, so the chain falls apart into its words: a word
has the type of its largest sum of log-probabilities, and the softmax over these sums is its posterior, what
forward and backward passes would find. (The published code of the paper sums probabilities.)

There is no B and no I, so an entity is all touching words of one type: two mentions of one type with nothing
between them become one. A space between words is a piece of its own in a stream of bytes and keeps them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mere.data.examples import PieceEntity
from mere.decoding.crf import TypedSpan


def type_spans(
    log_p: NDArray[np.float32], lengths: NDArray[np.int64], begins_word: NDArray[np.bool_]
) -> list[list[TypedSpan]]:
    """Return the entities of each item's best types, in order, each with its probability.

    The probability is that of exactly this entity under the rule: all its words have the type, the words
    beside it have not, whatever the rest of the sentence has.

    Args:
        log_p: (N, P, 1 + K) log-probabilities of O and each type. lengths: (N,) at least 1.
        begins_word: (N, P) where the type may change.
    """
    is_piece = np.arange(log_p.shape[1]) < lengths[:, None]
    begins = begins_word & is_piece
    begins[:, 0] = True
    item, place = np.nonzero(begins)  # of each word, (W,)
    words = np.add.reduceat(log_p[is_piece].astype(np.float64), np.flatnonzero(begins[is_piece]), axis=0)
    words -= words.max(1, keepdims=True)
    words -= np.log(np.exp(words).sum(1, keepdims=True))  # (W, 1 + K) log posterior
    best = words.argmax(1)
    is_new = np.ones(
        len(best) + 1, dtype=bool
    )  # whether a word has another type, or item, than the one before
    is_new[1:-1] = (best[1:] != best[:-1]) | (item[1:] != item[:-1])
    first = np.flatnonzero(is_new[:-1])
    past = np.append(first[1:], len(best))
    first, past = first[best[first] > 0], past[best[first] > 0]
    type_ = best[first]
    so_far = np.append(0.0, np.cumsum(words[np.arange(len(best)), best]))
    score = so_far[past] - so_far[first]
    for beside, is_inside in (
        (first - 1, (first > 0) & (item[first - 1] == item[first])),
        (past, (past < len(best)) & (item[np.minimum(past, len(best) - 1)] == item[first])),
    ):
        other = words[np.where(is_inside, beside, 0), type_]
        score += np.where(is_inside, np.log1p(-np.exp(np.minimum(other, -1e-12))), 0.0)
    ends = np.where(
        np.append(item[1:] != item[:-1], True), lengths[item], np.append(place[1:], 0)
    )  # of a word
    found: list[list[TypedSpan]] = [[] for _ in log_p]
    columns = (item[first], place[first], ends[past - 1], type_ - 1, np.exp(score))
    for row, start, end, type_id, probability in zip(*(c.tolist() for c in columns), strict=True):
        found[row].append(TypedSpan(start, end, type_id, probability))
    return found


def out_of_reach(entities: Sequence[PieceEntity], begins_word: NDArray[np.bool_]) -> int:
    """Return how many of an example's entities no types can give back.

    They begin or end inside a word, or touch an entity of the same type and are merged with it.

    Args:
        entities: in order, without overlap. begins_word: (num_pieces,).
    """
    may_end = np.append(begins_word[1:], True)
    lost = {i for i, (start, end, _) in enumerate(entities) if not (begins_word[start] and may_end[end - 1])}
    for i in range(1, len(entities)):
        if entities[i - 1][1:] == (entities[i][0], entities[i][2]):
            lost |= {i - 1, i}
    return len(lost)
