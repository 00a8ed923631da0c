"""Batches: what padding is, by hand."""

from __future__ import annotations

from mere.data.batching import collate
from tests.data.examples_by_hand import make

A = make(4, begins=(True, False, True, True))
B = make(2, lang_id=0)


def test_padding() -> None:
    batch = collate([A, B], group_size=2)
    assert batch.pieces.tolist() == [
        [[1, 2], [3, 4], [5, 6], [7, 8]],
        [[1, 2], [3, 4], [0, 0], [0, 0]],
    ]
    assert batch.is_piece.tolist() == [[True] * 4, [True, True, False, False]]
    assert batch.begins_word.tolist() == [[True, False, True, True], [True, True, False, False]]
    assert batch.lang_id.tolist() == [1, 0]
    assert batch.group_size == 2
    assert batch.pieces.dtype == "int32"
    assert collate([B]).group_size == 1
