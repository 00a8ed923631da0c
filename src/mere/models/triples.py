"""The mERE model: joint extraction of relations and their entities (METHOD §1, arXiv 2301.04434).

H -> encoded      U -> aggregated      V -> refined for the row's language
S -> the sentence as each relation reads it      tags given the relation, then pairs
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mere.config import Recipe, TriplesSettings
from mere.nn.aggregator import Aggregator
from mere.nn.crf import CRF
from mere.nn.encoders import CompactEncoder, Encoder
from mere.nn.entity_tagger import NUM_ROLES, EntityTagger
from mere.nn.pair_scorer import PairScorer
from mere.nn.relation_head import RelationHead
from mere.nn.switcher import Switcher
from mere.schema import Labels


class Refined(NamedTuple):
    """What the heads read: refined pieces, relation logits, and the sentence as each relation reads it."""

    pieces: Float[Tensor, "B P D"]
    relations: Float[Tensor, "B R"]
    read: Float[Tensor, "B R D"]


@dataclass(frozen=True)
class TensorBatch:
    """`mere.data.batching.Batch` as tensors."""

    pieces: Int[Tensor, "B P F"]
    is_piece: Bool[Tensor, "B P"]
    lang_id: Int[Tensor, " B"]
    group_size: int = 1  # 0: the aggregator is passed by


@dataclass(frozen=True)
class TensorTargets:
    """`mere.data.batching.Targets` as tensors."""

    relation: Float[Tensor, "B R"]
    relation_weight: Float[Tensor, "B R"]
    tag_row: Int[Tensor, " N"]
    tag_relation: Int[Tensor, " N"]
    tags: Int[Tensor, "N C P"]
    pair_row: Int[Tensor, " M"]
    pair_relation: Int[Tensor, " M"]
    pair_spans: Int[Tensor, "M 4"]
    pair_stated: Float[Tensor, " M"]


class TripleModel(nn.Module):
    """Encoder, aggregator, switcher and the three heads of the triples task."""

    def __init__(
        self,
        *,
        encoder: Encoder,
        aggregator: Aggregator,
        switcher: Switcher | None,
        relation_head: RelationHead,
        entity_tagger: EntityTagger,
        pair_scorer: PairScorer,
    ):
        super().__init__()
        self.encoder = encoder
        self.aggregator = aggregator
        self.switcher = switcher
        self.relation_head = relation_head
        self.entity_tagger = entity_tagger
        self.crf = CRF(channels=NUM_ROLES)
        self.pair_scorer = pair_scorer

    def forward(self, batch: TensorBatch) -> Refined:
        encoded = self.encoder(batch.pieces, batch.is_piece)  # (B, P, D)
        shared = self.aggregator(encoded, batch.is_piece, batch.group_size)  # (B, P, D)
        own = self.switcher(shared, batch.lang_id) if self.switcher is not None else shared  # (B, P, D)
        relations, read = self.relation_head(own, batch.is_piece)  # (B, R), (B, R, D)
        return Refined(own, relations, read)

    def losses(
        self, batch: TensorBatch, targets: TensorTargets, settings: TriplesSettings
    ) -> dict[str, Float[Tensor, ""]]:
        """Return the weighted loss of each task, averaged over sentences, tagging items and pairs."""
        refined = self(batch)
        relation = nn.functional.binary_cross_entropy_with_logits(
            refined.relations.float(), targets.relation, weight=targets.relation_weight, reduction="sum"
        )
        losses = {"relation": settings.relation_weight * relation / len(batch.lang_id)}
        if len(targets.tag_row):
            emissions = self.entity_tagger(
                refined.pieces, refined.read, targets.tag_row, targets.tag_relation
            )
            likelihood = self.crf(emissions, targets.tags, batch.is_piece[targets.tag_row])
            losses["tag"] = -settings.tag_weight * likelihood.sum(1).mean()
        if len(targets.pair_row):
            logits = self.pair_scorer(
                refined.pieces, refined.read, targets.pair_row, targets.pair_relation, targets.pair_spans
            )
            pair = nn.functional.binary_cross_entropy_with_logits(logits.float(), targets.pair_stated)
            losses["pair"] = settings.pair_weight * pair
        return losses


def build(recipe: Recipe, labels: Labels) -> TripleModel:
    """Assemble the model that a recipe describes, randomly initialised from torch's current seed."""
    encoder = CompactEncoder(**recipe.encoder.model_dump(exclude={"name", "min_count"}))
    dim, num_relations, heads = encoder.dim, len(labels.relations), recipe.triples
    return TripleModel(
        encoder=encoder,
        aggregator=Aggregator(dim=dim, **recipe.aggregator.model_dump()),
        switcher=(
            Switcher(dim=dim, width=recipe.switcher.width, languages=labels.languages)
            if recipe.switcher.width
            else None
        ),
        relation_head=RelationHead(dim=dim, num_relations=num_relations, dropout=heads.dropout),
        entity_tagger=EntityTagger(
            dim=dim, hidden=heads.hidden, num_relations=num_relations, dropout=heads.dropout
        ),
        pair_scorer=PairScorer(
            dim=dim, hidden=heads.hidden // 2, num_relations=num_relations, dropout=heads.dropout
        ),
    )


GROUPS: dict[str, tuple[str, ...]] = {
    "encoder": ("encoder",),
    "aggregator": ("aggregator",),
    "switcher": ("switcher",),
    "heads": ("relation_head", "entity_tagger", "crf", "pair_scorer"),
}
"""Parameter groups a stage may name in `train`; "all" is all of them."""
