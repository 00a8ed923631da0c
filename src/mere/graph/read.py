"""Documents back from the JSON lines that `mere extract` writes, as a stream, every line checked.

A line is checked while it is parsed, in compiled code; why one is refused is found out only then, by the reader of
corpora, which words it with file, line and cure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from mere.data.formats.lines import numbered_lines
from mere.data.formats.offsets import NoSuchPlace, stated_unit, to_characters
from mere.data.formats.record import RecordFault, sentence_from_record
from mere.errors import DataError
from mere.graph.settings import Item
from mere.types import Document, Entity, Triple

_STRICT = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)
_Name = Annotated[str, Field(min_length=1)]
_Score = Annotated[float, Field(ge=0, le=1)]


class _Mention(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    start: int
    end: int
    text: NotRequired[str | None]


class _Entity(_Mention):
    type: NotRequired[_Name | None]
    score: NotRequired[_Score | None]
    link: NotRequired[_Name | None]


class _Triple(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    subject: _Mention
    relation: _Name
    object: _Mention
    score: NotRequired[_Score | None]


class _Line(TypedDict):
    __pydantic_config__ = _STRICT  # type: ignore[misc]
    id: NotRequired[str | int | None]
    text: str
    lang: NotRequired[str | None]
    entities: NotRequired[list[_Entity] | None]
    triples: NotRequired[list[_Triple] | None]
    offsets: NotRequired[Any]


_LINE = TypeAdapter(_Line)


def read_documents(sources: Iterable[str]) -> Iterator[Item]:
    """Yield the documents of JSON-lines files, plain or gzip, in order; "-" is standard input.

    A document without an id is called by its file and line.

    Raises:
        DataError: no such file, bytes that are not UTF-8, or a line that is no document; names file and line.
    """
    for source in sources:
        for number, raw in numbered_lines(Path("/dev/stdin" if source == "-" else source)):
            yield item_from_line(raw, f"{'stdin' if source == '-' else source}:{number}")


def item_from_line(raw: str | bytes, where: str) -> Item:
    """Return the document of one line, called by `where` if it has no id.

    Raises:
        DataError: it is no document; says what is wrong, and where.
    """
    try:
        line = _LINE.validate_json(raw)
        if unit := stated_unit(line):
            to_characters(line, unit)
        document = _document(line)
    except (ValidationError, NoSuchPlace, _Misplaced):
        raise _refusal(raw, where) from None
    id = line.get("id")
    return Item(where if id is None or id == "" else str(id), document)


class _Misplaced(Exception):
    """Offsets that are not where their mention is."""


def _document(line: _Line) -> Document:
    text = line["text"]
    entities: list[Entity] = []
    at: dict[tuple[int, int], Entity] = {}  # the first entity at each span
    for item in line.get("entities") or ():
        mention = _slice(text, item)
        entity = Entity(
            item["start"], item["end"], mention, item.get("type"), item.get("score"), item.get("link")
        )
        entities.append(entity)
        at.setdefault((entity.start, entity.end), entity)

    def end(item: _Mention) -> Entity:
        known = at.get((item["start"], item["end"]))
        if known is not None and item.get("text", known.text) in (known.text, None):
            return known
        return Entity(item["start"], item["end"], _slice(text, item))

    triples = [
        Triple(end(item["subject"]), item["relation"], end(item["object"]), item.get("score"))
        for item in line.get("triples") or ()
    ]
    return Document(text, line.get("lang"), tuple(entities), tuple(triples))


def _slice(text: str, item: _Mention | _Entity) -> str:
    start, end = item["start"], item["end"]
    mention = text[start:end]
    if not 0 <= start < end <= len(text) or item.get("text", mention) not in (mention, None):
        raise _Misplaced
    return mention


def _refusal(raw: str | bytes, where: str) -> DataError:
    """Find out why a line is no document."""
    cure = "Write the documents again: mere extract MODEL TEXTS > documents.jsonl"
    try:
        record = json.loads(raw)
        json.dumps(record, ensure_ascii=False).encode()
        if isinstance(record, dict):
            sentence_from_record({**record, "lang": record.get("lang") or "und"}, where)
        _LINE.validate_python(record)
    except json.JSONDecodeError as error:
        return DataError(f"{where}: not a whole JSON object (column {error.colno}: {error.msg}). {cure}")
    except UnicodeEncodeError as error:
        code = f"U+{ord(error.object[error.start]):04X}"
        return DataError(
            f"{where}: a lone surrogate, {code}, which stands for no character. "
            r"Write the character itself, or both halves (\ud83d\ude00)"
        )
    except RecordFault as fault:
        return DataError(f"{where}: {fault.message}. {fault.cure or cure}")
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the line"
        return DataError(f"{where}: {key}: {first['msg']}. {cure}")
    except (RecursionError, ValueError) as error:
        return DataError(f"{where}: not JSON that can be read: {error}. {cure}")
    return DataError(f"{where}: not a document. {cure}")
