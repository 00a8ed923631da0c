"""One JSON object of a corpus file into one Sentence, every field checked.

Mentions are sliced from the text, never trusted: an object that brings its own `text` must agree with the
slice. A triple's subject and object are the entities at their spans; a mention that no entity lists joins
the entities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from mere.data.formats.by_text import lacks_offsets
from mere.data.formats.jq import renamed, text_under_another_key, types_alone
from mere.data.formats.keys import TYPES
from mere.data.formats.misplaced import Misplaced, misplaced
from mere.data.formats.offsets import NAMES, Units, mentions_of
from mere.data.formats.reading import Offsets, Reading
from mere.lang_codes import is_known, stated
from mere.types import Entity, Sentence, Span, Triple

SENTENCE_KEYS = frozenset(
    {"id", "lang", "text", "entities", "triples", "relations_covered", "types_covered", "complete", "source"}
)
ENTITY_KEYS = frozenset({"start", "end", "text", "type", "score", "link"})
TRIPLE_KEYS = frozenset({"subject", "relation", "object", "score"})
_LANGUAGE_KEYS = ("language", "lang_code", "language_code", "langcode", "locale")
_SHAPES = frozenset({
    "not-an-object", "offset-not-a-number", "entities-not-a-list", "triples-not-a-list", "no-subject", "no-relation",
    "no-object",
})  # fmt: skip
"""Faults of records whose mentions and triples may be written in another way."""
SHOWN_CHARS = 40
_INTERNED: dict[frozenset[str], frozenset[str]] = {}  # a source repeats the same relations in every row


class Note(NamedTuple):
    """Something about a record that the reader of a report should know, though the record is used.

    Args:
        repaired: what was read otherwise than it is written; "" where something is not kept.
    """

    code: str
    message: str
    cure: str = ""
    repaired: str = ""


class RecordFault(Exception):
    """Why a record cannot be a sentence; the reader adds file and line.

    Args:
        code: the kind of fault. message: what is wrong. cure: what to do.
        options: the fields of `Reading` that would mend it; several where it is one of these.
        jq: the program by which jq would.
    """

    notes: Sequence[Note] = ()  # what was noticed before

    def __init__(
        self,
        code: str,
        message: str,
        cure: str = "",
        *,
        options: Mapping[str, Any] | Sequence[Mapping[str, Any]] = (),
        jq: str = "",
    ):
        self.code, self.message, self.cure = code, message, cure
        self.options, self.jq = (options,) if isinstance(options, Mapping) else tuple(options), jq
        super().__init__(message)

    def advice(self, path: Path, reading: Reading) -> str:
        """Return the commands with the options that would mend it, "" where there are none."""
        commands = [reading.advise(path, **options) for options in self.options]
        return "\nOr ".join(
            command if not place else f"r{command[1:]}" for place, command in enumerate(commands)
        )


def sentence_from_record(
    record: object, default_id: str, default_lang: str | None = None
) -> tuple[Sentence, list[Note]]:
    """Return the sentence of a parsed line and what was noticed on the way.

    Args:
        default_id: its id where it states none.
        default_lang: its language where it states none.

    Raises:
        RecordFault: a required key is missing or a value is not what it must be.
    """
    notes: list[Note] = []
    try:
        return _sentence(record, default_id, default_lang, notes), notes
    except RecordFault as fault:
        if fault.code in _SHAPES and isinstance(record, dict):
            fault = _of_another_shape(record, fault)
        fault.notes = notes
        raise fault from None


def _sentence(record: object, default_id: str, default_lang: str | None, notes: list[Note]) -> Sentence:
    if not isinstance(record, dict):
        cure = "One JSON object a line is expected."
        raise RecordFault("not-an-object", f"a JSON {_kind(record)}, not an object", cure)
    if record.get("text") is None:
        _refuse_without_text(record)
    text = _string(record, "text")
    entities: list[Entity] = []
    at: dict[tuple[object, ...], Entity] = {}  # the first entity at each span, and at each span of each type
    for position, item in enumerate(_list(record, "entities")):
        entity = _entity(item, text, f"entity {position + 1}", notes)
        _add(entity, entities, at)
    if any(e.type and e.type[:2] == "I-" and e.type[2:] in _begun(entities) for e in entities):
        _refuse_tags(record)
    triples = []
    for position, item in enumerate(_list(record, "triples")):
        what = f"triple {position + 1}"
        if not isinstance(item, dict):
            raise RecordFault("not-an-object", f"{what} is a JSON {_kind(item)}, not an object")
        subject = _argument(item, "subject", text, what, entities, at, notes)
        relation = _string(item, "relation", f"{what}: ")
        object_ = _argument(item, "object", text, what, entities, at, notes)
        triples.append(Triple(subject, relation, object_, _score(item, what)))
        _note_unkept(item.keys() - TRIPLE_KEYS, what, notes)
    extra = {key: value for key, value in record.items() if key not in SENTENCE_KEYS}
    if extra and (found := misplaced(record)):
        raise _misplaced(found)
    return Sentence(
        id=_id(record, default_id),
        lang=_lang(record, default_lang, notes),
        text=text,
        entities=tuple(entities),
        triples=tuple(triples),
        relations_covered=_covered(record, "relations_covered", "relation"),
        types_covered=_covered(record, "types_covered", "type"),
        complete=_complete(record),
        source=_string(record, "source") if record.get("source") is not None else None,
        extra=extra,
    )


def _refuse_without_text(record: dict[str, Any]) -> None:
    """Refuse a record whose text stands under another key, or in its tokens."""
    message = 'the key "text" is missing'
    if program := text_under_another_key(record):
        raise RecordFault("no-text", message, jq=program)
    tokens = record.get("tokens")
    if isinstance(tokens, list) and tokens and all(isinstance(token, str) for token in tokens):
        ends = {item.get("start") == item.get("end") for item in mentions_of(record)}
        units = [Offsets.TOKENS_INCLUSIVE] if True in ends else [Offsets.TOKENS, Offsets.TOKENS_INCLUSIVE]
        message = f"{message}, there are tokens: a text can be made of them, if offsets count these"
        raise RecordFault("no-text", message, options=[{"offsets": unit} for unit in units])


def _begun(entities: Sequence[Entity]) -> set[str]:
    """Return the types of entities that are written as tags which begin one."""
    return {entity.type[2:] for entity in entities if entity.type and entity.type[:2] == "B-"}


def _refuse_tags(record: dict[str, Any]) -> None:
    """Refuse a record of which the types are tags of words, B-PER before I-PER."""
    items = record["entities"]
    key = next((key for key in ("type", *TYPES) if isinstance(items[0], dict) and items[0].get(key)), "")
    program = (
        f'.entities |= (reduce .[] as $e ([]; if ($e.{key} | startswith("I-")) and length > 0 then .[-1].end = $e.end '
        f"else . + [$e | .{key} |= .[2:] | del(.text, .word, .index)] end))"
    )
    message = "the types of entities are tags of words, such as B-PER and I-PER"
    raise RecordFault("tag-for-type", message, jq=program if key else "")


def _of_another_shape(record: dict[str, Any], fault: RecordFault) -> RecordFault:
    """Return the fault of a record with what mends it, where mentions or triples are written in another way."""
    if program := renamed(record):
        return RecordFault(fault.code, fault.message, jq=program)
    if lacks_offsets(record):
        message = (
            f"{fault.message}; the text of every mention stands in the text, and can be looked for there"
        )
        return RecordFault("no-offsets", message, options={"offsets": Offsets.BY_TEXT})
    what, program = types_alone(record)
    return RecordFault("no-offsets", f'"entities" holds {what}', jq=program) if program else fault


def _misplaced(found: Misplaced) -> RecordFault:
    shape = '[{"start": 0, "end": 11, "type": "PER"}]'
    if found.meant == "triples":
        shape = '[{"subject": {"start": 0, "end": 11}, "relation": "lives-in", "object": {"start": 20, "end": 24}}]'
    message = f'annotations stand under "{found.key}", where mere reads "{found.meant}" and would find none'
    cure = f'Write them as "{found.meant}": {shape}.'
    return RecordFault("other-key", message, cure, jq=found.program)


def _lang(record: Mapping[str, Any], default: str | None, notes: list[Note]) -> str:
    value = record.get("lang")
    if value is not None and not isinstance(value, str):
        raise RecordFault("no-lang", f'"lang" is a JSON {_kind(value)}, a string was expected')
    lang = stated(value)
    if not lang and (key := language_key(record)):
        lang = stated(record[key])
        told = f'languages under "{key}"'
        notes.append(Note("language-key", f'"{key}" was read as "lang"', 'Call it "lang".', told))
    lang = lang or default
    if lang is None:
        says = 'the key "lang" is missing' if value is None else f'"lang" is "{value}", which states none'
        options = {"lang": "de"}
        raise RecordFault("no-lang", f"no language is known: {says}. Say it, such as de", options=options)
    return lang


def language_key(record: Mapping[str, Any]) -> str:
    """Return the key other than "lang" under which a record states a language that is known, "" where none does."""
    keys = (key for key in _LANGUAGE_KEYS if isinstance(record.get(key), str) and is_known(record[key]))
    return next(keys, "")


def _kind(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _string(record: Mapping[str, Any], key: str, what: str = "") -> str:
    value = record.get(key)
    if value is None:
        known = ", ".join(f'"{name}"' for name in record) or "none"
        raise RecordFault(f"no-{key}", f'{what}the key "{key}" is missing', f"Keys found: {known}.")
    if not isinstance(value, str):
        raise RecordFault(f"no-{key}", f'{what}"{key}" is a JSON {_kind(value)}, a string was expected')
    if not value and key != "text":
        raise RecordFault(f"no-{key}", f'{what}"{key}" is empty')
    return value


def _list(record: Mapping[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RecordFault(f"{key}-not-a-list", f'"{key}" is a JSON {_kind(value)}, a list was expected')
    return value


def _id(record: Mapping[str, Any], default_id: str) -> str:
    value = record.get("id")
    if value is None or value == "":
        return default_id
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RecordFault("bad-id", f'"id" is a JSON {_kind(value)}, a string was expected')
    return str(value)


def _covered(record: Mapping[str, Any], key: str, what: str) -> frozenset[str] | None:
    value = record.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        message = f'"{key}" must be a list of {what} names, or null for all'
        raise RecordFault(f"bad-{key.replace('_', '-')}", message)
    covered = frozenset(value)
    return _INTERNED.setdefault(covered, covered)


def _complete(record: Mapping[str, Any]) -> bool:
    value = record.get("complete")
    if value is None:
        return True
    if not isinstance(value, bool):
        raise RecordFault("bad-complete", f'"complete" is a JSON {_kind(value)}, true or false was expected')
    return value


def _score(item: Mapping[str, Any], what: str) -> float | None:
    value = item.get("score")
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise RecordFault("bad-score", f"{what}: score {value!r} is not a number from 0 to 1")
    return float(value)


def _offset(item: Mapping[str, Any], key: str, what: str) -> int:
    value = item.get(key)
    if type(value) is not int:
        found = "is missing" if key not in item else f"is {value!r}, a whole number was expected"
        raise RecordFault("offset-not-a-number", f'{what}: "{key}" {found}')
    return value


def _entity(item: object, text: str, what: str, notes: list[Note]) -> Entity:
    """Check one mention against the text and slice it."""
    if isinstance(item, list) and [type(value) for value in item] == [int, int, str]:
        item = dict(zip(("start", "end", "type"), item, strict=True))
        told = "entities written as [start, end, type]"
        notes.append(Note("entity-as-list", f"{what} is a list, read as [start, end, type]", "", told))
    if not isinstance(item, dict):
        raise RecordFault("not-an-object", f"{what} is a JSON {_kind(item)}, not an object")
    start, end = _offset(item, "start", what), _offset(item, "end", what)
    mention = text[start:end]
    if not 0 <= start < end <= len(text) or item.get("text", mention) not in (mention, None):
        raise _wrong_place(item, start, end, text, what)
    type_ = item.get("type")
    key = (
        None
        if type_ is not None
        else next((k for k in TYPES if item.get(k) and isinstance(item[k], str)), None)
    )
    if key is not None:
        type_ = item[key]
        message = f'{what} has "{key}" and no "type": "{key}" was read as its type'
        notes.append(
            Note("label-for-type", message, 'Call it "type".', f'entities whose "{key}" is their type')
        )
    if type_ is not None and (not isinstance(type_, str) or not type_):
        raise RecordFault("bad-type", f'{what}: "type" is {_shorten(type_)}, a name was expected')
    _note_unkept(item.keys() - ENTITY_KEYS - {key}, what, notes)
    link = item.get("link")
    if link is not None and (not isinstance(link, str) or not link):
        raise RecordFault("bad-link", f'{what}: "link" is {_shorten(link)}, an id or an IRI was expected')
    return Entity(start, end, mention, type_, _score(item, what), link)


def _argument(
    item: Mapping[str, Any],
    role: str,
    text: str,
    what: str,
    entities: list[Entity],
    at: dict[tuple[object, ...], Entity],
    notes: list[Note],
) -> Entity:
    """Return the entity that a triple's subject or object is, adding it to the entities if it is new."""
    if role not in item:
        raise RecordFault(f"no-{role}", f'{what}: the key "{role}" is missing')
    mention = item[role]
    if type(mention) is dict and len(mention) == 2:  # the common case: {"start": …, "end": …}
        start, end = mention.get("start"), mention.get("end")
        if type(start) is int and type(end) is int:
            known = at.get(Span(start, end))
            if known is not None:
                return known
    entity = _entity(mention, text, f"{what}, {role}", notes)
    known = at.get(entity.span)
    if known is not None and "type" not in mention:
        return known
    same = at.get((*entity.span, entity.type)) or (known if entity.type is None else None)
    if same is None:
        _add(entity, entities, at)
    return same or entity


def _add(entity: Entity, entities: list[Entity], at: dict[tuple[object, ...], Entity]) -> None:
    entities.append(entity)
    at.setdefault(entity.span, entity)
    at.setdefault((*entity.span, entity.type), entity)


def _note_unkept(keys: Set[str], what: str, notes: list[Note]) -> None:
    if keys:
        names = ", ".join(f'"{name}"' for name in sorted(keys))
        cure = "Extra keys are kept at the top level of a line only."
        notes.append(Note("keys-not-kept", f"{what} has keys that are not kept: {names}", cure))


def _wrong_place(item: Mapping[str, Any], start: int, end: int, text: str, what: str) -> RecordFault:
    """Return the fault of offsets where no mention stands, or another than the one that is stated.

    Where what is stated stands at the offsets in another unit, it says so, and which option reads them so.
    """
    if start < 0 or end < 0:
        code, message = "offset-negative", f"has the offsets {start}:{end}; offsets count from 0"
    elif end > len(text):
        code, message = "offset-beyond-end", f"ends at {end} but the text has {len(text)} characters"
    elif start > end:
        code, message = "offset-inverted", f"starts at {start}, after its end at {end}"
    elif start == end:
        code, message = "offset-empty", f"is empty: it starts and ends at {start}"
    else:
        said, found = _shorten(item["text"]), _shorten(text[start:end])
        code, message = "offset-text", f"says {said} but the text at {start}:{end} is {found}"
    mention = item.get("text")
    for unit, name in NAMES.items() if isinstance(mention, str) else ():
        there = Units(text, unit).to_characters(start, end)
        if there is not None and text[there[0] : there[1]] == mention:
            hint = f": the offsets count {name}; mere counts code points"
            return RecordFault(code, f"{what} {message}{hint}", options={"offsets": unit})
    if isinstance(mention, str) and mention.strip() and mention in text:
        hint = "; it stands elsewhere, and can be looked for"
        return RecordFault(code, f"{what} {message}{hint}", options={"offsets": Offsets.BY_TEXT})
    return RecordFault(code, f"{what} {message}")


def _shorten(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= SHOWN_CHARS else shown[: SHOWN_CHARS - 1] + "…"
