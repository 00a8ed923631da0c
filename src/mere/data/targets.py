"""What a batch teaches, task by task, as padded arrays. Pure numpy.

A relation that a sentence's source does not cover has weight 0 in the relation loss and is never drawn as a
negative; each sentence keeps its own covered relations, also when sentences are concatenated. A type that it
does not cover may stand wherever no entity is annotated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from mere.config import Recipe
from mere.data.batching import A
from mere.data.examples import Annotated, PieceSpan, PieceTriple
from mere.data.hidden import HiddenTargets
from mere.data.tagging import to_tags, to_typed_tags
from mere.data.units import without_overlap
from mere.data.windows import SpanTargets, span_targets


@dataclass(frozen=True)
class TripleTargets(Generic[A]):
    """What B sentences teach of triples: R relations, N tagging items, M pairs."""

    relation: A  # (B, R) 1 where stated
    relation_weight: A  # (B, R) 0 where unknown
    tag_row: A  # (N,)
    tag_relation: A  # (N,)
    tags: A  # (N, 2, P): subjects, objects
    pair_row: A  # (M,)
    pair_relation: A  # (M,)
    pair_spans: A  # (M, 4)
    pair_stated: A  # (M,)


@dataclass(frozen=True)
class EntityTargets(Generic[A]):
    """What N of B sentences teach of entities: those that annotate at least one type."""

    row: A  # (N,)
    tags: A  # (N, P): O = 0, B and I of type t = 1 + 2t and 2 + 2t
    is_known: A  # (N, K) per type whether the sentence annotates it


@dataclass(frozen=True)
class Targets(Generic[A]):
    """The targets of each task; None for a task that the model does not have, or the stage does not learn."""

    triples: TripleTargets[A] | None = None
    entities: EntityTargets[A] | SpanTargets[A] | None = None
    text: HiddenTargets[A] | None = None


def targets_of(recipe: Recipe, examples: Sequence[Annotated], rng: np.random.Generator) -> Targets:
    """Return what the examples teach of the recipe's tasks; `rng` draws wrong relations, wrong pairs and windows."""
    of_triples: TripleTargets | None = None
    of_entities: EntityTargets | SpanTargets | None = None
    if "triples" in recipe.task:
        settings = recipe.triples
        of_triples = triple_targets(
            examples,
            rng,
            negatives=settings.negatives,
            incomplete_negative=settings.incomplete_negative,
            tell_relation=settings.tell_relation,
        )
    if "entities" in recipe.task and recipe.entities.decoder == "spans":
        of_entities = span_targets(examples, rng, window=recipe.entities.spans.window)
    elif "entities" in recipe.task:
        of_entities = entity_targets(examples)
    return Targets(of_triples, of_entities)


def entity_targets(examples: Sequence[Annotated]) -> EntityTargets:
    """Return what the examples teach of entities."""
    length = max(len(example.pieces) for example in examples)
    taught = [(row, example) for row, example in enumerate(examples) if example.is_type_known.any()]
    tags = [to_typed_tags(example.entities, length) for _, example in taught]
    num_types = len(examples[0].is_type_known)
    return EntityTargets(
        row=np.array([row for row, _ in taught], dtype=np.int64),
        tags=np.stack(tags) if tags else np.zeros((0, length), dtype=np.int64),
        is_known=np.array([e.is_type_known for _, e in taught], dtype=bool).reshape(-1, num_types),
    )


def triple_targets(
    examples: Sequence[Annotated],
    rng: np.random.Generator,
    *,
    negatives: int,
    incomplete_negative: float,
    tell_relation: bool = True,
) -> TripleTargets:
    """Return what the examples teach of triples, with sampled wrong relations and wrong pairs.

    Args:
        rng: draws the negatives.
        negatives: wrong relations per complete sentence, to be tagged all `O`.
        incomplete_negative: weight of an unstated relation where a sentence is annotated in part.
        tell_relation: a tagging item is a relation of a sentence; if False a sentence, whose relation is 0.
    """
    length = max(len(example.pieces) for example in examples)
    relation = np.zeros((len(examples), len(examples[0].is_covered)), dtype=np.float32)
    weight = np.zeros_like(relation)
    items: list[tuple[int, int, NDArray[np.int64]]] = []
    pairs: list[tuple[int, int, tuple[int, int, int, int], bool]] = []
    for row, example in enumerate(examples):
        stated = list(example.relations_stated)
        weight[row] = example.is_covered * (1.0 if example.complete else incomplete_negative)
        relation[row, stated] = 1.0
        weight[row, stated] = 1.0
        for wanted in sorted({triple.relation_id for triple in example.triples}):
            facts = [triple for triple in example.triples if triple.relation_id == wanted]
            tagged = facts if tell_relation else example.triples
            if tell_relation:
                items.append((row, wanted, _role_tags(facts, length)))
            pairs.extend((row, *pair) for pair in _pairs(example, wanted, facts, tagged, rng))
        if not tell_relation and (example.triples or (example.complete and not stated)):
            items.append((row, 0, _role_tags(example.triples, length)))
        if tell_relation and example.complete:
            wrong = np.flatnonzero(example.is_covered & (relation[row] == 0))
            drawn = wrong[rng.permutation(len(wrong))[:negatives]].tolist()
            items.extend((row, index, _role_tags((), length)) for index in drawn)
    return TripleTargets(
        relation=relation,
        relation_weight=weight,
        tag_row=np.array([item[0] for item in items], dtype=np.int64),
        tag_relation=np.array([item[1] for item in items], dtype=np.int64),
        tags=np.stack([item[2] for item in items]) if items else np.zeros((0, 2, length), dtype=np.int64),
        pair_row=np.array([pair[0] for pair in pairs], dtype=np.int64),
        pair_relation=np.array([pair[1] for pair in pairs], dtype=np.int64),
        pair_spans=np.array([pair[2] for pair in pairs], dtype=np.int64).reshape(-1, 4),
        pair_stated=np.array([pair[3] for pair in pairs], dtype=np.float32),
    )


def _role_tags(facts: Sequence[PieceTriple], length: int) -> NDArray[np.int64]:
    """Tag the subjects and the objects of some triples: (2, P)."""
    roles = ([fact.subject for fact in facts], [fact.object for fact in facts])
    return np.stack([to_tags(without_overlap(spans), length) for spans in roles])


def _pairs(
    example: Annotated,
    relation: int,
    facts: Sequence[PieceTriple],
    tagged: Sequence[PieceTriple],
    rng: np.random.Generator,
) -> list[tuple[int, tuple[int, int, int, int], bool]]:
    """Stated pairs of one relation, all crossed ones, and as many others: swapped, misjoined, a span off by one.

    Args:
        facts: of the relation. tagged: those whose subjects and objects one tagging item marks.
    """
    stated = {(fact.subject, fact.object) for fact in facts}
    subjects, objects = {s for s, _ in stated}, {o for _, o in stated}
    crossed = {
        (s.subject, o.object) for s in tagged for o in tagged if s.subject != o.object
    } - stated  # decoding must tell them apart
    others = {(o, s) for s, o in stated}
    if example.complete:
        others |= {(s, mention) for s in subjects for mention in example.mentions if mention != s}
        others |= {(mention, o) for o in objects for mention in example.mentions if mention != o}
    last = len(example.pieces)
    for subject, object_ in sorted(stated):  # a span whose one edge is off by a piece
        others |= {(subject, _nudge(object_, last, rng)), (_nudge(subject, last, rng), object_)}
    candidates = sorted(others - stated - crossed)
    chosen = rng.permutation(len(candidates))[: len(stated)]
    wrong = [*sorted(crossed), *(candidates[i] for i in chosen)]
    return [(relation, (*s, *o), True) for s, o in sorted(stated)] + [
        (relation, (*s, *o), False) for s, o in wrong
    ]


def _nudge(span: PieceSpan, last: int, rng: np.random.Generator) -> PieceSpan:
    start, end = span
    choices = [(start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)]
    valid = [PieceSpan(a, b) for a, b in choices if 0 <= a < b <= last]
    return valid[int(rng.integers(len(valid)))] if valid else span
