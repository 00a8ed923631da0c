"""Label Studio's JSON: an array of tasks, each with its data and the results of those who annotated it.

    [{"id": 1, "data": {"text": "Ada lebt in Graz."},
      "annotations": [{"result": [
        {"id": "a", "type": "labels", "from_name": "label", "to_name": "text",
         "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}},
        {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["lives-in"]}]}]}]

Offsets count UTF-16 units, as browsers do; newer versions count code points. The stated texts of the regions
tell which, text by text. Of several annotations of a task the ground truth is taken, else the last that was
not cancelled; the others, predictions, and results that are neither regions nor relations are counted. Exports
of images, audio, video or HTML are refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mere.data.formats import whole
from mere.data.formats.holds import Holds
from mere.data.formats.lines import Head
from mere.data.formats.record import RecordFault
from mere.data.formats.records import (
    Records,
    counted,
    keys_of,
    line_writer,
    linked,
    mention,
    reader,
    relation,
)
from mere.data.formats.tally import Tally, Written
from mere.data.formats.utf16 import Utf16, likelier_unit
from mere.types import Sentence

HOLDS = Holds(one="a task of a JSON array", offsets="UTF-16 units")
_OTHER_MEDIA = {
    **dict.fromkeys(("rectangle", "ellipse", "polygon", "keypoint", "brush", "bitmask", "vector"), "images"),
    **dict.fromkeys(("video", "timeline"), "video"),
    "timeseries": "time series",
    "hypertext": "HTML",
    "paragraph": "dialogues",
}
_OTHER_DATA = {"image": "images", "images": "images", "audio": "audio", "video": "video", "html": "HTML"}
_TASK_KEYS = (b'"annotations"', b'"completions"', b'"predictions"')
_OWN = ("text", "entities", "triples")


def looks_like(head: Head) -> bool:
    """Whether a file begins with an array of tasks."""
    is_array = head.raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["
    return is_array and b'"data"' in head.raw and any(key in head.raw for key in _TASK_KEYS)


@reader()
def read(records: Records) -> Iterator[Sentence]:
    """Yield the annotated tasks of a `.json` file as "Export, JSON" gives it; keys of their data are kept."""
    text = whole.read_text(records.path, records.problems)
    if text is None:
        return
    try:
        tasks = json.loads(text.removeprefix("\ufeff"))
    except ValueError as error:
        cure = "Export it again: the file may be cut short."
        records.refuse(RecordFault("json", f"not JSON that can be read: {error}", cure))
        return
    if not isinstance(tasks, list):
        tasks = [tasks]
    for number, task in enumerate(tasks, 1):
        try:
            record = _record(task, records.tally)
        except RecordFault as fault:
            records.refuse(RecordFault(fault.code, f"task {number}: {fault.message}", fault.cure))
            if fault.code == "label-studio-media":
                return
            continue
        if record is not None:
            yield from records.sentence(record, None, f"{records.stem}:{number}")


def _record(task: object, tally: Tally) -> dict[str, Any] | None:
    """Return a task with mere's keys, None where nobody annotated it.

    Raises:
        RecordFault: it is no task of spans in a text.
    """
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        cure = 'Export as JSON ("JSON-MIN" and "CSV" have no relations).'
        raise RecordFault("label-studio-task", 'no task of Label Studio\'s: the key "data" is missing', cure)
    results = _results(task, tally)
    if results is None:
        return None
    data = task["data"]
    other = next((media for item in results if (media := _media(item)) not in (None, "text")), None)
    other = other or next(
        (media for key, media in _OTHER_DATA.items() if key in data and "text" not in data), None
    )
    if other:
        cure = "Mere reads labels in plain text (<Text> and <Labels> in the labelling set-up)."
        raise RecordFault(
            "label-studio-media", f"the export is of {other}; spans in a text were expected", cure
        )
    regions = [item for item in results if _media(item) == "text"]
    key = _text_key(data, regions)
    record = {name: value for name, value in data.items() if name not in (key, *_OWN)}
    record["text"] = data[key]
    if "id" not in record and task.get("id") is not None:
        record["id"] = task["id"]
    by_id = _entities(record, regions, tally)
    record["triples"] = _triples(results, by_id, tally)
    for item in results:
        if item.get("type") != "relation" and _media(item) is None:
            tally.lost[f"results of type {item.get('type')}"] += 1
    return record


def _results(task: dict[str, Any], tally: Tally) -> list[dict[str, Any]] | None:
    """Return the results of the annotation that counts, None where there is none."""
    annotations = task.get("annotations", task.get("completions")) or []
    done = [item for item in annotations if isinstance(item, dict) and not item.get("was_cancelled")]
    tally.lost["predictions"] += len(task.get("predictions") or [])
    if not done:
        tally.left_out["tasks that were skipped" if annotations else "tasks that nobody annotated"] += 1
        return None
    taken = next((item for item in done if item.get("ground_truth")), done[-1])
    tally.lost["further annotations of a task"] += len(done) - 1
    results = taken.get("result")
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise RecordFault("label-studio-result", 'an annotation has no list "result" of objects')
    return results


def _media(item: dict[str, Any]) -> str | None:
    """Return what a result is a region of ("text", "images", …), None where it is no region."""
    kind = str(item.get("type"))
    if kind == "labels":
        value = item.get("value")
        return "text" if isinstance(value, dict) and isinstance(value.get("start"), int) else "audio"
    return next((media for start, media in _OTHER_MEDIA.items() if kind.startswith(start)), None)


def _text_key(data: dict[str, Any], regions: list[dict[str, Any]]) -> str:
    """Return the key of `data` that the regions point into.

    Raises:
        RecordFault: several keys may be meant.
    """
    strings = [key for key, value in data.items() if isinstance(value, str)]
    named = {str(item.get("to_name")) for item in regions}
    for key in (*sorted(named), "text"):
        if key in strings:
            return key
    if regions:
        strings = [
            key for key in strings if all(str(item["value"].get("text", "")) in data[key] for item in regions)
        ]
    if len(strings) == 1:
        return strings[0]
    keys = ", ".join(f'"{key}"' for key in data)
    cure = 'Name the key of the text "text".'
    raise RecordFault(
        "label-studio-text", f"which key of its data holds the text is not clear ({keys})", cure
    )


def _entities(
    record: dict[str, Any], regions: list[dict[str, Any]], tally: Tally
) -> dict[str, list[dict[str, Any]]]:
    """Put the entities into the record, and return those of each region by its id: one for each label."""
    text = record["text"]
    spans = [
        (item["value"]["start"], item["value"].get("end"), item["value"].get("text")) for item in regions
    ]
    if not all(type(end) is int for _, end, _ in spans):
        raise RecordFault("offset-not-a-number", "a region has no whole number as its end")
    fits = likelier_unit(text, spans)
    tally.repaired["texts whose offsets count code points, not UTF-16 units"] += fits == "code points"
    unit = Utf16(text) if fits == "UTF-16 units" else None
    record["entities"] = []
    by_id: dict[str, list[dict[str, Any]]] = {}
    for item, (start, end, stated) in zip(regions, spans, strict=True):
        if unit is not None:
            start, end = unit.to_code_points(start), unit.to_code_points(end)
        labels = item["value"].get("labels") or [None]
        more = {"score": item.get("score"), "text": stated}
        made = [mention(start, end, label, **more) for label in labels]
        record["entities"] += made
        by_id[str(item.get("id"))] = made
    return by_id


def _triples(
    results: list[dict[str, Any]], by_id: dict[str, list[dict[str, Any]]], tally: Tally
) -> list[dict[str, Any]]:
    triples = []
    for item in results:
        if item.get("type") != "relation":
            continue
        ends = [by_id.get(str(item.get(key))) for key in ("from_id", "to_id")]
        if item.get("direction") == "left":
            ends.reverse()
        tally.lost["relations of both directions, read as from the first to the second"] += (
            item.get("direction") == "bi"
        )
        subjects, objects = ends
        if not subjects or not objects:
            tally.lost["relations of regions that are not there"] += 1
        elif not item.get("labels"):
            tally.lost["relations without a label"] += 1
        else:
            triples += [
                relation(subjects[0], name, objects[0], score=item.get("score")) for name in item["labels"]
            ]
    return triples


@line_writer
def write(sentences: Iterable[Sentence], written: Written) -> Iterator[str]:
    """Write sentences as tasks with one annotation each, as Label Studio imports them."""
    before = "["
    for sentence in counted(sentences, written, HOLDS):
        line = json.dumps(_task(sentence, written), ensure_ascii=False)
        whole.encoded(line, sentence)
        yield before + line
        before = ","
    yield "[]" if before == "[" else "]"


def _task(sentence: Sentence, written: Written) -> dict[str, Any]:
    unit = Utf16(sentence.text)
    entities, links = linked(sentence)
    results: list[dict[str, Any]] = []
    for number, entity in enumerate(entities):
        value: dict[str, Any] = {
            "start": unit.from_code_points(entity.start),
            "end": unit.from_code_points(entity.end),
            "text": entity.text,
            "labels": [] if entity.type is None else [entity.type],
        }
        region = {
            "id": f"e{number}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": value,
        }
        results.append(region | ({} if entity.score is None else {"score": entity.score}))
    for link in links:
        arrow: dict[str, Any] = {"type": "relation", "from_id": f"e{link.subject}"}
        arrow |= {"to_id": f"e{link.object}", "direction": "right", "labels": [link.triple.relation]}
        results.append(arrow | ({} if link.triple.score is None else {"score": link.triple.score}))
    data = {**keys_of(sentence, _OWN, written), "text": sentence.text}
    return {"data": data, "annotations": [{"result": results}]}
