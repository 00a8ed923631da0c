"""Which pieces an encoder reads: made from the training sentences, or read back with a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mere.config import EncoderSettings, encoder_kind
from mere.data.pieces.base import Pieces, StoredPieces
from mere.types import Sentence


def fit_pieces(
    settings: EncoderSettings, sentences: Sequence[Sentence], text: Sequence[Sentence] = ()
) -> Pieces:
    """Return the pieces of the encoder that `settings` describe, learned from the training sentences.

    Args:
        text: all that a stage learns from that learns from text, the training sentences' texts among it; if any.
    """
    pieces: Pieces = encoder_kind(settings).pieces_class().fit(settings, sentences, text)
    return pieces


def load_pieces(
    settings: EncoderSettings,
    record: Mapping[str, Any],
    arrays: Mapping[str, NDArray[np.integer[Any]]],
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Pieces:
    """Return the pieces that a model folder holds: `to_json`, `arrays` and `files` of a fitted one."""
    pieces: Pieces = encoder_kind(settings).pieces_class().load(settings, StoredPieces(record, arrays, files))
    return pieces
