"""Hidden pieces: nothing is left of them, and what they were is among the candidates."""

from __future__ import annotations

import numpy as np
import pytest

from mere.config import CompactSettings
from mere.data.batching import Batch, collate
from mere.data.examples import ExampleMaker
from mere.data.features import WITH_BEFORE
from mere.data.hidden import hide_pieces
from mere.data.pieces.hashed import HashedUnits
from mere.schema import Labels
from tests import tiny

LABELS = Labels.from_sentences(tiny.SENTENCES)
PIECES = HashedUnits.fit(CompactSettings(rows=4096), tiny.SENTENCES)


def batch_of(*texts: str) -> Batch:
    maker = ExampleMaker(PIECES, LABELS)
    examples = [maker.text(text, "de")[1] for text in texts]
    return collate([example for example in examples if example is not None])


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_hidden_pieces_are_nothing_and_the_candidates_are_what_they_were(share: float) -> None:
    whole = batch_of(*(s.text for s in tiny.SENTENCES))
    read, hidden = hide_pieces(whole, PIECES, np.random.default_rng(3), share)
    assert 0 < len(hidden.row) < whole.is_piece.sum()
    assert whole.is_piece[hidden.row, hidden.piece].all()
    assert not read.pieces[hidden.row, hidden.piece].any()
    was = whole.pieces[hidden.row, hidden.piece]
    assert (hidden.candidates[hidden.answer] == was).all()
    assert len(np.unique(hidden.candidates, axis=0)) == len(hidden.candidates)
    assert (read.is_piece == whole.is_piece).all()


def test_everything_else_stays_but_what_tells_of_a_hidden_piece() -> None:
    whole = batch_of(*(s.text for s in tiny.SENTENCES))
    read, hidden = hide_pieces(whole, PIECES, np.random.default_rng(3), 0.3)
    expected = whole.pieces.copy()
    expected[hidden.row, hidden.piece] = 0
    follows = hidden.piece + 1 < whole.pieces.shape[1]
    expected[hidden.row[follows], hidden.piece[follows] + 1, WITH_BEFORE] = 0
    assert (read.pieces == expected).all()


def test_a_unit_does_not_tell_what_stood_before_it_in_its_word() -> None:
    """Telugu endings are units of their own and know the stem before them: a hidden stem must not show there."""
    texts = ("నందపురంలో", "నగరంలో")
    spans = [PIECES.cut(text) for text in texts]
    assert [len(found) for found in spans] == [2, 2], "stem and ending"
    ending = slice(spans[0][1].start, spans[0][1].end)
    assert texts[0][ending] == texts[1][spans[1][1].start :]
    whole = batch_of(*texts).pieces
    assert (whole[0, 1] != whole[1, 1]).any()
    stems = np.array([[True, False], [True, False]])
    PIECES.mask(whole, stems)
    assert (whole[0] == whole[1]).all()


def test_what_is_hidden_is_a_function_of_the_seed() -> None:
    whole = batch_of(*(s.text for s in tiny.SENTENCES))
    one, same, other = (hide_pieces(whole, PIECES, np.random.default_rng(s), 0.2)[0] for s in (1, 1, 2))
    assert (one.pieces == same.pieces).all()
    assert (one.pieces != other.pieces).any()
