"""The triples task: relation scores, entities tagged given the relation, pairs joined (METHOD §1).

    read    each relation reads the sentence        p(r | x)
    tag     subjects and objects given the relation  z_i = [V_i ; e_r]
    join    which subject goes with which object

The two-model pipeline (HERBERTa) is the same without sharing: relations are read by an encoder of their own, and the
tagger is told their names only.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mere.config import TriplesSettings
from mere.decoding.crf import best_spans, chain_of
from mere.models.losses import ItemLosses
from mere.models.tensors import TensorBatch, TripleTensors
from mere.nn.crf import CRF
from mere.nn.encoders import Encoder
from mere.nn.entity_tagger import NUM_ROLES, EntityTagger
from mere.nn.pair_scorer import PairScorer
from mere.nn.relation_head import RelationHead

PieceFact = tuple[int, tuple[int, int], tuple[int, int], float]
"""Relation id, subject range, object range, score; ranges are half-open over pieces."""


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

    def _relations(
        self, pieces: Float[Tensor, "B P D"], batch: TensorBatch
    ) -> tuple[Float[Tensor, "B R"], Float[Tensor, "B R D"]]:
        """Return the logit of each relation, and what the other heads may know of how it was read."""
        if self.classifier is None:
            return self.relation_head(pieces, batch.is_piece)
        logits, read = self.relation_head(self.classifier(batch.pieces, batch.is_piece), batch.is_piece)
        return logits, torch.zeros_like(read)

    def _emissions(
        self,
        pieces: Float[Tensor, "B P D"],
        read: Float[Tensor, "B R D"],
        row: Int[Tensor, " N"],
        relation: Int[Tensor, " N"],
    ) -> Float[Tensor, "N C P T"]:
        """Return what the tagger says of each item; not told its relation it knows of relation 0 only."""
        if not self.settings.tell_relation:
            read, relation = torch.zeros_like(read), torch.zeros_like(relation)
        return self.entity_tagger(pieces, read, row, relation)

    def losses(
        self, pieces: Float[Tensor, "B P D"], batch: TensorBatch, targets: TripleTensors
    ) -> dict[str, ItemLosses]:
        """Return the weighted losses of each head: of sentences, of tagging items and of pairs."""
        settings = self.settings
        relations, read = self._relations(pieces, batch)  # (B, R), (B, R, D)
        relation = nn.functional.binary_cross_entropy_with_logits(
            relations.float(), targets.relation, weight=targets.relation_weight, reduction="none"
        ).sum(1)
        row = torch.arange(len(relation), device=relation.device)
        losses = {"relation": ItemLosses(settings.relation_weight * relation, row)}
        if len(targets.tag_row):
            emissions = self._emissions(pieces, read, targets.tag_row, targets.tag_relation)
            likelihood = self.crf(emissions, targets.tags, batch.is_piece[targets.tag_row])
            losses["tag"] = ItemLosses(-settings.tag_weight * likelihood.sum(1), targets.tag_row)
        if len(targets.pair_row):
            logits = self.pair_scorer(
                pieces, read, targets.pair_row, targets.pair_relation, targets.pair_spans
            )
            pair = nn.functional.binary_cross_entropy_with_logits(
                logits.float(), targets.pair_stated, reduction="none"
            )
            losses["pair"] = ItemLosses(settings.pair_weight * pair, targets.pair_row)
        return losses

    def num_items(self, targets: TripleTensors) -> dict[str, int]:
        """Return how many items each loss of a batch has, from its targets alone."""
        rows = {"relation": targets.relation, "tag": targets.tag_row, "pair": targets.pair_row}
        return {name: len(items) for name, items in rows.items() if len(items)}

    def facts(self, pieces: Float[Tensor, "B P D"], batch: TensorBatch) -> list[list[PieceFact]]:
        """Return for each row every fact that decoding finds, unfiltered, best first."""
        relations, read = self._relations(pieces, batch)
        probability = relations.float().sigmoid()
        top = probability.topk(min(self.settings.candidates, probability.shape[1]), dim=1)
        row, column = torch.nonzero(top.values > 0.02, as_tuple=True)
        relation = top.indices[row, column]
        emissions = self._emissions(pieces, read, row, relation).float().cpu().numpy()
        lengths = batch.is_piece.sum(1).cpu().numpy()
        rows, relations_named = row.cpu().numpy(), relation.cpu().numpy()
        stated = probability[row, relation].cpu().numpy()
        found = best_spans(emissions, lengths[rows], chain_of(self.crf)) if len(rows) else []
        pairs = [
            (item, subject, object_)
            for item, (subjects, objects) in enumerate(found)
            for subject in subjects
            for object_ in objects
            if subject[0] != object_[0]
        ]
        facts: list[list[PieceFact]] = [[] for _ in range(len(lengths))]
        if not pairs:
            return facts
        items = torch.tensor([pair[0] for pair in pairs], device=row.device)
        spans = torch.tensor([[*s[0], *o[0]] for _, s, o in pairs], device=row.device)
        logits = self.pair_scorer(pieces, read, row[items], relation[items], spans)
        joined = logits.float().sigmoid().cpu().numpy()
        for (item, subject, object_), p_pair in zip(pairs, joined, strict=True):
            score = triple_score(float(stated[item]), subject[1], object_[1], float(p_pair))
            facts[rows[item]].append((int(relations_named[item]), subject[0], object_[0], score))
        return [without_conflict(found_here) for found_here in facts]


def without_conflict(facts: Sequence[PieceFact]) -> list[PieceFact]:
    """Return the facts best first, less those whose span overlaps one that a better fact of the relation has.

    Within a relation and a role two mentions are the same or apart: `University of Warsaw` and `Warsaw` are
    not both the object of one subject's has-edu because the model is unsure where the name begins.
    """
    kept: list[PieceFact] = []
    taken: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for fact in sorted(facts, key=lambda fact: (-fact[3], fact[:3])):
        spans_by_role = enumerate((fact[1], fact[2]))
        roles = [(taken.setdefault((fact[0], role), set()), span) for role, span in spans_by_role]
        clash = any(
            span != other and span[0] < other[1] and other[0] < span[1]
            for spans, span in roles
            for other in spans
        )
        if not clash:
            kept.append(fact)
            for spans, span in roles:
                spans.add(span)
    return kept


def triple_score(p_relation: float, p_subject: float, p_object: float, p_pair: float) -> float:
    """Return the confidence of a triple: all four must hold, so their product."""
    return p_relation * p_subject * p_object * p_pair
