"""doccano's JSON lines: a text a line, with spans in a list `label`, or with entities and relations.

    {"id": 1, "text": "Ada lebt in Graz.", "label": [[0, 3, "PER"], [12, 16, "LOC"]]}
    {"id": 1, "text": "Ada lebt in Graz.",
     "entities": [{"id": 7, "label": "PER", "start_offset": 0, "end_offset": 3}, …],
     "relations": [{"id": 1, "from_id": 7, "to_id": 8, "type": "lives-in"}]}

doccano counts offsets in UTF-16 units, as browsers do, but hands out the offsets of imported annotations as
they came. The two differ only after characters beyond U+FFFF; in a line that has one, the unit is taken whose
borders cut fewer words and characters in two, and lines that count code points are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from mere.data.formats.holds import ENTITY, NO_RELATIONS, Holds
from mere.data.formats.lines import Head
from mere.data.formats.record import RecordFault
from mere.data.formats.records import (
    Records,
    first_object,
    keys_of,
    linked,
    mention,
    object_writer,
    reader,
    relation,
)
from mere.data.formats.tally import Tally, Written
from mere.data.formats.utf16 import Utf16, likelier_unit
from mere.types import Sentence

HOLDS = Holds(one="a line", offsets="UTF-16 units", untyped=False, scores=False)
LISTS = ("label", "labels")
"""The keys of the export of spans alone; which one depends on doccano's version."""
_OWN = ("text", "entities", "relations", "triples", *LISTS)


class _Found(NamedTuple):
    """An entity as doccano gives it; `stated` is its text where the file says it, as mere's own do."""

    start: int
    end: int
    label: Any
    stated: str | None


def looks_like(head: Head) -> bool:
    """Whether the first line is doccano's: spans as `[start, end, label]`, or entities with `start_offset`."""
    record = first_object(head)
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        return False
    entities = record.get("entities")
    if entities is not None:
        both = isinstance(entities, list) and isinstance(record.get("relations"), list)
        return both and all(isinstance(item, dict) and "start_offset" in item for item in entities)
    spans = next((record[key] for key in LISTS if isinstance(record.get(key), list)), None)
    return spans is not None and all(isinstance(span, list) and len(span) == 3 for span in spans)


@reader(counts_characters=True)
def read(records: Records) -> Iterator[Sentence]:
    """Yield the texts of a `.jsonl` export; keys beyond doccano's are kept."""
    return records.lines(lambda source: _record(source, records.tally))


def _record(source: object, tally: Tally) -> dict[str, Any]:
    """Return a line with mere's keys.

    Raises:
        RecordFault: it is not what doccano writes for spans.
    """
    if not isinstance(source, dict) or not isinstance(source.get("text"), str):
        raise RecordFault("no-text", 'the line has no "text"', "Export the project as JSONL.")
    text = source["text"]
    record = {key: value for key, value in source.items() if key not in _OWN}
    record["text"] = text
    spans, ids = _spans(source)
    fits = likelier_unit(text, [(start, end, stated) for start, end, _, stated in spans])
    unit = Utf16(text) if fits == "UTF-16 units" else None
    tally.repaired["lines whose offsets count code points, not UTF-16 units"] += fits == "code points"
    entities = []
    for start, end, label, _ in spans:
        if unit is not None:
            start, end = unit.to_code_points(start), unit.to_code_points(end)
        entities.append(mention(start, end, label))
    record["entities"] = entities
    if source.get("relations") is None:
        record.setdefault("relations_covered", sorted(NO_RELATIONS))
        return record
    record["triples"] = []
    for item in source["relations"]:
        ends = [ids.get(item.get(key)) for key in ("from_id", "to_id")] if isinstance(item, dict) else [None]
        if None in ends:
            tally.lost["relations of entities that are not there"] += 1
        else:
            subject, object_ = (entities[place] for place in ends if place is not None)
            record["triples"].append(relation(subject, item.get("type"), object_))
    return record


def _spans(source: dict[str, Any]) -> tuple[list[_Found], dict[Any, int]]:
    """Return the entities, and the position of each id.

    Raises:
        RecordFault: there are none, or they are of another kind.
    """
    spans: list[_Found] = []
    ids: dict[Any, int] = {}
    if "entities" in source:
        for item in source["entities"] or []:
            if not isinstance(item, dict) or not _are_offsets(
                item.get("start_offset"), item.get("end_offset")
            ):
                raise RecordFault(
                    "doccano-entity",
                    f"an entity is {json.dumps(item)[:60]}; start_offset and end_offset were expected",
                    "Export the project as JSONL(relation).",
                )
            ids[item.get("id")] = len(spans)
            spans.append(
                _Found(item["start_offset"], item["end_offset"], item.get("label"), item.get("text"))
            )
        return spans, ids
    found = next((source[key] for key in LISTS if key in source), None)
    if not isinstance(found, list):
        keys = ", ".join(f'"{key}"' for key in source)
        raise RecordFault(
            "doccano-no-label",
            f'neither "label" nor "entities" has a list (keys: {keys})',
            "Export a project of sequence labelling as JSONL.",
        )
    for item in found:
        if not (isinstance(item, list) and len(item) == 3 and _are_offsets(*item[:2])):
            what = "labels of whole texts" if isinstance(item, str) else f"{json.dumps(item)[:40]}"
            raise RecordFault(
                "doccano-not-spans",
                f'"label" holds {what}; [start, end, label] was expected',
                "Mere reads projects of sequence labelling, not of classification.",
            )
        spans.append(_Found(item[0], item[1], item[2], None))
    return spans, ids


def _are_offsets(start: object, end: object) -> bool:
    return type(start) is int and type(end) is int


@object_writer(HOLDS)
def write(sentence: Sentence, written: Written) -> dict[str, Any]:
    """Write sentences as doccano's JSONL with entities and relations."""
    unit = Utf16(sentence.text)
    entities, links = linked(sentence)
    annotated: dict[str, Any] = {
        "text": sentence.text,
        "entities": [
            {
                "id": number,
                "label": entity.type or ENTITY,
                "start_offset": unit.from_code_points(entity.start),
                "end_offset": unit.from_code_points(entity.end),
                **(
                    {"text": entity.text} if unit.differs else {}
                ),  # so that readers know the unit; doccano ignores it
            }
            for number, entity in enumerate(entities)
        ],
        "relations": [
            {"id": number, "from_id": link.subject, "to_id": link.object, "type": link.triple.relation}
            for number, link in enumerate(links)
        ],
    }
    return {**keys_of(sentence, _OWN, written), **annotated}
