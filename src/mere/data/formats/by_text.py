"""Mentions that a JSON object states by their text alone, and finding where they stand.

    {"text": "Ida lebt in Ulm.", "entities": [["Ida", "PER"]], "triples": [["Ida", "lives-in", "Ulm"]]}

Texts, pairs of text and type, objects without offsets, lists by type; triples as lists, as objects of texts or as one
string. They are found only where that is asked for (`--offsets by-text`): the first place may not be the one meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mere.data.formats.keys import NAMES, OBJECTS, SUBJECTS, TYPES
from mere.data.surface import inside_word

_TEXTS = ("text", "mention", "word", "surface", "surface_form", "span", "name", "value", "entity", "token")
_SIGNS = re.compile(r"\s*(?:\||\t|;|,|->|--)\s*")


class NotInText(ValueError):
    """A mention whose text does not occur in the text of its record."""


def lacks_offsets(record: dict[str, Any]) -> bool:
    """Whether entities or triples are written by their texts, all of which occur in the record's text."""
    try:
        mentions = [*_entities(record.get("entities"), record), *_arguments(record)]
    except NotInText:
        return False
    without = [mention for mention in mentions if not _stands(mention, record["text"])]
    return bool(without) and all(
        mention.get("text") and mention["text"] in record["text"] for mention in without
    )


def _stands(mention: dict[str, Any], text: str) -> bool:
    """Whether a mention has offsets, and what it states, if anything, stands there."""
    start, end = mention.get("start"), mention.get("end")
    return type(start) is int and type(end) is int and mention.get("text") in (None, text[start:end])


def find_mentions(record: dict[str, Any]) -> Counter[str]:
    """Write entities and triples with offsets, in place, and return what is told of it, with counts.

    A text that is listed several times stands at its several places, in order; a triple takes the first.

    Raises:
        NotInText: a mention's text does not occur.
    """
    told = Counter[str]()
    listed = Counter[str]()
    text = record["text"]

    def place(mention: dict[str, Any], nth: int) -> dict[str, Any]:
        if _stands(mention, text):
            return mention
        found = _places(text, mention["text"])
        if not found:
            raise NotInText(f"the mention {mention['text']!r} does not occur in the text")
        told["mentions found by their text"] += 1
        told["mentions found by a text that occurs several times, in order"] += len(found) > 1
        start = found[min(nth, len(found) - 1)]
        return mention | {"start": start, "end": start + len(mention["text"])}

    def argument(mention: dict[str, Any]) -> dict[str, Any]:
        if _stands(mention, text):
            return mention
        known = (e for e in entities if text[e["start"] : e["end"]] == mention["text"])
        entity = next(known, None) or place(mention, 0)
        return {"start": entity["start"], "end": entity["end"]}

    entities = []
    for mention in _entities(record.get("entities"), record):
        said = mention.get("text", "")
        entities.append(place(mention, listed[said]))
        listed[said] += 1
    if record.get("entities") is not None:
        record["entities"] = entities
    if record.get("triples") is not None:
        record["triples"] = [
            {**more, "subject": argument(subject), "relation": relation, "object": argument(object_)}
            for subject, relation, object_, more in _triples(record["triples"])
        ]
    return told


def _places(text: str, mention: str) -> list[int]:
    """Return where a mention's text stands: as words, else wherever it stands."""
    found = [match.start() for match in re.finditer(re.escape(mention), text)] if mention else []
    whole = [at for at in found if not inside_word(text, at) and not inside_word(text, at + len(mention))]
    return whole or found


def _entities(items: Any, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the entities as objects with a text, those that have offsets already included.

    Raises:
        NotInText: one states no text.
    """
    if isinstance(items, dict):
        for key, value in items.items():
            for name in value if isinstance(value, list) else [value]:
                text, type_ = (key, name) if isinstance(value, str) and key in record["text"] else (name, key)
                yield _mention(text) | {"type": type_}
        return
    for item in items or ():
        if isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item):
            text, type_ = item if item[0] in record["text"] else reversed(item)
            yield {"text": text, "type": type_}
        else:
            yield _mention(item)


def _mention(item: Any) -> dict[str, Any]:
    if isinstance(item, str):
        return {"text": item}
    if not isinstance(item, dict):
        raise NotInText("the mention states no text")
    key = next((key for key in _TEXTS if isinstance(item.get(key), str)), "")
    if not key and type(item.get("start")) is not int:
        raise NotInText("a mention states neither text nor offsets")
    type_ = next(
        (item[name] for name in ("type", *TYPES) if name != key and isinstance(item.get(name), str)), None
    )
    kept = {name: item[name] for name in ("start", "end", "score", "link") if name in item}
    return kept | ({"text": item[key]} if key else {}) | ({"type": type_} if type_ else {})


def _arguments(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for subject, _, object_, _ in _triples(record.get("triples")):
        yield from (subject, object_)


def _triples(items: Any) -> Iterator[tuple[dict[str, Any], str, dict[str, Any], dict[str, Any]]]:
    """Yield subject, relation, object and the score, if there is one.

    Raises:
        NotInText: an item is no triple of texts.
    """
    for item in items or ():
        if isinstance(item, str):
            item = _SIGNS.split(item.strip(" ()[]<>"))
        if isinstance(item, list) and len(item) == 3 and all(isinstance(part, str) for part in item):
            yield _mention(item[0]), item[1], _mention(item[2]), {}
            continue
        if not isinstance(item, dict):
            raise NotInText("a triple is neither a list of three texts nor an object")
        subject, object_ = (
            next((item[key] for key in keys if isinstance(item.get(key), str | dict)), None)
            for keys in (("subject", *SUBJECTS), ("object", *OBJECTS))
        )
        name = next(
            (item[key] for key in ("relation", "predicate", *NAMES) if isinstance(item.get(key), str)), ""
        )
        yield (
            _mention(subject),
            name,
            _mention(object_),
            {key: item[key] for key in ("score",) if key in item},
        )
