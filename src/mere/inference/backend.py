"""What prediction asks of a model: five calls, numpy arrays in and out. torch is one answer, ONNX another.

B sentences of a batch, P pieces of the longest of them, R relations; N relations of sentences, M pairs.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mere.data.batching import Batch
from mere.decoding.crf import Chain
from mere.decoding.entities import EntityScores

S = TypeVar("S")
"""What a backend keeps of a batch between the calls."""

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]


class Backend(Protocol[S]):
    """A model that reads batches; the same batch gives the same bits, whatever was read before it."""

    @property
    def chain(self) -> Chain:
        """The chain over the tags of subjects and of objects (2 channels); asked only where there are `tags`."""
        ...

    def encode(self, batch: Batch) -> S:
        """Read a batch, each row by the path of its `lang_id`."""
        ...

    def entities(self, state: S) -> EntityScores | None:
        """Return what the decoder of entities says of each sentence; None: the model has no such task."""
        ...

    def relations(self, state: S) -> Float32 | None:
        """Return the probability of each relation in each sentence, (B, R); None: no task of triples."""
        ...

    def tags(self, state: S, row: Int64, relation: Int64) -> Float32:
        """Return the scores of O, B, I at each piece, for subjects and for objects, (N, 2, P, 3).

        Args:
            row: (N,) sentences of the batch. relation: (N,) the relation that is asked for in each.
        """
        ...

    def pairs(self, state: S, row: Int64, relation: Int64, spans: Int64) -> Float32:
        """Return the probability that subject and object belong together, (M,).

        Args:
            row, relation: (M,) as above. spans: (M, 4) pieces: subject start and end, object start and end.
        """
        ...
