"""The JSON-lines corpus format: one sentence a line, offsets in code points of its own text.

    {"id": "s1", "lang": "de", "text": "…", "entities": [{"start": 0, "end": 11, "type": "PER"}],
     "triples": [{"subject": {"start": 0, "end": 11}, "relation": "birth-place", "object": {…}}],
     "relations_covered": ["birth-place"], "complete": true, "source": "…"}

Only `text` is required, and `lang` where neither the file's name nor `--lang` says it. `read` and `write` are
inverse to each other: keys that mere does not use travel in `Sentence.extra`; but for annotations under another
key, which are refused. Gzip is seen through on reading and follows the name on writing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mere import advice
from mere.data.formats import files
from mere.data.formats.asked_offsets import AskedOffsets
from mere.data.formats.holds import Holds
from mere.data.formats.lines import Head, head_of, numbered_lines
from mere.data.formats.problems import Problem, report
from mere.data.formats.reading import AS_THEY_ARE, Reading
from mere.data.formats.record import Note, RecordFault, sentence_from_record
from mere.data.formats.tally import Tally, Written
from mere.data.formats.whole import encoded
from mere.lang_codes import is_same
from mere.types import Entity, Sentence, Span, Triple

HOLDS = Holds(one="a line", offsets="code points", links=True)
_ONCE = ("entities", "triples", "lang")
_DECODER = json.JSONDecoder()
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def looks_like(head: Head) -> bool:
    """Whether a file begins with a JSON object."""
    return bool(head.lines) and head.lines[0].lstrip().startswith("{")


def read(
    path: Path | str,
    problems: list[Problem] | None = None,
    reading: Reading = AS_THEY_ARE,
    tally: Tally | None = None,
) -> Iterator[Sentence]:
    """Yield the sentences of a `.jsonl` file in order, as a `Reader` (mere.data.formats.records) does."""
    path = Path(path)
    stem = files.stem(path)
    counts = tally or Tally()
    lang = reading.lang or files.lang_of(path)
    offsets = AskedOffsets(path, reading, counts.repaired)
    num_faults = 0
    for number, line in numbered_lines(path, problems, repaired=counts.repaired):
        try:
            record = parse(line)
            offsets.take(record)
            sentence, notes = sentence_from_record(record, f"{stem}:{number}", lang)
        except RecordFault as fault:
            num_faults += 1
            _note(fault.notes, path, number, counts, problems)
            if fault.code in ("json", "json-cut") and _is_loose(path):
                cure = advice.run("jq", "-c", ".", path, ">", advice.beside(path, "lines"))
                message = "the file's JSON objects are not one a line"
                report(Problem(path, number, "json-lines", message, cure), problems)
                return
            cure = fault.advice(path, reading) or _moved(path, fault.jq) or fault.cure
            report(Problem(path, number, fault.code, fault.message, cure), problems)
            continue
        _note(notes, path, number, counts, problems)
        if reading.lang and not is_same(sentence.lang, reading.lang):
            counts.lost[f"--lang {reading.lang}, for lines that state another language"] += 1
        yield sentence
    offsets.finish(problems, may_be_right=not num_faults)


def _note(
    notes: Sequence[Note], path: Path, number: int, tally: Tally, problems: list[Problem] | None
) -> None:
    for note in notes:
        if note.repaired:
            tally.repaired[note.repaired] += 1
        else:
            tally.lost[note.message] += 1
    if problems is not None:
        problems += [Problem(path, number, n.code, n.message, n.cure, "warning") for n in notes]


def _is_loose(path: Path) -> bool:
    """Whether a file begins with JSON objects over several lines, or several on one."""
    text = head_of(path).raw.decode("utf-8", "replace").lstrip("\ufeff \r\n")
    try:
        record, end = _DECODER.raw_decode(text)
        if "\n" not in text[:end].strip():
            following = text[end:].lstrip(" \t")
            return following[:1] == "{" and isinstance(_DECODER.raw_decode(following)[0], dict)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict)


def _moved(path: Path, program: str) -> str:
    """Return the advice to move what stands under a key of its own."""
    if not program:
        return ""
    out = advice.beside(path, "moved", ending=".jsonl")
    if path.name.endswith(".gz"):
        return advice.run("gzip", "-dc", path, "|", "jq", "-c", program, ">", out)
    return advice.run("jq", "-c", program, path, ">", out)


def parse(line: str) -> object:
    """Return what a line of JSON says.

    Raises:
        RecordFault: it is cut short, no JSON, or holds a lone surrogate.
    """
    try:
        may_be_twice = any(line.count(f'"{key}"') > 1 for key in _ONCE)
        record = json.loads(line, object_pairs_hook=_object if may_be_twice else None)
    except json.JSONDecodeError as error:
        if error.pos >= len(line.rstrip()) or error.msg.startswith("Unterminated string"):
            cure = "Write the line again, or delete it."
            raise RecordFault(
                "json-cut", f"the JSON ends too early, after {len(line):,} characters", cure
            ) from None
        near = line[max(0, error.pos - 12) : error.pos + 12]
        raise RecordFault("json", f"not JSON: {error.msg} at column {error.colno:,}, near {near!r}") from None
    except (RecursionError, ValueError) as error:
        raise RecordFault("json", f"not JSON that can be read: {error}") from None
    if _SURROGATE_ESCAPE.search(line):
        try:
            json.dumps(record, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            code = ord(error.object[error.start])
            raise RecordFault(
                "surrogate",
                f"a lone surrogate, U+{code:04X}, which stands for no character",
                r"Write the character itself, or both halves (\ud83d\ude00)",
            ) from None
    return record


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object of which no key that mere reads stands twice: Python's parser would keep the last.

    Raises:
        RecordFault: one does.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)
        if twice in _ONCE:
            cure = "Keep one of them: put what they hold together."
            raise RecordFault("key-twice", f'the key "{twice}" stands twice in one object', cure)
    return made


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write sentences one a line; `read` gives back equal ones."""
    return Written(files.write_lines((_line(sentence) for sentence in sentences), Path(path)))


def _line(sentence: Sentence) -> str:
    line = json.dumps(to_record(sentence), ensure_ascii=False)
    encoded(line, sentence)
    return line


def to_record(sentence: Sentence) -> dict[str, Any]:
    """Return a sentence as the JSON object of its line."""
    first_at: dict[Span, Entity] = {}
    for entity in sentence.entities:
        first_at.setdefault(entity.span, entity)
    covered = sentence.relations_covered
    record: dict[str, Any] = {
        "id": sentence.id,
        "lang": sentence.lang,
        "text": sentence.text,
        "entities": [_mention(entity) for entity in sentence.entities],
        "triples": [_triple(triple, first_at) for triple in sentence.triples],
        "relations_covered": None if covered is None else sorted(covered),
        "complete": sentence.complete,
    }
    if sentence.types_covered is not None:
        record["types_covered"] = sorted(sentence.types_covered)
    if sentence.source is not None:
        record["source"] = sentence.source
    for key, value in sentence.extra.items():
        record.setdefault(key, value)
    return record


def _mention(entity: Entity) -> dict[str, Any]:
    record: dict[str, Any] = {"start": entity.start, "end": entity.end}
    if entity.type is not None:
        record["type"] = entity.type
    if entity.score is not None:
        record["score"] = entity.score
    if entity.link is not None:
        record["link"] = entity.link
    return record


def _argument(entity: Entity, first_at: Mapping[Span, Entity]) -> dict[str, Any]:
    """Write the span; the type too where the span alone would name another entity."""
    record: dict[str, Any] = {"start": entity.start, "end": entity.end}
    if first_at.get(entity.span, entity).type != entity.type:
        record["type"] = entity.type
    return record


def _triple(triple: Triple, first_at: Mapping[Span, Entity]) -> dict[str, Any]:
    record: dict[str, Any] = {
        "subject": _argument(triple.subject, first_at),
        "relation": triple.relation,
        "object": _argument(triple.object, first_at),
    }
    if triple.score is not None:
        record["score"] = triple.score
    return record
