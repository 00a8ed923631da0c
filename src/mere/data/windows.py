"""Byte-to-span's windows of pieces, and the symbols that say which entities stand in one (Gillick et al. 2016).

A window is `window` places. Place i of a window that begins at piece `first` is piece first + i; a sentence that
is shorter has padding before it, so its `first` is negative. The entities of a window are written in order as

    (start, length, type)* STOP

with symbols of one vocabulary. An entity that a border cuts is written as far as it stands in the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from mere.data.batching import A
from mere.data.examples import Annotated, PieceEntity

STOP = 0
"""Ends the entities of a window; before the first step it stands for "begin"."""


@dataclass(frozen=True)
class Symbols:
    """The vocabulary: STOP, each start (a place of the window), each length, each type."""

    window: int
    num_types: int

    def __len__(self) -> int:
        return 1 + 2 * self.window + self.num_types

    @property
    def starts(self) -> slice:
        return slice(1, 1 + self.window)

    @property
    def lengths(self) -> slice:
        return slice(1 + self.window, 1 + 2 * self.window)

    @property
    def types(self) -> slice:
        return slice(1 + 2 * self.window, len(self))

    @property
    def by_step(self) -> NDArray[np.bool_]:
        """What may be written at a step, by step modulo 3: a start or STOP, a length, a type, shape (3, len)."""
        may = np.zeros((3, len(self)), dtype=bool)
        may[0, STOP] = may[0, self.starts] = may[1, self.lengths] = may[2, self.types] = True
        return may

    def write(self, entities: Iterable[PieceEntity]) -> list[int]:
        """Return the symbols of entities, given as start, end and type id, with STOP last."""
        written: list[int] = []
        for start, end, type_id in entities:
            written += [
                self.starts.start + start,
                self.lengths.start + end - start - 1,
                self.types.start + type_id,
            ]
        return [*written, STOP]


@dataclass(frozen=True)
class SpanTargets(Generic[A]):
    """What N windows of the sentences that annotate any type teach, in S = 3 M + 1 steps."""

    row: A  # (N,) of the batch
    first: A  # (N,) piece at the first place; negative where padding comes before
    symbols: A  # (N, S); STOP fills the rest
    is_step: A  # (N, S) False: nothing is written any more
    unsaid: A  # (N, M + 1, W) places where an entity of an unannotated type may come first


def span_targets(examples: Sequence[Annotated], rng: np.random.Generator, *, window: int) -> SpanTargets:
    """Return what the examples teach in windows that begin at random pieces and together hold every piece."""
    symbols = Symbols(window, len(examples[0].is_type_known))
    rows: list[tuple[int, int]] = []
    steps: list[list[int]] = []
    unsaid: list[NDArray[np.bool_]] = []
    for row, example in enumerate(examples):
        if not example.is_type_known.any():
            continue
        for first in random_windows(len(example.pieces), window, rng):
            entities = within(example.entities, first, window)
            rows.append((row, first))
            steps.append(symbols.write(entities))
            unsaid.append(_unsaid(example, entities, first, window))
    longest = max((len(written) for written in steps), default=1)
    targets = SpanTargets(
        row=np.array([row for row, _ in rows], dtype=np.int64),
        first=np.array([first for _, first in rows], dtype=np.int64),
        symbols=np.full((len(rows), longest), STOP, dtype=np.int64),
        is_step=np.zeros((len(rows), longest), dtype=bool),
        unsaid=np.zeros((len(rows), longest // 3 + 1, window), dtype=bool),
    )
    for index, (written, free) in enumerate(zip(steps, unsaid, strict=True)):
        targets.symbols[index, : len(written)] = written
        targets.is_step[index, : len(written)] = True
        targets.unsaid[index, : len(free)] = free
    return targets


def overlapping_windows(length: int, size: int, overlap: int | None = None) -> list[int]:
    """Return the first piece of each window of a sentence; the last one reaches back to be as long as the others.

    Args:
        length: pieces of the sentence; where they are fewer than `size`, the one window has a negative first piece.
        overlap: pieces that neighbours share, less than `size`; default: about a quarter of a window.
    """
    stride = max(1, size * 3 // 4) if overlap is None else size - overlap
    return [*range(0, length - size, stride), length - size]


def subword_windows(lengths: list[int], size: int) -> tuple[list[int], list[int], NDArray[np.int64]]:
    """Cut sentences of more subwords than a pretrained encoder reads at a time into overlapping windows.

    Returns the sentence and the first subword of each window, and where each subword's vector is taken from.
    Neighbours share at least a quarter of a window, and part in the middle of it. Places are window * `size` +
    offset in it, shape (len(lengths), max(lengths)).
    """
    rows: list[int] = []
    firsts: list[int] = []
    taken = np.zeros((len(lengths), max(lengths)), dtype=np.int64)
    for row, length in enumerate(lengths):
        starts = [max(0, first) for first in overlapping_windows(length, size)]
        for index, first in enumerate(starts):
            begin = (starts[index - 1] + size + first) // 2 if index else 0
            taken[row, begin:length] = len(rows) * size + np.arange(begin, length) - first
            rows.append(row)
            firsts.append(first)
        taken[row, length:] = taken[row, 0]  # padding: any vector that exists
    return rows, firsts, taken


def random_windows(length: int, window: int, rng: np.random.Generator) -> list[int]:
    """Return the first piece of windows one after the other from a random place; those at the ends are pushed in."""
    if length <= window:
        return [length - window]
    begin = int(rng.integers(1, window + 1)) - window
    return sorted({min(max(first, 0), length - window) for first in range(begin, length, window)})


def within(entities: Iterable[PieceEntity], first: int, window: int) -> list[PieceEntity]:
    """Return the entities that stand in a window, by its places, cut at its borders."""
    moved = (
        PieceEntity(max(start - first, 0), min(end - first, window), type_id)
        for start, end, type_id in entities
    )
    return [entity for entity in moved if entity.start_piece < entity.end_piece]


def _unsaid(
    example: Annotated, entities: Sequence[PieceEntity], first: int, window: int
) -> NDArray[np.bool_]:
    """For each start that is written, and STOP: the places where another entity may begin that nobody annotated."""
    free = np.zeros((len(entities) + 1, window), dtype=bool)
    if example.is_type_known.all():
        return free
    pieces = np.arange(first, first + window)
    may_begin = np.where(pieces >= 0, example.begins_word[np.maximum(pieces, 0)], False)
    ends = [0, *(end for _, end, _ in entities)]
    starts = [*(start for start, _, _ in entities), window]
    for index, (end, start) in enumerate(zip(ends, starts, strict=True)):
        free[index, end:start] = may_begin[end:start]
    return free
