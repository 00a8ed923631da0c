r"""WebAnno TSV 3, the tabular export of INCEpTION and WebAnno: a token a line, a column for each feature of a layer.

    #FORMAT=WebAnno TSV 3.3
    #T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|value
    #T_RL=webanno.custom.Relation|label|BT_de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity

    #Text=Ada Lang lebt in Graz.
    1-1   0-3     Ada    PER[1]   _          _
    1-2   4-8     Lang   PER[1]   _          _
    …
    1-5   17-21   Graz   LOC      lives-in   1-1[1_0]

The file's sentences are the texts; `#Text` gives each exactly. A mention of several tokens, or stacked on another,
has a number. A relation stands in the row where its second mention (Dependent) begins and names the first
(Governor) by row, and by the numbers of both. `_` is nothing, `*` a mention without a value; offsets count
UTF-16 units of the whole document. Relations and mentions over several sentences are counted, as are other layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mere.data.formats.cut import fitting_tokens
from mere.data.formats.holds import TOKENS, Holds
from mere.data.formats.lines import Head, numbered_lines
from mere.data.formats.problems import Problem
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, counted, line_writer, linked, mention, reader, relation
from mere.data.formats.tally import Tally, Written
from mere.data.formats.uima_cas import label_of, layer_is_read
from mere.data.formats.utf16 import Utf16
from mere.types import Sentence

HOLDS = Holds(one="a sentence of a file", offsets="UTF-16 units", scores=False, language=False, keys=False)
FORMAT = "#FORMAT=WebAnno TSV 3"
NER = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
NOTHING, UNSAID = "_", "*"
_HEADER = f"{FORMAT}.3\n#T_SP={NER}|value\n#T_RL=webanno.custom.Relation|label|BT_{NER}\n\n"
_LAYER = re.compile(r"#T_(SP|CH|RL)=([^|]+)((?:\|[^|]*)*)")
_ROW = re.compile(r"(\d+)-(\d+(?:\.\d+)?)\t(\d+)-(\d+)\t")
_STACKED = re.compile(r"((?:[^\\|]|\\.)*)(?:\||$)", re.DOTALL)
_NUMBERED = re.compile(r"((?:[^\\\[]|\\.)*)(?:\[(\d+)(?:_(\d+))?\])?", re.DOTALL)
_ESCAPED = re.compile(r"\\(->|.)", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "b": "\b"}
_TO_ESCAPE = str.maketrans({value: f"\\{key}" for key, value in _CONTROL.items()} | {"\\": "\\\\"})
_RESERVED = re.compile(r"->|[\[\]|_;*]")


def looks_like(head: Head) -> bool:
    """Whether the first line of a file is WebAnno's."""
    return bool(head.lines) and head.lines[0].startswith(FORMAT)


class _Layer(NamedTuple):
    """A layer and its columns: kind "SP" (mentions), "CH" (chains) or "RL" (relations)."""

    kind: str
    name: str
    features: list[str]


Key = tuple[str, str]
"""A mention: its layer, and its number or, where it has none, its row."""


@dataclass
class _Block:
    """One sentence of the file: its text as written, and its rows."""

    line: int
    texts: list[str] = field(default_factory=list)
    id: str | None = None
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class _Found:
    """A mention while its rows are read: features and, in UTF-16 units, its place."""

    sentence: int
    start: int
    end: int
    features: dict[str, str | None] = field(default_factory=dict)
    over_several: bool = False


@reader()
def read(records: Records) -> Iterator[Sentence]:
    """Yield the sentences of a `.tsv` file, which is passed over as a whole where it has an error."""
    layers: list[_Layer] = []
    try:
        blocks = list(_blocks(records.path, layers, records.problems))
        document = _Document(layers, records.tally)
        for number, block in enumerate(blocks):
            document.take(block, number)
        found = [(block, document.record(block, number)) for number, block in enumerate(blocks)]
        document.count_unused()
    except _Wrong as wrong:
        records.refuse(wrong.fault, wrong.line)
        return
    for number, (block, record) in enumerate(found, 1):
        yield from records.sentence(record, block.line, f"{records.stem}:{number}")


class _Wrong(Exception):
    """A fault and its line."""

    def __init__(self, line: int, code: str, message: str, cure: str = ""):
        self.line, self.fault = line, RecordFault(code, message, cure)
        super().__init__(message)


def _blocks(path: Path, layers: list[_Layer], problems: list[Problem] | None) -> Iterator[_Block]:
    """Yield the sentences, after their layers are in `layers`."""
    block: _Block | None = None
    id_ = None
    for number, line in numbered_lines(path, problems):
        if match := _LAYER.fullmatch(line):
            layers.append(_Layer(match[1], match[2], match[3].split("|")[1:] or [""]))
        elif line.startswith("#Text="):
            if (
                block is not None
                and not block.rows
                and block.texts
                and number == block.line + len(block.texts)
            ):
                block.texts.append(line.removeprefix("#Text="))  # a line of the same sentence
                continue
            if block is not None:
                yield block
            block, id_ = _Block(number, [line.removeprefix("#Text=")], id_), None
        elif line.startswith("#Sentence.id="):
            id_ = _unescaped(line.removeprefix("#Sentence.id="))
        elif _ROW.match(line) and block is not None:
            block.rows.append(line.split("\t"))
        elif not line.startswith("#"):
            message = f"{line[:30]!r} is no row: number, offsets and token, parted by tabs, were expected"
            raise _Wrong(number, "webanno-row", message, "Export the file again as WebAnno TSV 3.")
    if block is not None:
        yield block


class _Document:
    """What the rows of a file say."""

    def __init__(self, layers: list[_Layer], tally: Tally):
        self.layers, self.tally = layers, tally
        self.mentions: dict[Key, _Found] = {}
        self.arrows: list[tuple[int, Key, str, Key]] = []
        self.texts: list[tuple[str, int]] = []  # of each sentence, with the units before it

    def take(self, block: _Block, sentence: int) -> None:
        """Take the rows of one sentence.

        Raises:
            _Wrong: a row's offsets do not fit its sentence.
        """
        self.texts.append(_text(block))
        for position, row in enumerate(block.rows):
            start, end = map(int, row[1].split("-"))
            at = 3
            for layer in self.layers:
                cells = row[at : at + len(layer.features)]
                at += len(layer.features)
                if len(cells) < len(layer.features):
                    message = f"row {row[0]} has {len(row)} columns, its layers need {at}"
                    raise _Wrong(block.line + len(block.texts) + position, "webanno-columns", message)
                if all(cell == NOTHING for cell in cells):
                    continue
                if layer.kind == "CH" or not layer_is_read(layer.name):
                    self.tally.lost[f"annotations of the layer {layer.name.rsplit('.', 1)[-1]}, in rows"] += 1
                elif layer.kind == "RL":
                    self._take_arrows(layer, cells, row[0], sentence)
                else:
                    self._take_mentions(layer, cells, row[0], _Found(sentence, start, end))

    def _take_mentions(self, layer: _Layer, cells: list[str], row: str, place: _Found) -> None:
        for feature, cell in zip(layer.features, cells, strict=True):
            for value, number, _ in _stack(cell):
                if value == NOTHING:
                    continue
                key = layer.name, number or row
                found = self.mentions.setdefault(key, _Found(place.sentence, place.start, place.end))
                found.start, found.end = min(found.start, place.start), max(found.end, place.end)
                found.over_several |= found.sentence != place.sentence
                found.features[feature] = None if value == UNSAID else _unescaped(value)

    def _take_arrows(self, layer: _Layer, cells: list[str], row: str, sentence: int) -> None:
        base = layer.features[-1].removeprefix("BT_")
        columns = [_stack(cell) for cell in cells[:-1]]
        for position, (source, number, own) in enumerate(_stack(cells[-1])):
            features = {
                feature: _unescaped(column[position][0])
                for feature, column in zip(layer.features, columns, strict=False)
                if position < len(column) and column[position][0] not in (NOTHING, UNSAID)
            }
            label = label_of(features) or layer.name.rsplit(".", 1)[-1]
            subject = base, number if number not in ("", "0") else source
            object_ = base, own if own not in ("", "0") else row
            self.arrows.append((sentence, subject, label, object_))

    def record(self, block: _Block, sentence: int) -> dict[str, Any]:
        """Return one sentence with mere's keys."""
        text, before = self.texts[sentence]
        unit = Utf16(text)

        def place(units: int) -> int:
            return unit.to_code_points(units - before)

        entities = {}
        for (layer, number), found in self.mentions.items():
            if found.sentence == sentence and not found.over_several:
                label = label_of({name: value for name, value in found.features.items() if value})
                label = label if layer == NER else label or layer.rsplit(".", 1)[-1]
                entities[layer, number] = mention(place(found.start), place(found.end), label)
        triples = []
        for where, subject, label, object_ in self.arrows:
            if where == sentence:
                if subject in entities and object_ in entities:
                    triples.append(relation(entities[subject], label, entities[object_]))
                else:
                    known = {subject, object_} <= self.mentions.keys()
                    what = (
                        "relations over several sentences"
                        if known
                        else "relations of mentions that are not there"
                    )
                    self.tally.lost[what] += 1
        record: dict[str, Any] = {"text": text, "entities": list(entities.values()), "triples": triples}
        if block.rows:
            record[TOKENS] = [
                list(map(place, map(int, row[1].split("-")))) for row in block.rows if "." not in row[0]
            ]
        return record | ({"id": block.id} if block.id else {})

    def count_unused(self) -> None:
        self.tally.lost["mentions over several sentences"] += sum(
            m.over_several for m in self.mentions.values()
        )


def _text(block: _Block) -> tuple[str, int]:
    """Return a sentence's text, and how many units of the document come before it.

    Raises:
        _Wrong: the tokens are not at their offsets, whether the text is read with escapes or without.
    """
    for text in ("\n".join(map(_unescaped, block.texts)), "\n".join(block.texts)):
        if not block.rows:
            return text, 0
        unit = Utf16(text)
        first = text.find(_unescaped(block.rows[0][2]))
        before = int(block.rows[0][1].split("-")[0]) - unit.from_code_points(max(first, 0))
        for row in block.rows:
            start, end = (unit.to_code_points(int(units) - before) for units in row[1].split("-"))
            if text[start:end] not in (_unescaped(row[2]), row[2]):
                break
        else:
            return text, before
    message = f"the token {row[2]!r} of row {row[0]} is not at its offsets {row[1]} of the text"
    raise _Wrong(block.line, "webanno-offsets", message, "Export the file again as WebAnno TSV 3.")


def _stack(cell: str) -> list[tuple[str, str, str]]:
    """Return the stacked values of a cell with their numbers, "" for none; values still escaped."""
    parts = [match[1] for match in _STACKED.finditer(cell)]
    values = []
    for part in parts[:-1] if len(parts) > 1 else parts:  # the pattern matches once more at the end
        match = _NUMBERED.fullmatch(part)
        values.append((match[1], match[2] or "", match[3] or "") if match else (part, "", ""))
    return values


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: _CONTROL.get(match[1], match[1]), value)


def _value(value: str | None) -> str:
    return (
        UNSAID if value is None else _RESERVED.sub(lambda match: f"\\{match[0]}", value.translate(_TO_ESCAPE))
    )


@line_writer
def write(sentences: Iterable[Sentence], written: Written) -> Iterator[str]:
    """Write sentences as those of one file, as INCEpTION imports it; tokens as `fitting_tokens` has them."""
    yield _HEADER
    before = first_mention = 0
    for number, sentence in enumerate(counted(sentences, written, HOLDS), 1):
        yield f"#Sentence.id={sentence.id.translate(_TO_ESCAPE)}"
        yield from (f"#Text={line.translate(_TO_ESCAPE)}" for line in sentence.text.split("\n"))
        yield from _rows(sentence, number, before, first_mention)
        yield ""
        before += len(sentence.text.encode("utf-16-le")) // 2 + 1
        first_mention += len(linked(sentence)[0])


def _rows(sentence: Sentence, number: int, before: int, first_mention: int) -> Iterator[str]:
    """Yield the rows of the sentence of that number; its mentions are numbered after `first_mention`."""
    entities, links = linked(sentence)
    tokens = fitting_tokens(sentence, [entity.span for entity in entities])
    covering = [[n for n, e in enumerate(entities) if e.start < b and a < e.end] for a, b in tokens]
    numbers = ["0"] * len(entities)
    for token, inside in enumerate(covering):
        for n in inside:
            if len(inside) > 1 or (token and n in covering[token - 1]):
                numbers[n] = str(first_mention + n + 1)
    first = {token.start: row for row, token in enumerate(tokens, 1)}
    unit = Utf16(sentence.text)
    for row, ((start, end), inside) in enumerate(zip(tokens, covering, strict=True), 1):
        marks = {n: "" if numbers[n] == "0" else f"[{numbers[n]}]" for n in inside}
        values = "|".join(_value(entities[n].type) + mark for n, mark in marks.items())
        labels, sources = [], []
        for subject, object_, triple in links:
            if entities[object_].start == start:
                pair = f"[{numbers[subject]}_{numbers[object_]}]"
                labels.append(_value(triple.relation))
                sources.append(
                    f"{number}-{first[entities[subject].start]}" + ("" if pair == "[0_0]" else pair)
                )
        place = f"{before + unit.from_code_points(start)}-{before + unit.from_code_points(end)}"
        cells = [values or NOTHING, "|".join(labels) or NOTHING, "|".join(sources) or NOTHING]
        token_text = sentence.text[start:end].translate(_TO_ESCAPE)
        yield "\t".join([f"{number}-{row}", place, token_text, *cells, ""])
