"""The label inventory of a model or corpus: relations, entity types and languages, in a fixed order.

Saved as `labels.json` in a model folder; the index of a name is its row in the model's weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from mere import lang_codes
from mere.errors import ModelError
from mere.types import Sentence

UNIVERSAL = "universal"
"""The path of a text whose language is unknown, to mere or to the model: nothing but what all languages share."""


class Arguments(NamedTuple):
    """The types that a relation's subjects and objects have; none: any (mere.decoding.arguments)."""

    relation: str
    subjects: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True)
class Labels:
    """The names a model knows. `lang_id` k > 0 is `languages[k - 1]`; 0 is the universal path.

    Args:
        arguments: of relations whose argument types training showed.
    """

    relations: tuple[str, ...]
    types: tuple[str, ...]
    languages: tuple[str, ...]
    arguments: tuple[Arguments, ...] = ()

    @classmethod
    def from_sentences(cls, sentences: Iterable[Sentence]) -> Labels:
        """Collect every relation, type and language that occurs, each sorted by name."""
        relations: set[str] = set()
        types: set[str] = set()
        languages: set[str] = set()
        for sentence in sentences:
            languages.add(sentence.lang)
            relations.update(triple.relation for triple in sentence.triples)
            types.update(entity.type for entity in sentence.entities if entity.type is not None)
        return cls(tuple(sorted(relations)), tuple(sorted(types)), tuple(sorted(languages)))

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Labels:
        try:
            arguments = tuple(
                Arguments(relation, tuple(subjects), tuple(objects))
                for relation, subjects, objects in record.get("arguments", ())
            )
            relations, types, languages = (tuple(record[key]) for key in ("relations", "types", "languages"))
            return cls(relations, types, languages, arguments)
        except (KeyError, TypeError) as error:
            raise ModelError(f"labels.json lacks {error}. Save the model again with this version.") from None

    def to_json(self) -> dict[str, Any]:
        record = {key: list(getattr(self, key)) for key in ("relations", "types", "languages")}
        return record | ({"arguments": [list(one) for one in self.arguments]} if self.arguments else {})

    def path(self, lang: str | None) -> str:
        """Return the path of a language as the model spells it; `UNIVERSAL` for None and languages not trained."""
        return lang_codes.find(lang, self.languages) or UNIVERSAL

    def lang_id(self, lang: str | None) -> int:
        """Return the row of a language in any spelling, or 0 where its path is the universal one."""
        label = lang_codes.find(lang, self.languages)
        return self.languages.index(label) + 1 if label is not None else 0
