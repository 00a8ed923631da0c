"""Prodigy's JSON lines: a task a line with spans, relations, and the annotator's answer.

    {"text": "Ada lebt in Graz.", "answer": "accept",
     "tokens": [{"text": "Ada", "start": 0, "end": 3, "id": 0, "ws": true}, …],
     "spans": [{"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "PER"}, …],
     "relations": [{"head": 0, "child": 3, "head_span": {…}, "child_span": {…}, "label": "lives-in"}]}

Only accepted tasks are annotations: those rejected or ignored are left out and counted, those without an
answer were never asked. A relation goes from its head to its child. A task of the binary recipes (`_view_id`
"ner") says that one span is right and nothing of the others, so its sentence is not `complete`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mere.data.formats.cut import fitting_tokens
from mere.data.formats.holds import NO_RELATIONS, TOKENS, Holds
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
from mere.types import Sentence

HOLDS = Holds(one="a line", offsets="code points")
BINARY_VIEW = "ner"
OTHER_MEDIA = ("image", "audio", "video", "html")
_OWN = ("text", "tokens", "spans", "relations", "answer", "triples", "entities")


def looks_like(head: Head) -> bool:
    """Whether the first line is Prodigy's: an answer, a hash of the input, or spans with token numbers."""
    record = first_object(head)
    if not isinstance(record, dict):
        return False
    if "_input_hash" in record or record.get("answer") in ("accept", "reject", "ignore"):
        return True
    spans = record.get("spans")
    return isinstance(spans, list) and any(isinstance(s, dict) and "token_start" in s for s in spans)


@reader(counts_characters=True)
def read(records: Records) -> Iterator[Sentence]:
    """Yield the accepted tasks that `prodigy db-out` writes; keys beyond Prodigy's are kept, its tokens as offsets in
    `extra["tokens"]`."""
    return records.lines(lambda task: _record(task, records.tally))


def _record(task: object, tally: Tally) -> dict[str, Any] | None:
    """Return a task with mere's keys, None where its answer is not "accept".

    Raises:
        RecordFault: it is no task of spans in a text.
    """
    if not isinstance(task, dict):
        raise RecordFault("not-an-object", "not a JSON object; a task a line was expected")
    answer = task.get("answer", "accept")
    if answer != "accept":
        known = {"reject": "rejected", "ignore": "ignored"}.get(answer) if isinstance(answer, str) else None
        if known is None:
            raise RecordFault(
                "prodigy-answer", f"the answer is {answer!r}; accept, reject or ignore was expected"
            )
        tally.left_out[f"tasks {known}"] += 1
        return None
    media = next((key for key in OTHER_MEDIA if key in task), None)
    if "text" not in task or media in ("image", "audio", "video"):
        what = f"a task of {media}" if media else 'the key "text" is missing'
        raise RecordFault(
            "prodigy-not-text", f"{what}; spans in a text were expected", "Export a NER or span task."
        )
    if "spans" not in task and {"options", "accept", "label"} & task.keys():
        message = "labels of a whole text (no spans)"
        raise RecordFault("prodigy-not-spans", message, "Mere reads tasks of spans and relations.")
    record = {key: value for key, value in task.items() if key not in _OWN}
    record["text"] = task["text"]
    record["entities"] = [_mention(span) for span in _list(task, "spans")]
    if task.get("_view_id") == BINARY_VIEW:
        record.setdefault("complete", False)
    if task.get("relations") is None:
        record.setdefault("relations_covered", sorted(NO_RELATIONS))
    else:
        record["triples"] = _triples(_list(task, "relations"), record["entities"], tally)
    tokens = [[token.get("start"), token.get("end")] for token in _list(task, "tokens")]
    if tokens:
        record[TOKENS] = tokens
    return record


def _list(task: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = task.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RecordFault(
            "prodigy-list", f'"{key}" is {json.dumps(value)[:40]}; a list of objects was expected'
        )
    return value


def _mention(span: dict[str, Any]) -> dict[str, Any]:
    score = span.get("score") if HOLDS.scores else None
    return mention(
        span.get("start"), span.get("end"), span.get("label") or None, score=score, text=span.get("text")
    )


def _triples(
    relations: list[dict[str, Any]], entities: list[dict[str, Any]], tally: Tally
) -> list[dict[str, Any]]:
    """Return the triples; an argument that is no span of its own joins the entities, as tokens may."""
    triples = []
    for item in relations:
        ends = [item.get(key) for key in ("head_span", "child_span")]
        if not all(isinstance(end, dict) for end in ends):
            tally.lost["relations without the spans of head and child"] += 1
        elif not item.get("label"):
            tally.lost["relations without a label"] += 1
        else:
            subject, object_ = (_mention(end) for end in ends if end is not None)
            triples.append(relation(subject, item["label"], object_, score=item.get("score")))
    return triples


@object_writer(HOLDS)
def write(sentence: Sentence, written: Written) -> dict[str, Any]:
    """Write sentences as accepted tasks, cut into tokens, as Prodigy needs them, by `fitting_tokens`."""
    text = sentence.text
    entities, links = linked(sentence)
    tokens = fitting_tokens(sentence, [entity.span for entity in entities])
    first = {token.start: number for number, token in enumerate(tokens)}
    last = {token.end: number for number, token in enumerate(tokens)}
    spans = []
    for entity in entities:
        span: dict[str, Any] = {"start": entity.start, "end": entity.end}
        span |= {"token_start": first[entity.start], "token_end": last[entity.end]}
        span |= {"label": entity.type} if entity.type is not None else {}
        spans.append(span | ({"score": entity.score} if entity.score is not None else {}))
    relations = []
    for link in links:
        head, child = spans[link.subject], spans[link.object]
        item = {"head": head["token_end"], "child": child["token_end"], "label": link.triple.relation}
        item |= {"head_span": head, "child_span": child}
        relations.append(item | ({"score": link.triple.score} if link.triple.score is not None else {}))
    return {
        **keys_of(sentence, _OWN, written),
        "text": text,
        "tokens": [
            {"text": text[a:b], "start": a, "end": b, "id": number, "ws": text[b : b + 1] == " "}
            for number, (a, b) in enumerate(tokens)
        ],
        "spans": spans,
        "relations": relations,
        "answer": "accept",
    }
