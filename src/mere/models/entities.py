"""The entities task: a type for every mention (METHOD §2). What every decoder does, and the first of three.

    EntityTask    BIO tags joined by a linear-chain CRF
    TypesTask     a type per piece, changed only between words: CharNER (mere.models.entity_types)
    SpansTask     entities written one after the other: byte-to-span (mere.models.entity_spans)

A corpus that does not annotate a type does not punish predicting it: where no entity is annotated, every
tagging with entities of unknown types counts as right (a marginal likelihood; Tsuboi et al. 2008).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.config import EntitiesSettings
from mere.decoding.entities import Emissions, EntityScores
from mere.models.losses import ItemLosses
from mere.models.tensors import EntityTensors, TensorBatch
from mere.nn.crf import CRF
from mere.nn.dropout import SharedDropout

T = TypeVar("T")
"""What a decoder learns from, as tensors."""


class EntityDecoder(nn.Module, ABC, Generic[T]):
    """Finds entities in what the encoder says of the pieces."""

    @abstractmethod
    def losses(self, pieces: Float[Tensor, "B P D"], batch: TensorBatch, targets: T) -> dict[str, ItemLosses]:
        """Return the weighted losses by name; nothing where no sentence teaches any type."""

    @abstractmethod
    def num_items(self, batch: TensorBatch, targets: T) -> int:
        """Return how many items `losses` has for a batch, from its targets alone."""

    @abstractmethod
    def scores(self, pieces: Float[Tensor, "B P D"], batch: TensorBatch) -> EntityScores:
        """Return what decoding needs of each row (mere.decoding.entities)."""


class PieceTask(EntityDecoder[EntityTensors]):
    """Scores of each piece, out of a hidden layer if there is one: what tags and types begin with."""

    def __init__(self, *, dim: int, num_scores: int, settings: EntitiesSettings):
        super().__init__()
        self.weight = settings.weight
        self.dropout = SharedDropout(settings.dropout)
        self.hidden = nn.Linear(dim, settings.hidden) if settings.hidden else None
        self.out = nn.Linear(settings.hidden or dim, num_scores)

    def emissions(self, pieces: Float[Tensor, "B P D"]) -> Float[Tensor, "B P T"]:
        """Return the score of each tag or type at each piece."""
        pieces = self.dropout(pieces)
        if self.hidden is not None:
            pieces = torch.tanh(self.hidden(pieces))
        return self.out(pieces).float()


class EntityTask(PieceTask):
    """Emissions and the chain over them."""

    def __init__(self, *, dim: int, num_types: int, settings: EntitiesSettings):
        super().__init__(dim=dim, num_scores=1 + 2 * num_types, settings=settings)
        self.crf = CRF(channels=1, num_types=num_types)

    def losses(
        self, pieces: Float[Tensor, "B P D"], batch: TensorBatch, targets: EntityTensors
    ) -> dict[str, ItemLosses]:
        """Return the negative log-likelihood of the tags of each sentence that teaches any."""
        if not len(targets.row):
            return {}
        emissions = self.emissions(pieces[targets.row]).unsqueeze(1)  # (N, 1, P, T)
        is_piece = batch.is_piece[targets.row]
        allowed = None if targets.is_known.all() else allowed_tags(targets.tags, targets.is_known)[:, None]
        likelihood = self.crf(emissions, targets.tags.unsqueeze(1), is_piece, allowed)
        return {"entity": ItemLosses(-self.weight * likelihood.squeeze(1), targets.row)}

    def num_items(self, batch: TensorBatch, targets: EntityTensors) -> int:
        return len(targets.row)

    def scores(self, pieces: Float[Tensor, "B P D"], batch: TensorBatch) -> Emissions:
        return Emissions(self.emissions(pieces).cpu().numpy(), self.crf.chain())


def allowed_tags(tags: Int[Tensor, "N P"], is_known: Bool[Tensor, "N K"]) -> Bool[Tensor, "N P T"]:
    """Return which tags may stand at each piece: the given one, and where it is O those of unknown types."""
    given = nn.functional.one_hot(tags, 1 + 2 * is_known.shape[1]).bool()
    unknown = nn.functional.pad((~is_known).repeat_interleave(2, dim=1), (1, 0))  # (N, T), O itself is not
    return given | ((tags == 0).unsqueeze(-1) & unknown.unsqueeze(1))
