"""What an encoder is: pieces of a text in, one vector per piece out.

`P` pieces are the encoder's own affair (units, bytes, subwords); the rest of the model only sees their
spans, as half-open code-point offsets, and their vectors.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.config.base import Settings


class Encoder(nn.Module, ABC):
    """Reads batches of pieces. Subclasses set `dim`, the width D of their output."""

    dim: int

    @classmethod
    def of(cls, settings: Settings, pieces: object) -> Encoder:
        """Return the encoder that settings describe, randomly initialised.

        Args:
            pieces: what it will read (mere.data.pieces); most encoders need to know nothing of them.
        """
        taken = set(inspect.signature(cls).parameters)
        return cls(**settings.model_dump(include=taken))

    @abstractmethod
    def forward(self, pieces: Int[Tensor, "B P F"], is_piece: Bool[Tensor, "B P"]) -> Float[Tensor, "B P D"]:
        """Return a vector per piece; what padding holds is undefined, and must not reach any real piece."""

    def start(self) -> None:
        """Load pretrained weights, where the encoder has any; called once after building, before training."""

    def layers(self) -> dict[str, nn.Module]:
        """Return the Transformer layers by their names in the encoder, first to last; none where it has none.

        Each writes vectors of width D, row by row (or a tuple that begins with them).
        """
        return {}

    def read_by_all(self) -> set[str]:
        """Return the names of linear layers that also read what all rows of a batch share, such as positions."""
        return set()

    def lr_scale(self, name: str, freeze: int | None = None) -> float:
        """Return the factor of the learning rate of a parameter, named as in the encoder; 0: frozen.

        Args:
            freeze: lowest layers that are frozen instead of those of the encoder's settings.
        """
        return 1.0


class UnitEncoder(Encoder):
    """An encoder that first reads each piece by itself and then in its context.

    A piece's first vector is the same wherever the piece stands, so whoever only reads may keep it.
    """

    @abstractmethod
    def units(self, pieces: Int[Tensor, "K F"]) -> Float[Tensor, "K E"]:
        """Return the vectors of pieces that stand alone, before any context."""

    @abstractmethod
    def in_context(
        self, vectors: Float[Tensor, "B P E"], is_piece: Bool[Tensor, "B P"]
    ) -> Float[Tensor, "B P D"]:
        """Return a vector per piece in its context, as `forward` does, from what `units` says of each."""
