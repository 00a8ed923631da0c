"""Which pieces an encoder reads: made from the training sentences, or read back with a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mere.config import (
    BytesSettings,
    ByteStreamSettings,
    ByteWordsSettings,
    CompactSettings,
    EncoderSettings,
    PretrainedSettings,
)
from mere.data.pieces.base import Pieces
from mere.data.pieces.bytes import TextBytes, WordBytes
from mere.data.pieces.hashed import HashedUnits
from mere.data.pieces.pretrained import Subwords
from mere.types import Sentence


def fit_pieces(
    settings: EncoderSettings, sentences: Sequence[Sentence], text: Sequence[Sentence] = ()
) -> Pieces:
    """Return the pieces of the encoder that `settings` describe, learned from the training sentences.

    Args:
        text: all that a stage learns from that learns from text, the training sentences' texts among it; if any.
    """
    if isinstance(settings, CompactSettings):
        return HashedUnits.fit(sentences, rows=settings.rows, min_count=settings.min_count, text=text)
    if isinstance(settings, ByteWordsSettings):
        return WordBytes.fit(sentences, width=settings.width)
    if isinstance(settings, PretrainedSettings):
        return Subwords.fit(
            sentences,
            name=settings.name,
            words=settings.words != "none",
            width=settings.width,
            keep=settings.trim,
        )
    assert isinstance(settings, ByteStreamSettings | BytesSettings)
    return TextBytes.fit(sentences)


def load_pieces(
    settings: EncoderSettings,
    record: Mapping[str, Any],
    arrays: Mapping[str, NDArray[np.int64]],
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Pieces:
    """Return the pieces that a model folder holds: `to_json`, `arrays` and `files` of a fitted one."""
    if isinstance(settings, CompactSettings):
        return HashedUnits.load(record, arrays, rows=settings.rows)
    if isinstance(settings, ByteWordsSettings):
        return WordBytes.load(record, width=settings.width)
    if isinstance(settings, PretrainedSettings):
        return Subwords.load(
            record,
            arrays,
            files,
            name=settings.name,
            words=settings.words != "none",
            width=settings.width,
        )
    assert isinstance(settings, ByteStreamSettings | BytesSettings)
    return TextBytes.load(record)
