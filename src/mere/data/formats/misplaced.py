"""Annotations under keys that mere does not read: named, with a command that moves them."""

from __future__ import annotations

from typing import Any, NamedTuple

from mere.data.formats.jq import first, holds_items, move_entities, move_relations, move_texts
from mere.data.formats.keys import ENDS, STARTS, TYPES
from mere.data.formats.schemes import OUTSIDE
from mere.data.formats.spellings import is_standard

_ENTITIES = (
    "label", "labels", "spans", "ents", "ner", "annotations", "annotation", "entity", "mentions", "named_entities",
    "entity_list", "entity_mentions", "entityMentions", "predicted_ner", "offsets", "tags", "predictions", "result",
)  # fmt: skip
_TOKEN_TAGS = ("ner_tags", "tags", "labels", "ner", "bio", "bio_tags")
_RELATIONS = (
    "relations", "relation", "triplets", "relation_list", "relation_mentions", "relationMentions", "spo_list", "facts",
)  # fmt: skip
_UNMISTAKABLE = {
    **dict.fromkeys(("triplets", "spo_list"), "triples"),
    **dict.fromkeys(
        ("named_entities", "entity_list", "entity_mentions", "predicted_ner", "ner_tags"), "entities"
    ),
}
"""Keys that hold annotations in whatever form, and what is meant by them."""
_LOOKED_AT = 50  # items of a list
_OWN = frozenset(
    {"entities", "triples", "tokens", "text", "id", "lang", "source", "relations_covered", "types_covered"}
)


class Misplaced(NamedTuple):
    """Annotations that stand under a key of their own.

    Args:
        key: the key. meant: the key of mere's that is meant.
        program: what jq is given to move them; "" where they do not show how.
    """

    key: str
    meant: str
    program: str


def misplaced(record: dict[str, Any]) -> Misplaced | None:
    """Return annotations of a record that mere would pass over, None where there are none."""
    if not record.get("entities"):
        for key in _ENTITIES:
            if holds_items(record.get(key)):
                program = move_entities(key, record[key]) or move_texts(key, "entities", record)
                return Misplaced(key, "entities", program)
        for key in (key for key in record if key not in _OWN):
            if (key.casefold() == "entities" and holds_items(record[key])) or _is_mention(record[key]):
                return Misplaced(key, "entities", move_entities(key, record[key]))
        for key in _TOKEN_TAGS:
            if isinstance(record.get(key), list) and record[key]:
                if isinstance(record.get("tokens"), list):
                    return Misplaced(key, "entities", "")
                if _are_tags(record[key]):
                    fits = len(record[key]) == len(str(record.get("text")).split())
                    return Misplaced(
                        key,
                        "entities",
                        f'.tokens = (.text | split(" ")) | .ner_tags = .{key}' if fits else "",
                    )
    if not record.get("triples"):
        for key in _RELATIONS:
            if holds_items(record.get(key)):
                program = move_relations(key, record) or move_texts(key, "triples", record)
                return Misplaced(key, "triples", program)
    for key in _TOKEN_TAGS:
        tags = record[key].split() if isinstance(record.get(key), str) else []
        if are_tags(tags, len(str(record.get("text")).split())):
            program = f'.tokens = (.text | split(" ")) | .ner_tags = (.{key} | split(" "))'
            return Misplaced(key, "entities", program)
    for key in _RELATIONS:
        is_list = isinstance(record.get(key), list) and record[key] and not record.get("triples")
        if is_list and (program := move_texts(key, "triples", record)):
            return Misplaced(key, "triples", program)
    for key, value in record.items():
        if key not in _OWN - {"tokens"} and not record.get("entities") and _holds_tags(value):
            return Misplaced(key, "entities", "")
    for key, meant in _UNMISTAKABLE.items():
        if record.get(key) and not record.get(meant):
            return Misplaced(key, meant, "")
    return None


def _holds_tags(value: Any, depth: int = 4) -> bool:
    """Whether objects within a value give words their tags, as taggers print them: {"text": "Ida", "ner": "B-PER"}."""
    if isinstance(value, list):
        return depth > 0 and any(_holds_tags(item, depth - 1) for item in value[:_LOOKED_AT])
    if not isinstance(value, dict) or depth == 0:
        return False
    tags = (value.get(key) for key in ("ner", "ner_tag", "ent_type", "ent_iob"))
    if any(isinstance(tag, str) and tag not in ("", OUTSIDE) for tag in tags):
        return True
    return any(_holds_tags(item, depth - 1) for item in value.values())


def are_tags(tags: list[str], num_words: int) -> bool:
    """Whether words are tags, one for each word of a text."""
    return len(tags) == num_words > 0 and _are_tags(tags)


def _are_tags(value: list[Any]) -> bool:
    """Whether a list holds tags of words, one of which is of an entity."""
    return all(isinstance(tag, str) and is_standard(tag) for tag in value) and any(
        tag != OUTSIDE for tag in value
    )


def _is_mention(value: object) -> bool:
    """Whether a list begins with what only a mention looks like: two offsets and a type."""
    item = value[0] if isinstance(value, list) and value else None
    if isinstance(item, list):
        return [type(part) for part in item] == [int, int, str]
    return (
        isinstance(item, dict)
        and all(first(item, keys, int) for keys in (STARTS, ENDS))
        and (first(item, ("type", *TYPES), str) is not None)
    )
