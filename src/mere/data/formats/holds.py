"""What a format can say of a sentence, and the count of what it cannot."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from mere.types import Sentence

Offsets = Literal["code points", "UTF-16 units", "tokens", "none"]
NO_RELATIONS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Holds:
    """One row of the table; a property test of each format proves it.

    Args:
        one: what one text of the format is: a line, a row, a file.
        offsets: the unit in which its files count.
        entities: whether it has a place for entities. False: what is read states `types_covered` empty.
        types: whether an entity has a type.
        untyped: whether an entity may have none. False: `ENTITY` is written, and counted.
        overlaps: whether entities may overlap.
        relations: whether it has a place for triples. False: what is read states `relations_covered` empty.
        scores: whether entities and triples keep their scores.
        language: whether a text states its language. False: file names, folders or `--lang` do.
        ids: whether a text keeps its id.
        keys: whether `source`, `complete`, what is covered, and extra keys are kept.
        links: whether an entity keeps what it denotes in a knowledge base.
        needs: the extra to install, "" for none.
    """

    one: str
    offsets: Offsets
    entities: bool = True
    types: bool = True
    untyped: bool = True
    overlaps: bool = True
    relations: bool = True
    scores: bool = True
    language: bool = True
    ids: bool = True
    keys: bool = True
    links: bool = False
    needs: str = ""

    def needing(self, extra: str) -> Holds:
        """Return the row of a format that holds the same with another library."""
        return replace(self, needs=extra)

    def count_lost(self, sentence: Sentence, lost: Counter[str]) -> None:
        """Add what the format loses of a sentence, in the words of `mere convert`'s report."""
        if not self.entities:
            lost["entities"] += len(sentence.entities)
        elif not self.types:
            lost["entity types"] += sum(entity.type is not None for entity in sentence.entities)
        elif not self.untyped:
            untyped = sum(entity.type is None for entity in sentence.entities)
            lost[f"entities without a type, written as {ENTITY}"] += untyped
        if not self.relations:
            lost["triples"] += len(sentence.triples)
            lost["relations_covered, read again as none"] += bool(sentence.relations_covered != NO_RELATIONS)
        if not self.scores:
            lost["scores"] += self.entities and sum(entity.score is not None for entity in sentence.entities)
            lost["scores"] += self.relations and sum(t.score is not None for t in sentence.triples)
        if not self.links:
            lost["links of entities"] += self.entities and sum(e.link is not None for e in sentence.entities)
        if not self.ids:
            lost["ids"] += 1
        if not self.keys:
            lost["sources"] += sentence.source is not None
            lost["sentences marked complete: false"] += not sentence.complete
            lost["lists of relations covered"] += self.relations and sentence.relations_covered is not None
            lost["lists of types covered"] += sentence.types_covered is not None
            lost["extra keys"] += len(sentence.extra.keys() - {TOKENS})


ENTITY = "Entity"
"""The type of an entity without one, in formats that need one."""
TOKENS = "tokens"
"""The extra key under which readers leave the offsets of a text's tokens."""
