"""Annotations under keys that mere does not read: named, with a command that moves them."""

from __future__ import annotations

from typing import Any, NamedTuple

_ENTITIES = (
    "label", "labels", "spans", "ents", "ner", "annotations", "annotation", "entity", "mentions", "named_entities",
    "entity_list", "entity_mentions", "entityMentions", "predicted_ner", "offsets", "tags", "predictions", "result",
)  # fmt: skip
_TOKEN_TAGS = ("ner_tags", "tags", "labels", "ner", "bio", "bio_tags")
_RELATIONS = (
    "relations", "relation", "triplets", "relation_list", "relation_mentions", "relationMentions", "spo_list", "facts",
)  # fmt: skip
_STARTS, _ENDS = ("start", "start_offset", "begin", "start_char"), ("end", "end_offset", "stop", "end_char")
TYPES = ("label", "tag", "entity_type", "entity_group", "category", "ner", "class", "entity", "name")
"""Keys of an entity that mean its type where it has no `type`."""
_SUBJECTS = ("from", "head", "subject", "source", "arg1", "from_id", "h")
_OBJECTS = ("to", "tail", "child", "object", "target", "arg2", "to_id", "t")
_NAMES = ("type", "relation", "label", "name", "predicate")


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
            if _holds_items(record.get(key)):
                return Misplaced(key, "entities", _move_entities(key, record[key]))
        for key in _TOKEN_TAGS:
            if isinstance(record.get(key), list) and record[key] and isinstance(record.get("tokens"), list):
                return Misplaced(key, "entities", "")
    if not record.get("triples"):
        for key in _RELATIONS:
            if _holds_items(record.get(key)):
                return Misplaced(key, "triples", _move_relations(key, record))
    return None


def _holds_items(value: object) -> bool:
    """Whether a value is a list of objects or lists, or an object that holds such a list."""
    if isinstance(value, dict):
        return any(_holds_items(inner) for inner in value.values())
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _first(item: dict[str, Any], keys: tuple[str, ...], kind: type) -> str | None:
    return next((key for key in keys if isinstance(item.get(key), kind)), None)


def _move_entities(key: str, items: object) -> str:
    item = items[0] if isinstance(items, list) else None
    if isinstance(item, list) and [type(value) for value in item[:3]] == [int, int, str]:
        made = '{"start": .[0], "end": .[1], "type": .[2]}'
    elif isinstance(item, dict):
        start, end = _first(item, _STARTS, int), _first(item, _ENDS, int)
        type_ = _first(item, ("type", *TYPES), str)
        if not (start and end):
            return ""
        made = f'{{"start": .{start}, "end": .{end}' + (f', "type": .{type_}}}' if type_ else "}")
    else:
        return ""
    return f".entities = [.{key}[] | {made}] | del(.{key})"


def _move_relations(key: str, record: dict[str, Any]) -> str:
    item, entities = record[key][0] if isinstance(record[key], list) else None, record.get("entities")
    if not isinstance(item, dict) or not isinstance(entities, list):
        return ""
    subject, object_, name = (
        _first(item, _SUBJECTS, int),
        _first(item, _OBJECTS, int),
        _first(item, _NAMES, str),
    )
    if not (subject and object_ and name) or any(isinstance(e, dict) and "id" in e for e in entities):
        return ""
    if not all(0 <= item[end] < len(entities) for end in (subject, object_)):
        return ""
    ends = [f'($e[.{end}] | {{"start": .start, "end": .end}})' for end in (subject, object_)]
    made = f'{{"subject": {ends[0]}, "relation": .{name}, "object": {ends[1]}}}'
    return f".entities as $e | .triples = [.{key}[] | {made}] | del(.{key})"
