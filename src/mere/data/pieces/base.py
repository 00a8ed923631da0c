"""What an encoder's pieces are: spans of the text, and whole numbers that describe each of them.

A piece is the model's private affair: a unit, a byte, a subword. The rest of mere sees its span, in half-open
code points of the original text, and an encoder sees its numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mere.types import Sentence, Span


class StoredPieces(NamedTuple):
    """What a model folder holds of fitted pieces: their `to_json`, `arrays` and `files`."""

    record: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.integer[Any]]]
    files: Mapping[str, bytes]


class Pieces(ABC):
    """Cuts texts into pieces and describes them. What a subclass learned from a corpus is saved with the model."""

    longest: int = 4096
    """Most pieces of a sentence that an encoder reads at a time, in training and evaluation."""

    window: int = 256
    """Pieces that extraction gives the model at a time where a sentence is longer."""

    @classmethod
    @abstractmethod
    def fit(cls, settings: Any, sentences: Sequence[Sentence], text: Sequence[Sentence]) -> Pieces:
        """Return the pieces that an encoder's settings describe, learned from the training sentences.

        Args:
            text: all that masked stages read, the training sentences' texts among it; empty without such a stage.
        """

    @classmethod
    @abstractmethod
    def load(cls, settings: Any, stored: StoredPieces) -> Pieces:
        """Return the pieces that a model folder holds."""

    @abstractmethod
    def cut(self, text: str) -> list[Span]:
        """Return the spans of the pieces, in order of their starts; white space may belong to none."""

    @abstractmethod
    def describe(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        """Return the numbers of each piece, shape (num_pieces, num_features); 0 is for padding."""

    def read(self, text: str) -> tuple[list[Span], NDArray[np.int32]]:
        """Return the spans of the pieces of a text and what describes them: `cut` and `describe` in one pass."""
        spans = self.cut(text)
        return spans, self.describe(text, spans)

    @abstractmethod
    def hide(self, described: NDArray[np.int32], start: int, end: int) -> None:
        """Strip pieces start … end-1 in place of what tells which name they belong to (for training)."""

    def mask(self, described: NDArray[np.int32], hidden: NDArray[np.bool_]) -> None:
        """Strip pieces in place of everything that describes them, and others of what they tell of them.

        Args:
            described: (..., P, F). hidden: which pieces, (..., P).
        """
        described[hidden] = 0

    def begins_word(self, text: str, spans: list[Span]) -> NDArray[np.bool_]:
        """Return for each piece whether a word may begin with it, shape (num_pieces,): an entity only may there."""
        return np.ones(len(spans), dtype=bool)

    def to_json(self) -> dict[str, Any]:
        """Return what was learned from the corpus, small enough for config.json."""
        return {}

    def arrays(self) -> Mapping[str, NDArray[np.integer[Any]]]:
        """Return what was learned and is too large for JSON: saved as safetensors."""
        return {}

    def files(self) -> Mapping[str, bytes]:
        """Return files that the pieces or their encoder need, by name: a tokenizer, a configuration."""
        return {}
