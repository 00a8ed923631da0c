"""CSV and TSV with a column of texts, as spreadsheets and data frames write them; a header names the columns.

    id,lang,text,entities,triples
    s1,de,Ada lebt in Graz.,"[{""start"": 0, ""end"": 3, ""type"": ""PER""}]",[]

The text is in a column `text` (or sentence, content, body, document), or the one that is named. Columns `entities`
and `triples` hold JSON as in mere's JSON lines; a file without them has texts that nobody annotated. Other columns
are kept, as text; what is no text stands in a column `extra`, as JSON.
"""

from __future__ import annotations

import ast
import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from mere.data.formats import whole
from mere.data.formats.header import TAG_NAMES, TOKEN_NAMES
from mere.data.formats.holds import Holds
from mere.data.formats.jsonl import to_record
from mere.data.formats.keys import ENDS, NAMES, OBJECTS, STARTS, SUBJECTS, TYPES
from mere.data.formats.lines import Head, head_of, numbered_lines, open_binary, piped
from mere.data.formats.misplaced import are_tags, misplaced
from mere.data.formats.no_layout import by_sign
from mere.data.formats.reading import Reading
from mere.data.formats.record import SENTENCE_KEYS, RecordFault
from mere.data.formats.records import Records, counted, reader
from mere.data.formats.tally import Written
from mere.types import Sentence

HOLDS = Holds(one="a row", offsets="code points", links=True)
TAKES = frozenset({"lang", "column", "offsets"})
TEXT_COLUMNS = ("text", "sentence", "content", "body", "document")
DELIMITERS = ",;\t"
MAX_FIELD = 1_000_000_000  # characters; Python's csv takes 131,072 unless it is told
_JSON = ("entities", "triples", "relations_covered", "types_covered", "complete")
_EXTRA = "extra"
_GROUPED = (
    "import csv, json, sys; rows = dict(); "
    "[rows.setdefault(r[{text}], []).append({made}) for r in csv.DictReader(sys.stdin, delimiter={sign})]; "
    "[print(json.dumps(dict(text=t, {key}=x), ensure_ascii=False)) for t, x in rows.items()]"
)
_TAGGED = (
    "import csv, json, sys; [print(json.dumps(dict(text=r[{text}], tokens=r[{text}].split(), "
    "ner_tags=r[{tags}].split()), ensure_ascii=False)) for r in csv.DictReader(sys.stdin, delimiter={sign})]"
)


def looks_like(head: Head) -> bool:
    """Whether the first line of a file named so has the name of a column of texts."""
    named = head.path.name.removesuffix(".gz").endswith((".csv", ".tsv"))
    return named and bool(head.lines) and any(cell.lower() in TEXT_COLUMNS for cell in _cells(head.lines[0]))


@reader(counts_characters=True)
def read(records: Records) -> Iterator[Sentence]:
    """Yield a text a row of a `.csv` or `.tsv` file; its header tells what parts the columns."""
    csv.field_size_limit(MAX_FIELD)
    try:
        with open_binary(records.path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as lines:
            rows = _rows(lines)
            header = next(rows, (1, []))[1]
            place = _text_place(header, records.reading)
            for line, row in rows:
                yield from _sentence(row, header, place, records, line)
    except RecordFault as fault:
        if fault.code == "csv-no-text" and (sign := _sign_of_tokens(records.path)):
            fault.cure = f"Its rows are tokens with tags. {piped(records.path, by_sign(sign), 'tabs')}"
        records.refuse(fault, 1)
    except csv.Error as error:
        cure = "A field with quotes in it is quoted, and each of its quotes doubled."
        records.refuse(RecordFault("csv", f"not CSV that can be read: {error}", cure))
    except (UnicodeDecodeError, EOFError, OSError):
        for _ in numbered_lines(records.path, records.problems):  # tells which line it is, and the cure
            pass


def _sign_of_tokens(path: Path) -> str:
    """Return what parts the fields of a file of a token a row, "" for another file."""
    header = next(iter(head_of(path).lines), "")
    names = {cell.casefold() for cell in _cells(header)}
    return _delimiter(header) if names & TOKEN_NAMES and names & TAG_NAMES else ""


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the number of its last line."""
    lines = iter(lines)
    first = next(lines, "")
    table = csv.reader(chain([first], lines), delimiter=_delimiter(first), strict=True)
    yield from ((table.line_num, row) for row in table if row)


def _delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)


def _cells(header: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([header], delimiter=_delimiter(header)), [])]
    except csv.Error:
        return []


def _text_place(header: list[str], reading: Reading) -> int:
    """Return which column holds the texts, from 0.

    Raises:
        RecordFault: none of a known name, or not the one that was asked for.
    """
    names = [name.strip() for name in header]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RecordFault(
            "csv-header", f'the header has "{twice}" more than once', "Rename one of the columns."
        )
    if reading.column and reading.column.isdecimal() and int(reading.column) <= len(names):
        return int(reading.column) - 1
    wanted = (reading.column,) if reading.column else TEXT_COLUMNS
    for name in wanted:
        for place, column in enumerate(names):
            if column == name or (not reading.column and column.lower() == name):
                return place
    found = ", ".join(f'"{name}"' for name in names) or "none"
    message = f"no column of texts ({' or '.join(wanted)}); the header has {found}"
    raise RecordFault("csv-no-text", message, "Name it: --column NAME")


def _sentence(
    row: list[str], header: list[str], place: int, records: Records, line: int
) -> Iterator[Sentence]:
    try:
        if len(row) != len(header):
            message = f"{len(row)} columns, {len(header)} were expected as in the header"
            raise RecordFault("columns", message, "Quote fields that hold the sign between columns.")
        cells = {name: cell for name, cell in zip(header, row, strict=True) if cell}
        text = row[place]
        cells.pop(header[place], None)
        record: dict[str, Any] = {name: _value(name, cell) for name, cell in cells.items()}
    except RecordFault as fault:
        records.refuse(fault, line)
        return
    extra = record.pop(_EXTRA, None)
    if isinstance(extra, dict):
        record |= {key: value for key, value in extra.items() if key not in record}
    record["text"] = text
    if program := _program(records.path, header, place, row):
        message = "a row has one mention, one triple or a tag for each word, in columns of its own"
        cure = piped(records.path, program, "lines", ending=".jsonl")
        records.refuse(RecordFault("csv-columns", message, cure), line)
        return
    if found := misplaced({name: _if_json(value) for name, value in record.items()} | {"text": text}):
        message = f'annotations stand in the column "{found.key}", where mere reads "{found.meant}"'
        cure = f'Call the column "{found.meant}" in the header.'
        records.refuse(RecordFault("other-key", message, cure), line)
        return
    if "entities" not in header:
        record.setdefault("types_covered", [])
    if "triples" not in header:
        record.setdefault("relations_covered", [])
    yield from records.sentence(record, line, f"{records.stem}:{line}")


def _program(path: Path, header: list[str], place: int, row: list[str]) -> str:
    """Return what makes JSON lines of rows with a mention, a triple or the tags of words in columns of their own."""
    names = {name.strip().casefold(): name for name in header}

    def column(*known: str) -> str:
        return next((names[name] for name in known if name in names and names[name] != header[place]), "")

    start, end, label = column(*STARTS), column(*ENDS), column("type", *TYPES)
    subject, relation, object_ = column("subject", *SUBJECTS), column(*NAMES), column("object", *OBJECTS)
    words = len(row[place].split())
    tags = (name for name, cell in zip(header, row, strict=True) if are_tags(cell.split(), words))
    cells = dict(zip(header, row, strict=True))
    sign, text = json.dumps(_delimiter(next(iter(head_of(path).lines), ""))), json.dumps(header[place])
    if label and cells.get(start, "").isdecimal() and cells.get(end, "").isdecimal():
        of = [json.dumps(name) for name in (start, end, label)]
        made = '{{"start": int(r[{}]), "end": int(r[{}]), "type": r[{}]}}'.format(*of)
        return _GROUPED.format(text=text, made=made, key="entities", sign=sign)
    if relation and all(cells.get(name, "") in row[place] and cells.get(name) for name in (subject, object_)):
        made = "[" + ", ".join(f"r[{json.dumps(name)}]" for name in (subject, relation, object_)) + "]"
        return _GROUPED.format(text=text, made=made, key="triples", sign=sign)
    name = next(tags, "")
    return _TAGGED.format(text=text, tags=json.dumps(name), sign=sign) if name else ""


def _value(name: str, cell: str) -> Any:
    """Return what a cell says: JSON in mere's own columns, text in all others.

    Raises:
        RecordFault: it is no JSON.
    """
    if name not in (*_JSON, _EXTRA):
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError) as error:
        if name == _EXTRA:
            return cell
        if cell[:1] in "[{" and (value := _python(cell)) is not None:
            return value
        message = f'the column "{name}" is no JSON: {error}'
        raise RecordFault(
            "csv-json", message, "Write it as in mere's JSON lines, or rename the column."
        ) from None


def _python(cell: str) -> Any:
    """Return what a cell says as Python prints lists, `[(0, 3, 'PER')]`; None where it is none."""
    try:
        return json.loads(json.dumps(ast.literal_eval(cell)))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None


def _if_json(value: Any) -> Any:
    """Return what a cell says in JSON or as Python prints it, itself where it is text."""
    if not isinstance(value, str) or value[:1] not in "[{":
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return _python(value) or value


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write sentences as rows; parted by tabs where the file's name ends in `.tsv`."""
    path = Path(path)
    written = Written()
    rows: list[dict[str, str]] = []
    columns = dict.fromkeys(["id", "lang", "text", "entities", "triples"])
    for sentence in counted(sentences, written, HOLDS):
        row = _row(sentence)
        columns |= dict.fromkeys(row)
        rows.append(row)
    delimiter = "\t" if path.name.removesuffix(".gz").endswith(".tsv") else ","
    out = io.StringIO(newline="")
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        # before Python 3.13 csv leaves a lone CR bare, at which a row ends
        is_broken = any("\r" in value for value in row.values())
        writer = csv.writer(
            out,
            delimiter=delimiter,
            lineterminator="\n",
            quoting=csv.QUOTE_ALL if is_broken else csv.QUOTE_MINIMAL,
        )
        writer.writerow([row.get(column, "") for column in columns])
    whole.write_bytes(out.getvalue().encode(), path)
    return written


def _row(sentence: Sentence) -> dict[str, str]:
    record = to_record(sentence)
    row: dict[str, str] = {}
    extra: dict[str, Any] = {}
    for key, value in record.items():
        if key in _JSON:
            if value is not None and (key != "complete" or not value):
                row[key] = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, str) and (key in SENTENCE_KEYS or (value and key not in (_EXTRA, ""))):
            row[key] = value
        else:
            extra[key] = value
    return row | ({_EXTRA: json.dumps(extra, ensure_ascii=False)} if extra else {})
