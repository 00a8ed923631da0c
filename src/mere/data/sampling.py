"""Which sentences a run uses, and which make an epoch, in which batches and groups: pure functions of the seed.

Because the plan of an epoch depends on nothing else, a run resumes in the middle of one by making the plan
again and skipping what is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.types import Sentence

_POOL_BATCHES = 40
"""Batches' worth of sentences that are sorted by length together: long enough to pad little, short enough to mix."""


@dataclass(frozen=True)
class PlannedBatch:
    """Indices of a batch's sentences; consecutive runs of `group_size` are concatenated."""

    indices: NDArray[np.int64]
    group_size: int


def draw_epoch(
    lang_ids: NDArray[np.int64], temperature: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw as many sentences as there are, languages in proportion to n ** (1 / temperature).

    A language's sentences are drawn without repetition until all are used, then again from the start. With
    temperature 1 every sentence is drawn exactly once.
    """
    languages, sizes = np.unique(lang_ids, return_counts=True)
    shares = sizes ** (1 / temperature)
    quotas = shares / shares.sum() * len(lang_ids)
    counts = np.floor(quotas).astype(int)
    for index in np.argsort(counts - quotas)[: len(lang_ids) - counts.sum()]:
        counts[index] += 1
    drawn: list[NDArray[np.int64]] = []
    for language, size, count in zip(languages, sizes, counts, strict=True):
        members = np.flatnonzero(lang_ids == language)
        rounds = [rng.permutation(members) for _ in range(-(-count // size))]
        drawn.append(np.concatenate([*rounds, members[:0]])[:count])
    return rng.permutation(np.concatenate(drawn))


def plan_epoch(
    lengths: NDArray[np.int64],
    lang_ids: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    temperature: float,
    pieces_per_batch: int,
    group_size: int = 1,
    group_share: float = 0.0,
) -> list[PlannedBatch]:
    """Plan an epoch: draw, bucket by length, cut into batches under the budget, arrange groups.

    Args:
        lengths, lang_ids: of every sentence, shape (num_sentences,).
        pieces_per_batch: budget of padded pieces per batch; a longer sentence has a batch of its own.
        group_size, group_share: m, and the share of the batches whose sentences stand in groups of m.
    """
    order = draw_epoch(lang_ids, temperature, rng)
    pool = max(1, int(_POOL_BATCHES * pieces_per_batch / max(1.0, lengths.mean())))
    batches: list[PlannedBatch] = []
    for start in range(0, len(order), pool):
        chunk = order[start : start + pool]
        alone: list[NDArray[np.int64]] = []
        for indices in cut_by_budget(_by_length(chunk, lengths), lengths, pieces_per_batch):
            if group_size > 1 and len(indices) >= group_size and rng.random() < group_share:
                grouped, left = arrange_groups(indices, lang_ids, group_size)
                if len(grouped):
                    batches.append(PlannedBatch(grouped, group_size))
                alone.append(left)
            else:
                batches.append(PlannedBatch(indices, 1))
        # Whoever found no group stands in whole batches with the others: a batch of one or two sentences is a
        # step as long as any other after clipping, and as noisy as they are few.
        rest = np.concatenate(alone) if alone else chunk[:0]
        batches += [
            PlannedBatch(indices, 1)
            for indices in cut_by_budget(_by_length(rest, lengths), lengths, pieces_per_batch)
        ]
    return [batches[index] for index in rng.permutation(len(batches))]


def _by_length(indices: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    return indices[np.argsort(lengths[indices], kind="stable")]


def cut_by_budget(
    indices: NDArray[np.int64], lengths: NDArray[np.int64], pieces_per_batch: int
) -> list[NDArray[np.int64]]:
    """Cut indices, sorted by length, into runs whose padded size (rows x longest) is within the budget."""
    batches: list[NDArray[np.int64]] = []
    start = 0
    for end in range(1, len(indices) + 1):
        if end == len(indices) or (end + 1 - start) * lengths[indices[end]] > pieces_per_batch:
            batches.append(indices[start:end])
            start = end
    return batches


def arrange_groups(
    indices: NDArray[np.int64], lang_ids: NDArray[np.int64], m: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Arrange sentences in groups of m different languages; return them one after the other, and who is left.

    Groups are filled from the languages that have most sentences left, which groups as many as possible.
    """
    left = {
        lang: [i for i in indices.tolist() if lang_ids[i] == lang] for lang in np.unique(lang_ids[indices])
    }
    grouped: list[int] = []
    while True:
        ready = sorted((lang for lang in left if left[lang]), key=lambda lang: (-len(left[lang]), lang))[:m]
        if len(ready) < m:
            break
        grouped.extend(left[lang].pop() for lang in ready)
    alone = [index for members in left.values() for index in members]
    return np.array(grouped, dtype=np.int64), np.array(alone, dtype=np.int64)


def drawn(sentences: Sequence[Sentence], limit: int, seed: int) -> Sequence[Sentence]:
    """Return `limit` sentences of each language, drawn by `seed`; a larger draw of a seed holds the smaller."""
    if not limit:
        return sentences
    kept: list[int] = []
    by_lang: dict[str, list[int]] = {}
    for index, sentence in enumerate(sentences):
        by_lang.setdefault(sentence.lang, []).append(index)
    for rows in by_lang.values():
        kept += np.random.default_rng(seed).permutation(rows)[:limit].tolist()
    return [sentences[index] for index in sorted(kept)]


def evenly_spaced(sentences: Sequence[Sentence], limit: int) -> list[Sentence]:
    """Return at most `limit` sentences of each language, at even distances; 0 takes all."""
    by_lang: dict[str, list[Sentence]] = {}
    for sentence in sentences:
        by_lang.setdefault(sentence.lang, []).append(sentence)
    chosen: list[Sentence] = []
    for members in by_lang.values():
        size = min(limit or len(members), len(members))
        chosen += [members[i * len(members) // size] for i in range(size)]
    return chosen
