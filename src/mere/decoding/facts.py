"""From relations, spans and pairs to the facts of each sentence, in numpy (METHOD §1).

likely_relations   those of each sentence whose subjects and objects are looked for
crossed            every subject of a relation with every object
joined             the score of each pair: all four probabilities must hold
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mere.data.examples import PieceSpan
from mere.decoding.crf import RoleSpan
from mere.decoding.limits import Limits


class PieceFact(NamedTuple):
    """A triple that decoding finds, by its pieces."""

    relation_id: int
    subject: PieceSpan
    object: PieceSpan
    score: float


@dataclass(frozen=True)
class LikelyRelations:
    """N relations of the sentences of a batch, sentence by sentence, the most probable one of each first."""

    row: NDArray[np.int64]  # (N,)
    relation: NDArray[np.int64]  # (N,)
    probability: NDArray[np.float32]  # (N,)


@dataclass(frozen=True)
class Pairs:
    """M pairs of a subject and an object, and which of N relations each is of."""

    item: NDArray[np.int64]  # (M,)
    roles: Sequence[tuple[RoleSpan, RoleSpan]]

    @property
    def spans(self) -> NDArray[np.int64]:
        """Start and end of the subject, start and end of the object, (M, 4)."""
        return np.array([(*s.span, *o.span) for s, o in self.roles], dtype=np.int64).reshape(-1, 4)


def likely_relations(probability: NDArray[np.float32], limits: Limits) -> LikelyRelations:
    """Return the relations of each sentence that are read on.

    Args:
        probability: (B, R) of each relation of each sentence.
    """
    top = np.argsort(-probability, axis=1, kind="stable")[:, : limits.relations]
    row, place = np.nonzero(np.take_along_axis(probability, top, 1) > limits.min_relation)
    relation = top[row, place]
    return LikelyRelations(row, relation, probability[row, relation])


def crossed(found: Sequence[Sequence[Sequence[RoleSpan]]]) -> Pairs:
    """Return every pair of a subject and an object of one relation, but for a span with itself.

    Args:
        found: per relation its subjects and its objects.
    """
    pairs = [
        (item, (subject, object_))
        for item, (subjects, objects) in enumerate(found)
        for subject in subjects
        for object_ in objects
        if subject.span != object_.span
    ]
    return Pairs(np.array([item for item, _ in pairs], dtype=np.int64), [roles for _, roles in pairs])


def joined(
    likely: LikelyRelations, pairs: Pairs, p_pair: NDArray[np.float32], num_rows: int
) -> list[list[PieceFact]]:
    """Return for each sentence every fact that decoding finds, unfiltered, best first.

    Args:
        p_pair: (M,) the probability that subject and object belong together.
    """
    facts: list[list[PieceFact]] = [[] for _ in range(num_rows)]
    for item, (subject, object_), p in zip(pairs.item.tolist(), pairs.roles, p_pair.tolist(), strict=True):
        score = triple_score(float(likely.probability[item]), subject.probability, object_.probability, p)
        relation = int(likely.relation[item])
        facts[likely.row[item]].append(PieceFact(relation, subject.span, object_.span, score))
    return [without_conflict(found) for found in facts]


def without_conflict(facts: Sequence[PieceFact]) -> list[PieceFact]:
    """Return the facts best first, less those whose span overlaps one that a better fact of the relation has.

    Within a relation and a role two mentions are the same or apart: `University of Warsaw` and `Warsaw` are
    not both the object of one subject's has-edu because the model is unsure where the name begins.
    """
    kept: list[PieceFact] = []
    taken: dict[tuple[int, int], set[PieceSpan]] = {}
    for fact in sorted(facts, key=lambda fact: (-fact.score, fact[:3])):
        spans_by_role = enumerate((fact.subject, fact.object))
        roles = [(taken.setdefault((fact.relation_id, role), set()), span) for role, span in spans_by_role]
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
