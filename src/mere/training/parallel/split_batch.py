"""Splits a batch over processes and over parts that are computed one after the other (gradient accumulation).

N processes of k parts each split a batch into k N parts, whose gradients add up to the batch's.

Every process plans and reads the whole batch, because targets are drawn one sentence after the other; that is
small work beside the model's. Sentences of a batch are about equally long (mere.data.sampling), neighbours most
of all, so groups are dealt in turn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mere.data.batching import Batch
from mere.data.hidden import HiddenTargets
from mere.data.targets import EntityTargets, Targets, TripleTargets
from mere.data.windows import SpanTargets
from mere.models.losses import ItemLosses
from mere.training.parallel.processes import Processes


def split_batch(batch: Batch, targets: Targets, rank: int, size: int) -> tuple[Batch, Targets]:
    """Return the groups rank, rank + size, … of a batch, padded to the longest of them, and their targets.

    The parts of all ranks together are the batch. A part may have no rows.
    """
    if size == 1:
        return batch, targets
    return select_groups(batch, targets, np.arange(len(batch.lang_id) // batch.group_size)[rank::size])


def select_groups(batch: Batch, targets: Targets, chosen: NDArray[np.int64]) -> tuple[Batch, Targets]:
    """Return some groups of a batch, by their places in it, padded to the longest of them, and their targets."""
    rows = np.arange(len(batch.lang_id)).reshape(-1, batch.group_size)[chosen].reshape(-1)
    length = int(batch.is_piece[rows].sum(1).max(initial=0))
    part = Batch(
        pieces=batch.pieces[rows, :length],
        is_piece=batch.is_piece[rows, :length],
        begins_word=batch.begins_word[rows, :length],
        lang_id=batch.lang_id[rows],
        group_size=batch.group_size,
    )
    place = np.full(len(batch.lang_id), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    triples, entities, text = targets.triples, targets.entities, targets.text
    return part, Targets(
        triples=triples and _triples(triples, rows, place, length),
        entities=entities and _entities(entities, place, length),
        text=text and _text(text, place),
    )


def split_batch_in_parts(
    batch: Batch, targets: Targets, processes: Processes, num_parts: int
) -> Iterator[tuple[Batch, Targets]]:
    """Yield the parts of a batch that this process computes, one after the other."""
    for part in range(num_parts):
        place = processes.rank + processes.size * part
        yield split_batch(batch, targets, place, processes.size * num_parts)


def as_part_of_batch(items: Mapping[str, ItemLosses], whole: Mapping[str, int]) -> dict[str, ItemLosses]:
    """Return the losses of a part's items divided by the items of the whole batch, `whole` by name of the loss."""
    return {name: dataclasses.replace(loss, whole=whole[name]) for name, loss in items.items()}


def total_losses(
    parts: Sequence[Mapping[str, Tensor]], names: Sequence[str], processes: Processes
) -> dict[str, float]:
    """Return the losses of the whole batch by name.

    Args:
        parts: what each part of this process contributes to them. names: those of the whole batch.
    """
    sums = processes.gather([sum(part[name].item() for part in parts if name in part) for name in names])
    return {name: sum(values) for name, *values in zip(names, *sums, strict=True)}


def _triples(
    targets: TripleTargets, rows: NDArray[np.int64], place: NDArray[np.int64], length: int
) -> TripleTargets:
    tag, pair = place[targets.tag_row], place[targets.pair_row]
    return TripleTargets(
        relation=targets.relation[rows],
        relation_weight=targets.relation_weight[rows],
        tag_row=tag[tag >= 0],
        tag_relation=targets.tag_relation[tag >= 0],
        tags=targets.tags[tag >= 0, :, :length],
        pair_row=pair[pair >= 0],
        pair_relation=targets.pair_relation[pair >= 0],
        pair_spans=targets.pair_spans[pair >= 0],
        pair_stated=targets.pair_stated[pair >= 0],
    )


def _entities(
    targets: EntityTargets | SpanTargets, place: NDArray[np.int64], length: int
) -> EntityTargets | SpanTargets:
    row = place[targets.row]
    part = row >= 0
    kept = {name: array[part] for name, array in vars(targets).items()} | {"row": row[part]}
    if isinstance(targets, EntityTargets):
        kept["tags"] = kept["tags"][:, :length]
    return dataclasses.replace(targets, **kept)


def _text(targets: HiddenTargets, place: NDArray[np.int64]) -> HiddenTargets:
    row = place[targets.row]
    part = row >= 0
    return HiddenTargets(row[part], targets.piece[part], targets.answer[part], targets.candidates)
