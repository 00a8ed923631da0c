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
TYPES = (
    "label",
    "tag",
    "entity_type",
    "entity_group",
    "category",
    "ner",
    "class",
    "entity",
    "name",
    "entityType",
    "kind",
)
"""Keys of an entity that mean its type where it has no `type`."""
_OWN = frozenset(
    {"entities", "triples", "tokens", "text", "id", "lang", "source", "relations_covered", "types_covered"}
)
_SUBJECTS = ("from", "head", "subject", "source", "arg1", "from_id", "h")
_OBJECTS = ("to", "tail", "child", "object", "target", "arg2", "to_id", "t")
_TEXTS = ("sentence", "content", "body", "sent", "document", "Text", "TEXT", "raw_text", "sentText")
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
        for key in (key for key in record if key not in _OWN):
            if (key.casefold() == "entities" and _holds_items(record[key])) or _is_mention(record[key]):
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


def _is_mention(value: object) -> bool:
    """Whether a list begins with what only a mention looks like: two offsets and a type."""
    item = value[0] if isinstance(value, list) and value else None
    if isinstance(item, list):
        return [type(part) for part in item] == [int, int, str]
    return (
        isinstance(item, dict)
        and all(_first(item, keys, int) for keys in (_STARTS, _ENDS))
        and (_first(item, ("type", *TYPES), str) is not None)
    )


def renamed(record: dict[str, Any]) -> str:
    """Return what jq is given to call the keys of mentions and triples as mere does, "" where that is not plain."""
    items = record.get("entities")
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
    start, end = _first(item, _STARTS, int), _first(item, _ENDS, int)
    if start and end and (start, end) != ("start", "end"):
        return f'.entities |= map({{"start": .{start}, "end": .{end}}} + del(.{start}, .{end}))'
    if type(item.get("offset")) is int and type(item.get("length")) is int:
        return '.entities |= map({"start": .offset, "end": (.offset + .length)} + del(.offset, .length))'
    if all(isinstance(item.get(key), str | float) for key in ("start", "end")):
        return ".entities |= map((.start, .end) |= (tonumber | floor))"
    items = record.get("triples")
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else {}
    subject, object_ = _first(item, _SUBJECTS, dict), _first(item, _OBJECTS, dict)
    if subject and object_ and (subject, object_) != ("subject", "object"):
        return f".triples |= map(.subject = .{subject} | .object = .{object_} | del(.{subject}, .{object_}))"
    return ""


def text_under_another_key(record: dict[str, Any]) -> str:
    """Return what jq is given to call the text `text`, "" where no key has the name of one."""
    key = next((key for key in _TEXTS if isinstance(record.get(key), str)), "")
    return f".text = .{key} | del(.{key})" if key else ""


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
    ids = [entity.get("id") for entity in entities if isinstance(entity, dict) and "id" in entity]
    kind: Any = int if not ids else int | str
    subject, object_, name = (
        _first(item, _SUBJECTS, kind),
        _first(item, _OBJECTS, kind),
        _first(item, _NAMES, str),
    )
    if not (subject and object_ and name):
        return ""
    known = ids or range(len(entities))
    if not all(item[end] in known for end in (subject, object_)):
        return ""
    found = " | map(select(.id == $r.{})) | .[0]" if ids else "[.{}]"
    ends = [f'($e{found.format(end)} | {{"start": .start, "end": .end}})' for end in (subject, object_)]
    made = f'{{"subject": {ends[0]}, "relation": .{name}, "object": {ends[1]}}}'
    return f".entities as $e | .triples = [.{key}[] | . as $r | {made}] | del(.{key})"
