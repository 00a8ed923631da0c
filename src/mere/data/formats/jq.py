"""Programs of jq that write a line's mentions and triples as mere does: the cures of lines that are refused."""

from __future__ import annotations

from typing import Any

from mere.data.formats.by_text import lacks_offsets
from mere.data.formats.keys import ENDS, NAMES, OBJECTS, SPANS, STARTS, SUBJECTS, TEXTS, TOKENS, TYPES
from mere.data.formats.spellings import is_standard


def renamed(record: dict[str, Any]) -> str:
    """Return what jq is given to write mentions and triples as mere does, "" where that is not plain."""
    entities = record.get("entities")
    listed = entities if isinstance(entities, list) else []
    ids = [item["id"] for item in listed if isinstance(item, dict) and "id" in item]
    for key in ("entities", "triples"):
        items = record.get(key)
        first = items[0] if isinstance(items, list) and items else None
        made = _renamed_entity(first) if key == "entities" else _renamed_triple(first, ids)
        if made:
            return (
                f".{key} |= map({made})" if "$e" not in made else f".entities as $e | .{key} |= map({made})"
            )
    return ""


def _renamed_entity(item: Any) -> str:
    if isinstance(item, list):
        kinds = [type(part) for part in item[:3]]
        if kinds == [int, int, str]:
            return '{"start": .[0], "end": .[1], "type": .[2]}' if len(item) > 3 else ""
        if kinds == [str, int, int]:
            return '{"start": .[1], "end": .[2], "type": ' + (".[3]}" if len(item) > 3 else ".[0]}")
        if kinds[:2] in ([list, str], [str, list]) and (at := _pair(item[kinds.index(list)])) is not None:
            both = f".[{kinds.index(list)}]{at}"
            return f'{{"start": {both}[0], "end": {both}[1], "type": .[{kinds.index(str)}]}}'
        return ""
    if not isinstance(item, dict):
        return ""
    start, end = first(item, STARTS, int), first(item, ENDS, int)
    if start and end:
        return (
            f'{{"start": .{start}, "end": .{end}}} + del(.{start}, .{end})'
            if start != "start" or end != "end"
            else ""
        )
    if type(item.get("offset")) is int and type(item.get("length")) is int:
        return '{"start": .offset, "end": (.offset + .length)} + del(.offset, .length)'
    if all(isinstance(item.get(key), str | float) for key in ("start", "end")):
        return "(.start, .end) |= (tonumber | floor)"
    for key in SPANS:
        if (at := _pair(item.get(key))) is not None:
            return f'{{"start": .{key}{at}[0], "end": .{key}{at}[1]}} + del(.{key})'
        if isinstance(item.get(key), dict) and (made := _renamed_entity({**item[key], "": 0})):
            return f"(.{key} | {made}) + del(.{key})"
        if (
            isinstance(item.get(key), dict)
            and type(item[key].get("start")) is type(item[key].get("end")) is int
        ):
            return f".{key} + del(.{key})"
    return ""


def _pair(value: Any) -> str | None:
    """Return how jq comes from a value to its two offsets: "" where it is a pair, None where it is none."""
    if isinstance(value, list) and len(value) == 1 and _pair(value[0]) is not None:
        return f"[0]{_pair(value[0])}"
    return "" if isinstance(value, list) and [type(part) for part in value] == [int, int] else None


def _renamed_triple(item: Any, ids: list[Any]) -> str:
    if isinstance(item, list) and len(item) == 3:
        subject, name, object_ = ".[0]", ".[1]", ".[2]"
        ends, relation = (item[0], item[2]), item[1]
    elif isinstance(item, dict):
        keys = [
            next((key for key in names if isinstance(item.get(key), int | str | dict | list)), "")
            for names in (("subject", *SUBJECTS), ("object", *OBJECTS))
        ]
        key = first(item, NAMES if not isinstance(item.get("relation"), str) else ("relation",), str) or ""
        subject, name, object_ = (f".{key}" for key in (keys[0], key, keys[1]))
        ends, relation = (item.get(keys[0]), item.get(keys[1])), item.get(key)
    else:
        return ""
    made = [_end(value, at, ids) for value, at in zip(ends, (subject, object_), strict=True)]
    if not isinstance(relation, str) or not all(made) or made == [".subject", ".object"]:
        return ""
    return f'{{"subject": {made[0]}, "relation": {name}, "object": {made[1]}}}'


def _end(value: Any, at: str, ids: list[Any]) -> str:
    """Return how jq makes a mention of a triple's subject or object; "" where it is none that it can."""
    if value in ids and isinstance(value, int | str):
        return f'({at} as $i | $e | map(select(.id == $i)) | .[0] | {{"start": .start, "end": .end}})'
    if type(value) is int:
        return f'({at} as $i | $e[$i] | {{"start": .start, "end": .end}})'
    if (pair := _pair(value)) is not None:
        return f'({at}{pair} | {{"start": .[0], "end": .[1]}})'
    if isinstance(value, dict):
        made = _renamed_entity(value)
        is_mere = type(value.get("start")) is type(value.get("end")) is int
        return f"({at} | {made})" if made else at if is_mere else ""
    return ""


def types_alone(record: dict[str, Any]) -> tuple[str, str]:
    """Return what entities are that name types and no places, and what jq is given to keep them elsewhere."""
    items = record.get("entities")
    if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
        return "", ""
    tokens = record.get("tokens") or record["text"].split()
    if len(items) == len(tokens) and all(map(is_standard, items)):
        program = '.tokens = (.tokens // (.text | split(" "))) | .ner_tags = .entities | del(.entities)'
        return "a tag for each token", program
    program = ".types_of_text = .entities | .entities = [] | .types_covered = []"
    return "names that do not stand in the text, so that nothing says where they are", program


def text_under_another_key(record: dict[str, Any]) -> str:
    """Return what jq is given to call the text `text`, "" where no key has the name of one."""
    key = next((key for key in TEXTS if isinstance(record.get(key), str)), "")
    if key:
        return f".text = .{key} | del(.{key})"
    key = next((key for key in TOKENS if isinstance(record.get(key), list) and record[key]), "")
    rows = [key for key, value in record.items() if holds_items(value)]
    if not key and len(record) == len(rows) == 1 and isinstance(record[rows[0]], list):
        return f".{rows[0]}[]"
    if not key or not all(isinstance(token, str) for token in record[key]):
        return ""
    moved = move_entities("ner", record.get("ner"))
    return f".tokens = .{key} | del(.{key})" + (f" | {moved}" if moved else "")


def move_texts(key: str, to: str, record: dict[str, Any]) -> str:
    """Return what jq is given to move annotations that `--offsets by-text` reads."""
    return f".{to} = .{key} | del(.{key})" if lacks_offsets({**record, to: record[key]}) else ""


def move_entities(key: str, items: object) -> str:
    item = items[0] if isinstance(items, list) else None
    if isinstance(item, list) and [type(value) for value in item[:3]] == [int, int, str]:
        made = '{"start": .[0], "end": .[1], "type": .[2]}'
    elif isinstance(item, dict):
        start, end = first(item, STARTS, int), first(item, ENDS, int)
        type_ = first(item, ("type", *TYPES), str)
        if not (start and end):
            return ""
        made = f'{{"start": .{start}, "end": .{end}' + (f', "type": .{type_}}}' if type_ else "}")
    else:
        return ""
    return f".entities = [.{key}[] | {made}] | del(.{key})"


def move_relations(key: str, record: dict[str, Any]) -> str:
    item, entities = record[key][0] if isinstance(record[key], list) else None, record.get("entities")
    if not isinstance(item, dict) or not isinstance(entities, list):
        return ""
    ids = [entity.get("id") for entity in entities if isinstance(entity, dict) and "id" in entity]
    kind: Any = int if not ids else int | str
    subject, object_, name = (
        first(item, SUBJECTS, kind),
        first(item, OBJECTS, kind),
        first(item, NAMES, str),
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


def first(item: dict[str, Any], keys: tuple[str, ...], kind: type) -> str | None:
    return next((key for key in keys if isinstance(item.get(key), kind)), None)


def holds_items(value: object) -> bool:
    """Whether a value is a list of objects or lists, or an object that holds such a list."""
    if isinstance(value, dict):
        return any(holds_items(inner) for inner in value.values())
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
