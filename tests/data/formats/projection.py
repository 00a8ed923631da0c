"""What a format's row of the table says must come back from it: the sentence without what the row denies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from mere.data.formats import kinds
from mere.data.formats.holds import ENTITY, NO_RELATIONS, TOKENS, Holds
from mere.data.formats.reading import Offsets, Reading
from mere.data.formats.tally import Written
from mere.types import Entity, Sentence, Triple


def projected(sentence: Sentence, holds: Holds, lang: str) -> Sentence:
    """Return what of a sentence a format keeps, entities and triples in order of their places."""

    def kept(entity: Entity) -> Entity:
        type_ = (entity.type or (None if holds.untyped else ENTITY)) if holds.types else None
        return replace(entity, type=type_, score=entity.score if holds.scores else None)

    triples = [
        Triple(kept(t.subject), t.relation, kept(t.object), t.score if holds.scores else None)
        for t in sentence.triples
    ]
    plain = ordered(
        replace(
            sentence,
            lang=sentence.lang if holds.language else lang,
            entities=tuple(kept(entity) for entity in sentence.entities) if holds.entities else (),
            triples=tuple(triples) if holds.relations else (),
        )
    )
    if not holds.keys:
        plain = replace(
            plain, relations_covered=None, types_covered=None, complete=True, source=None, extra={}
        )
    if not holds.entities:
        plain = replace(plain, types_covered=frozenset())
    if not holds.relations:
        plain = replace(plain, relations_covered=NO_RELATIONS)
    return plain if holds.ids else replace(plain, id="")


def ordered(sentence: Sentence) -> Sentence:
    """Return the sentence with entities and triples sorted, and without the offsets of tokens."""
    extra = {key: value for key, value in sentence.extra.items() if key != TOKENS}
    entities = tuple(sorted(sentence.entities, key=repr))
    return replace(
        sentence, entities=entities, triples=tuple(sorted(sentence.triples, key=repr)), extra=extra
    )


def lost(sentence: Sentence, holds: Holds) -> Counter[str]:
    """Return the counts that the row says a report must have."""
    counts: Counter[str] = Counter()
    holds.count_lost(sentence, counts)
    return +counts


def ending_of(module: ModuleType) -> str:
    """Return what mere's own files of a format end in."""
    return next(kind.endings[0] for kind in kinds.KINDS.values() if kind.module is module)


def there_and_back(
    module: ModuleType, sentence: Sentence, folder: Path, lang: str
) -> tuple[Written, list[Sentence]]:
    """Write a sentence and read it again, strictly."""
    ending = ending_of(module)
    target = folder / f"out{ending}"
    written = module.write([sentence], target)
    paths = sorted(target.glob(f"*{ending}")) if target.is_dir() else [target]
    return written, [
        s for path in paths for s in module.read(path, reading=Reading(lang=lang, offsets=Offsets.CODEPOINTS))
    ]
