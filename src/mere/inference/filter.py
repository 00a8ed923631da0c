"""Which of the things that a model finds are wanted: some relations, some types, from a score on."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from mere.errors import UserError, nearest
from mere.schema import Labels
from mere.types import Document, Entity, Triple

_MOST_NAMED = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filter:
    """What documents keep; all conditions hold at once, and a mention stays with each triple that is kept.

    Args:
        relations: keep triples of these alone; None: of all.
        types: keep entities of these types alone, and triples between two such; None: of all types and of none.
        min_score: least score of an entity or a triple; comes on top of the model's thresholds.
        any_types: keep also triples with a mention of a type that its relation did not have in training; `mere.load`
            asks for it.
    """

    relations: Collection[str] | None = None
    types: Collection[str] | None = None
    min_score: float = 0.0
    any_types: bool = False

    def check(self, labels: Labels) -> None:
        """Refuse names that a model does not know, a lone string and a score that is none.

        Raises:
            UserError: names the nearest relation or type that it knows.
        """
        _check("relation", self.relations, labels.relations)
        _check("type", self.types, labels.types)
        if not 0.0 <= self.min_score <= 1.0:
            raise UserError(f"min_score is {self.min_score}; scores are between 0 and 1. Try 0.5.")

    def __call__(self, document: Document) -> Document:
        """Return the document without what is not wanted."""
        if dataclasses.replace(self, any_types=False) == Filter():
            return document
        triples = tuple(triple for triple in document.triples if self._wants_triple(triple))
        held = {mention.span for triple in triples for mention in (triple.subject, triple.object)}
        entities = tuple(e for e in document.entities if e.span in held or self._wants_entity(e))
        return dataclasses.replace(document, entities=entities, triples=triples)

    def _wants_triple(self, triple: Triple) -> bool:
        return (
            (self.relations is None or triple.relation in self.relations)
            and (self.types is None or {triple.subject.type, triple.object.type} <= set(self.types))
            and (triple.score or 0.0) >= self.min_score
        )

    def _wants_entity(self, entity: Entity) -> bool:
        """Whether an entity is wanted for its own sake; one without a type was found for a triple's."""
        return (
            entity.type is not None
            and (self.types is None or entity.type in self.types)
            and (entity.score or 0.0) >= self.min_score
        )


def _check(kind: str, wanted: Collection[str] | None, known: Sequence[str]) -> None:
    if isinstance(wanted, str):
        raise UserError(f'{kind}s is the string "{wanted}". Give a list: {kind}s=["{wanted}"]')
    for name in wanted or ():
        if not known:
            raise UserError(f'unknown {kind} "{name}": this model finds no {kind}s. Leave out the {kind}s.')
        if name not in known:
            more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
            raise UserError(
                f'unknown {kind} "{name}".{nearest(name, known)} '
                f"The model knows these {kind}s: {', '.join(known[:_MOST_NAMED])}{more}."
            )
