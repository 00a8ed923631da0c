"""SMiLER's tab-separated files: one marked pair and one relation a row.

    id  entity_1  entity_2  label  text  [lang]
    17  Мария Лопес  Журнал  has-occupation  <e1>Мария Лопес</e1> … <e2>журнал</e2>истка  ru

`<e1>` marks the subject, `<e2>` the object; either may come first, and a tag may stand inside a word. A row
becomes one sentence with `complete=False`, since its other facts are not annotated; the label `no_relation`
becomes two entities and no triple. Rows whose tags are damaged are repaired where only one repair is
possible, refused otherwise, and counted both ways in a `Tally`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from mere.data.formats import files
from mere.data.formats.holds import Holds
from mere.data.formats.lines import Head, numbered_lines
from mere.data.formats.marks import Damage, mark, unmark
from mere.data.formats.problems import Problem, report
from mere.data.formats.reading import AS_THEY_ARE, Reading
from mere.data.formats.records import line_writer
from mere.data.formats.tally import Tally, Written
from mere.types import Entity, Sentence, Triple

HOLDS = Holds(one="a row a triple", offsets="none", types=False, scores=False, keys=False)
COLUMNS = ("id", "entity_1", "entity_2", "label", "text", "lang")
NUM_REQUIRED = 5
NO_RELATION = "no_relation"
SOURCE = "smiler"


class Row(NamedTuple):
    """The fields of one row, unquoted; `lang` is empty where the file has no such column."""

    id: str
    entity_1: str
    entity_2: str
    label: str
    text: str
    lang: str


def looks_like(head: Head) -> bool:
    """Whether a file begins with the header of SMiLER's columns, or marks a pair in most of its first rows."""
    rows = [line for line in head.lines if line.count("\t") >= NUM_REQUIRED - 1]
    if not rows:
        return False
    return _header(rows[0].split("\t")) is not None or 2 * sum(
        "<e1>" in row or "<e2>" in row for row in rows
    ) > len(head.lines)


def read(
    path: Path | str,
    problems: list[Problem] | None = None,
    reading: Reading = AS_THEY_ARE,
    tally: Tally | None = None,
) -> Iterator[Sentence]:
    """Yield one sentence a row of a `.tsv` file with or without a header row; a `Reader`.

    Rows with damaged tags never raise: they are noted in `problems` as warnings, and counted in `tally`; where that
    is None, a Python warning tells the counts. Rows without a language have `reading.lang`, else the file name's.
    """
    path = Path(path)
    stem = files.stem(path)
    lang = reading.lang or files.lang_of(path)
    counts = Tally() if tally is None else tally
    order: list[int] | None = None  # where each of COLUMNS stands, if a header says so
    for number, line in numbered_lines(path, problems, repaired=counts.repaired):
        fields = [_unquote(value) for value in line.split("\t")]
        if order is None:
            order = _header(fields)
            if order is not None:
                continue
            order = list(range(len(COLUMNS)))
        row = _row(fields, order)
        if row is None:
            message = f"{len(fields)} columns, {NUM_REQUIRED} or {len(COLUMNS)} were expected"
            report(Problem(path, number, "columns", message, f"Columns: {', '.join(COLUMNS)}."), problems)
            continue
        row_lang = row.lang or lang
        if not row.label or not row_lang:
            what = "label" if not row.label else "language"
            cure = "" if not row.label else "Name the file like de_corpora_train.tsv, or add a lang column."
            report(Problem(path, number, f"no-{what}", f"the row has no {what}", cure), problems)
            continue
        try:
            sentence, kinds = _sentence(row, row_lang, default_id=f"{stem}:{number}")
        except Damage as damage:
            cure = "Mend the tags, or leave the row out."
            refused = Problem(
                path, number, f"smiler-{damage.code}", f"row refused: {damage}", cure, "warning"
            )
            counts.left_out[f"row refused: {refused.code}"] += 1
            report(refused, problems)
            continue
        counts.repaired.update(kinds)
        yield sentence
    if tally is None and problems is None and str(counts):
        warnings.warn(f"{path}: {counts}", stacklevel=2)


def _header(fields: list[str]) -> list[int] | None:
    names = [name.strip().lower() for name in fields]
    if not set(COLUMNS[:NUM_REQUIRED]) <= set(names):
        return None
    return [names.index(name) if name in names else -1 for name in COLUMNS]


def _row(fields: list[str], order: list[int]) -> Row | None:
    if not NUM_REQUIRED <= len(fields) <= len(COLUMNS) or max(order[:NUM_REQUIRED]) >= len(fields):
        return None
    id_, entity_1, entity_2, label, text, lang = (
        fields[place] if 0 <= place < len(fields) else "" for place in order
    )
    return Row(id_.strip(), entity_1, entity_2, label.strip(), text, lang.strip())


def _unquote(value: str) -> str:
    """Undo the quoting of spreadsheet programs: `"He said ""so""."`, but keep a sole pair of quotes."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        inner = value[1:-1]
        if '""' in inner and '"' not in inner.replace('""', ""):
            return inner.replace('""', '"')
    return value


def _quote(value: str) -> str:
    return '"' + value.replace('"', '""') + '"' if _unquote(value) != value else value


def _sentence(row: Row, lang: str, default_id: str) -> tuple[Sentence, list[str]]:
    marked = unmark(row.text, row.entity_1, row.entity_2)
    subject, object_ = (Entity(s.start, s.end, marked.text[s.start : s.end]) for s in marked.spans)
    columns = {"entity_1": (row.entity_1, subject), "entity_2": (row.entity_2, object_)}
    sentence = Sentence(
        id=row.id or default_id,
        lang=lang,
        text=marked.text,
        entities=(subject, object_),
        triples=() if row.label == NO_RELATION else (Triple(subject, row.label, object_),),
        complete=False,
        source=SOURCE,
        extra={key: value for key, (value, entity) in columns.items() if value != entity.text},
    )
    return sentence, marked.repairs


@line_writer
def write(sentences: Iterable[Sentence], written: Written) -> Iterator[str]:
    """Write sentences as SMiLER rows with a header."""
    yield "\t".join(COLUMNS)
    for sentence in sentences:
        rows = _rows(sentence, written)
        written.sentences += bool(rows)
        yield from ("\t".join(map(_quote, row)) for row in rows)


def _rows(sentence: Sentence, written: Written) -> list[Row]:
    pairs = [(triple.subject, triple.relation, triple.object) for triple in sentence.triples]
    if not pairs and len(sentence.entities) == 2:
        pairs = [(sentence.entities[0], NO_RELATION, sentence.entities[1])]
    if not pairs:
        written.left_out["no triple and not exactly two entities"] += 1
        return []
    extra = sentence.extra
    rows = []
    for subject, label, object_ in pairs:
        try:
            text = mark(sentence.text, subject.span, object_.span)
        except Damage as damage:
            written.left_out[str(damage)] += 1
            return []
        name_1 = str(extra.get("entity_1", subject.text))
        name_2 = str(extra.get("entity_2", object_.text))
        rows.append(Row(sentence.id, name_1, name_2, label, text, sentence.lang))
    if any(re.search(r"[\t\r\n]", value) for row in rows for value in row):
        written.left_out["a tab or a line break in a field"] += 1
        return []
    named = {entity.span for subject, _, object_ in pairs for entity in (subject, object_)}
    written.lost["entities in no triple"] += sum(entity.span not in named for entity in sentence.entities)
    written.lost["entity types"] += sum(entity.type is not None for entity in sentence.entities)
    written.lost["extra keys"] += len(extra.keys() - {"entity_1", "entity_2"})
    written.lost["sources"] += sentence.source not in (None, SOURCE)
    written.lost["sentences whose triples went to several rows"] += len(rows) > 1
    written.lost["sentences marked complete"] += sentence.complete
    written.lost["lists of relations covered"] += sentence.relations_covered is not None
    written.lost["lists of types covered"] += sentence.types_covered is not None
    written.lost = +written.lost
    return rows
