"""The triples task: relation scores, entities tagged given the relation, pairs joined (METHOD §1).

    read    each relation reads the sentence        p(r | x)
    tag     subjects and objects given the relation  z_i = [V_i ; e_r]
    join    which subject goes with which object

The two-model pipeline (HERBERTa) is the same without sharing: relations are read by an encoder of their own, and the
tagger is told their names only.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mere.config import TriplesSettings
from mere.models.losses import ItemLosses
from mere.models.tensors import TensorBatch, TripleTensors
from mere.nn.crf import CRF
from mere.nn.encoders import Encoder
from mere.nn.entity_tagger import NUM_ROLES, EntityTagger
from mere.nn.pair_scorer import PairScorer
from mere.nn.relation_head import RelationHead


@dataclass(frozen=True)
class TripleScores:
    """What the triple heads say of a batch: of its relations at once, of tags and pairs where they are asked.

    Args:
        relations: logits. read: what the other heads may know of how each relation was read.
    """

    task: TripleTask
    pieces: Float[Tensor, "B P D"]
    relations: Float[Tensor, "B R"]
    read: Float[Tensor, "B R D"]

    def tags(self, row: Int[Tensor, " N"], relation: Int[Tensor, " N"]) -> Float[Tensor, "N C P T"]:
        """Return the tagger's scores for relations of sentences; not told a relation, it knows of relation 0 only."""
        read = self.read
        if not self.task.settings.tell_relation:
            read, relation = torch.zeros_like(read), torch.zeros_like(relation)
        return self.task.entity_tagger(self.pieces, read, row, relation)

    def pairs(
        self, row: Int[Tensor, " M"], relation: Int[Tensor, " M"], spans: Int[Tensor, "M 4"]
    ) -> Float[Tensor, " M"]:
        """Return the logits of pairs: subject start and end, object start and end."""
        return self.task.pair_scorer(self.pieces, self.read, row, relation, spans)


class TripleTask(nn.Module):
    """The three heads of the triples task.

    Args:
        classifier: the encoder that the relation head alone reads by; None: it reads what the others read.
    """

    def __init__(
        self, *, dim: int, num_relations: int, settings: TriplesSettings, classifier: Encoder | None = None
    ):
        super().__init__()
        self.settings = settings
        self.classifier = classifier
        hidden, dropout = settings.hidden, settings.dropout
        self.relation_head = RelationHead(dim=dim, num_relations=num_relations, dropout=dropout)
        self.entity_tagger = EntityTagger(
            dim=dim, hidden=hidden, num_relations=num_relations, dropout=dropout
        )
        self.crf = CRF(channels=NUM_ROLES)
        self.pair_scorer = PairScorer(
            dim=dim, hidden=hidden // 2, num_relations=num_relations, dropout=dropout
        )

    def forward(self, pieces: Float[Tensor, "B P D"], batch: TensorBatch) -> TripleScores:
        """Read every relation of every sentence; the other heads answer when they are asked."""
        if self.classifier is None:
            return TripleScores(self, pieces, *self.relation_head(pieces, batch.is_piece))
        relations, read = self.relation_head(self.classifier(batch.pieces, batch.is_piece), batch.is_piece)
        return TripleScores(self, pieces, relations, torch.zeros_like(read))

    def losses(
        self, pieces: Float[Tensor, "B P D"], batch: TensorBatch, targets: TripleTensors
    ) -> dict[str, ItemLosses]:
        """Return the weighted losses of each head: of sentences, of tagging items and of pairs."""
        settings = self.settings
        scores = self(pieces, batch)
        relation = nn.functional.binary_cross_entropy_with_logits(
            scores.relations.float(), targets.relation, weight=targets.relation_weight, reduction="none"
        ).sum(1)
        row = torch.arange(len(relation), device=relation.device)
        losses = {"relation": ItemLosses(settings.relation_weight * relation, row)}
        if len(targets.tag_row):
            emissions = scores.tags(targets.tag_row, targets.tag_relation)
            likelihood = self.crf(emissions, targets.tags, batch.is_piece[targets.tag_row])
            losses["tag"] = ItemLosses(-settings.tag_weight * likelihood.sum(1), targets.tag_row)
        if len(targets.pair_row):
            logits = scores.pairs(targets.pair_row, targets.pair_relation, targets.pair_spans)
            pair = nn.functional.binary_cross_entropy_with_logits(
                logits.float(), targets.pair_stated, reduction="none"
            )
            losses["pair"] = ItemLosses(settings.pair_weight * pair, targets.pair_row)
        return losses

    def num_items(self, targets: TripleTensors) -> dict[str, int]:
        """Return how many items each loss of a batch has, from its targets alone."""
        rows = {"relation": targets.relation, "tag": targets.tag_row, "pair": targets.pair_row}
        return {name: len(items) for name, items in rows.items() if len(items)}
