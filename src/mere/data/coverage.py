"""Entity types of a corpus made to fit a recipe: renamed, left out, and what each source annotates written down.

Corpora differ in their tag sets. A recipe says `types: {PERS: PER, DATE: drop}`; and a source that lacks a type
must not punish a model for predicting it, so each sentence says which types its source covers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from mere.data.corpus import Corpus
from mere.errors import ConfigError, nearest
from mere.types import Entity, Sentence, Triple

DROP = "drop"
EVERY_OTHER = "*"


def join_corpora(corpora: Sequence[Corpus], types: Mapping[str, str]) -> Corpus:
    """Return the corpora as one, with types mapped and `types_covered` set where a sentence leaves it open.

    A sentence whose `types_covered` is None covers what its source's training sentences tag; none, where any of
    their entities has no type. A source is a `source` name, or all that a corpus gives without one.

    Args:
        types: old name to new name or "drop"; "*" is every type that is not named, and mentions without one.

    """
    splits: dict[str, list[Sentence]] = {}
    for corpus in corpora:
        mapped = {
            split: [_mapped(sentence, types) for sentence in sentences]
            for split, sentences in corpus.splits.items()
        }
        covered = _covered_by_source(mapped.get("train") or [s for sents in mapped.values() for s in sents])
        for split, sentences in mapped.items():
            splits.setdefault(split, []).extend(_with_coverage(sentences, covered))
    return Corpus({split: tuple(sentences) for split, sentences in splits.items()})


def refuse_unknown_types(corpora: Sequence[Corpus], types: Mapping[str, str]) -> None:
    """Refuse a mapping that names what is not there: a slip of the pen would go unnoticed.

    Raises:
        ConfigError: a type that is to be mapped occurs nowhere.
    """
    found = {e.type for c in corpora for split in c.splits.values() for s in split for e in s.entities}
    names = {name for name in found if name is not None}
    for name in types:
        if name != EVERY_OTHER and name not in names:
            raise ConfigError(
                f'data.types: no entity has the type "{name}".{nearest(name, names)} '
                f"There are: {', '.join(sorted(names)) or 'none'}."
            )


def _mapped(sentence: Sentence, types: Mapping[str, str]) -> Sentence:
    if not types:
        return sentence
    entities = {entity: _renamed(entity, types) for entity in sentence.entities}
    covered = sentence.types_covered
    return dataclasses.replace(
        sentence,
        entities=tuple(entity for entity in entities.values() if entity.type != DROP),
        triples=tuple(
            Triple(_untyped(t.subject, types), t.relation, _untyped(t.object, types), t.score)
            for t in sentence.triples
        ),
        types_covered=None if covered is None else frozenset(_name(n, types) for n in covered) - {DROP},
    )


def _name(type: str | None, types: Mapping[str, str]) -> str:
    return types.get(type or EVERY_OTHER, types.get(EVERY_OTHER, type or ""))


def _renamed(entity: Entity, types: Mapping[str, str]) -> Entity:
    return dataclasses.replace(entity, type=_name(entity.type, types) or None)


def _untyped(mention: Entity, types: Mapping[str, str]) -> Entity:
    """A triple's mention keeps its place where its type is dropped."""
    renamed = _renamed(mention, types)
    return dataclasses.replace(renamed, type=None) if renamed.type == DROP else renamed


def _covered_by_source(sentences: Iterable[Sentence]) -> dict[str | None, frozenset[str]]:
    found: dict[str | None, set[str]] = {}
    untyped: set[str | None] = set()
    for sentence in sentences:
        names = found.setdefault(sentence.source, set())
        for entity in sentence.entities:
            if entity.type is None:
                untyped.add(sentence.source)
            else:
                names.add(entity.type)
    return {s: frozenset() if s in untyped else frozenset(names) for s, names in found.items()}


def _with_coverage(
    sentences: Iterable[Sentence], covered: Mapping[str | None, frozenset[str]]
) -> list[Sentence]:
    everything = frozenset[str]().union(*covered.values()) if covered else frozenset[str]()
    return [
        s
        if s.types_covered is not None
        else dataclasses.replace(s, types_covered=covered.get(s.source, everything))
        for s in sentences
    ]
