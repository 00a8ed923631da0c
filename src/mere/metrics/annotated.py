"""What a sentence annotates, and so what of a prediction is scored against it.

A sentence has facts, entities, or both. Its entities are annotated for their own sake where it has no facts
(`relations_covered` is empty), or where it says which entity types its source covers (`types_covered`). Elsewhere
the only entities are the mentions of its triples.
"""

from __future__ import annotations

from mere.types import Entity, Prediction, Sentence


def annotates_triples(sentence: Sentence) -> bool:
    """Whether any relation was annotated: False in a corpus of entities only."""
    return sentence.relations_covered is None or bool(sentence.relations_covered)


def annotates_entities(sentence: Sentence) -> bool:
    """Whether entities were annotated for their own sake, in triples or not."""
    if sentence.types_covered is None:
        return not annotates_triples(sentence)
    return bool(sentence.types_covered)


def scored_mentions(sentence: Sentence, prediction: Prediction) -> tuple[list[Entity], list[Entity]]:
    """Return the gold and the predicted mentions that are scored, in a sentence that annotates entities.

    A mention of a type that the source does not cover is left out on either side: neither right nor wrong.
    So is a predicted mention without a type that takes part in a predicted triple: it was found for the
    triple's sake and says nothing of entities.
    """
    in_triples = {mention.span for t in prediction.triples for mention in (t.subject, t.object)}

    def is_covered(entity: Entity) -> bool:
        return entity.type is None or sentence.covers_type(entity.type)

    gold = [entity for entity in sentence.entities if is_covered(entity)]
    predicted = [
        entity
        for entity in prediction.entities
        if is_covered(entity) and not (entity.type is None and entity.span in in_triples)
    ]
    return gold, predicted
