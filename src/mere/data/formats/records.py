"""Between the records of annotation tools and mere's own: one way to check them, one way to write their keys.

A reader maps a tool's record to mere's keys and gives it to `Records`, which checks every field as the JSON
lines reader does and notes what is wrong with file and line. What mere knows of a text beside its entities
and triples travels as plain keys of the tool's record, where it has a place for any.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from mere.data.formats import files
from mere.data.formats.asked_offsets import AskedOffsets
from mere.data.formats.holds import Holds
from mere.data.formats.jsonl import parse
from mere.data.formats.lines import Head, numbered_lines
from mere.data.formats.problems import Problem, report
from mere.data.formats.reading import AS_THEY_ARE, Reading
from mere.data.formats.record import SENTENCE_KEYS, RecordFault, language_key, sentence_from_record
from mere.data.formats.tally import Tally, Written
from mere.data.formats.whole import encoded
from mere.types import Entity, Sentence, Triple


def first_object(head: Head) -> object:
    """Return what the first line of a file says in JSON, None where it is none or too long to tell."""
    try:
        return json.loads(head.lines[0]) if head.lines else None
    except (ValueError, RecursionError):
        return None


@dataclass
class Records:
    """The records of one file on their way to sentences.

    Args:
        path: the file.
        problems: where to note what is wrong; None raises at the first error.
        reading: what the user says of the file.
        tally: counts what was repaired, left out and lost.
        is_document: whether the file is one document, whose name says nothing: its folder states the language.
        offsets: what its offsets count; None where the format itself says it.
        num_refused: how many records could not be read.
    """

    path: Path
    problems: list[Problem] | None
    reading: Reading
    tally: Tally
    is_document: bool = False
    offsets: AskedOffsets | None = None
    num_refused: int = 0

    @property
    def stem(self) -> str:
        return files.stem(self.path)

    def sentence(self, record: dict[str, Any], line: int | None, default_id: str) -> Iterator[Sentence]:
        """Yield the sentence of a record with mere's keys; none where a problem was noted."""
        try:
            known = {key: value for key, value in record.items() if key in SENTENCE_KEYS}
            known["lang"] = record.get("lang") or record.get(language_key(record)) or self._lang()
            if self.offsets is not None:
                self.offsets.take(known)
            sentence, notes = sentence_from_record(known, default_id)
        except RecordFault as fault:
            self.num_refused += 1
            self.refuse(fault, line)
            return
        if self.problems is not None:
            self.problems += [Problem(self.path, line, n.code, n.message, n.cure, "warning") for n in notes]
        # Extra keys go around the check for annotations under another key: the format's own are read already.
        extra = {key: value for key, value in record.items() if key not in SENTENCE_KEYS}
        yield replace(sentence, extra=extra)

    def lines(self, to_record: Callable[[object], dict[str, Any] | None]) -> Iterator[Sentence]:
        """Yield the sentences of a file of a JSON object a line.

        Args:
            to_record: what makes of an object a record with mere's keys, or None where it is left out and
                counted; raises RecordFault where it cannot.
        """
        for number, line in numbered_lines(self.path, self.problems):
            try:
                record = to_record(parse(line))
            except RecordFault as fault:
                self.refuse(fault, number)
                continue
            if record is not None:
                yield from self.sentence(record, number, f"{self.stem}:{number}")

    def refuse(self, fault: RecordFault, line: int | None = None) -> None:
        """Note why a record cannot be a sentence, or raise it where nobody collects."""
        cure = (self.offsets is not None and fault.advice(self.path, self.reading)) or fault.cure
        report(Problem(self.path, line, fault.code, fault.message, cure), self.problems)

    def _lang(self) -> str:
        lang = self.reading.lang or (
            _lang_of_folder(self.path) if self.is_document else files.lang_of(self.path)
        )
        if lang is None:
            cure = f"Say its language, such as de. {self.reading.advise(self.path, lang='de')}"
            raise RecordFault("no-language", "no language is known", cure)
        return lang


class Reader(Protocol):
    """Yields the sentences of a file.

    Args:
        path: the file, plain or gzip.
        problems: where to note what is wrong; what has an error is passed over and reading goes on. None: the
            first error is raised.
        reading: what the user says of the file.
        tally: where to count what is mended, left out or lost.

    Raises:
        DataError: the file cannot be opened, or has an error and `problems` is None. Names file and line.
    """

    def __call__(
        self,
        path: Path | str,
        problems: list[Problem] | None = None,
        reading: Reading = AS_THEY_ARE,
        tally: Tally | None = None,
    ) -> Iterator[Sentence]: ...


def reader(
    *, is_document: bool = False, counts_characters: bool = False
) -> Callable[[Callable[[Records], Iterator[Sentence]]], Reader]:
    """Make a format's function of the records of a file a `Reader`.

    Args:
        is_document: as `Records` has it.
        counts_characters: whether offsets count code points in all files of the format that are right, so that
            others are told by their mentions.
    """

    def made(read: Callable[[Records], Iterator[Sentence]]) -> Reader:
        @functools.wraps(read)
        def with_records(
            path: Path | str,
            problems: list[Problem] | None = None,
            reading: Reading = AS_THEY_ARE,
            tally: Tally | None = None,
        ) -> Iterator[Sentence]:
            records = Records(Path(path), problems, reading, Tally() if tally is None else tally, is_document)
            if counts_characters:
                records.offsets = AskedOffsets(records.path, reading, records.tally.repaired)
            yield from read(records)
            if records.offsets is not None:
                records.offsets.finish(problems, may_be_right=not records.num_refused)

        return with_records

    return made


def _lang_of_folder(path: Path) -> str | None:
    """Return the language that the folder of a document states: `de`, or `de.train`."""
    folder = path.absolute().parent.name
    return files.lang_of(Path(folder, "train.x")) or files.lang_of(Path(f"{folder}.x"))


def keys_of(sentence: Sentence, reserved: Iterable[str], written: Written) -> dict[str, Any]:
    """Return id, language, what is covered and the extra keys as plain keys; defaults go unsaid.

    Args:
        sentence: what is written.
        reserved: the format's own keys; an extra key of such a name is lost, and counted.
        written: where to count it.
    """
    keys: dict[str, Any] = {"id": sentence.id, "lang": sentence.lang}
    if sentence.relations_covered is not None:
        keys["relations_covered"] = sorted(sentence.relations_covered)
    if sentence.types_covered is not None:
        keys["types_covered"] = sorted(sentence.types_covered)
    if not sentence.complete:
        keys["complete"] = False
    if sentence.source is not None:
        keys["source"] = sentence.source
    taken = {*keys, *reserved}
    for key, value in sentence.extra.items():
        if key in taken:
            written.lost[f'extra keys named "{key}", as one of the format'] += 1
        else:
            keys[key] = value
    return keys


class Writer(Protocol):
    """Writes sentences into a file or a folder, and counts what the format does not hold.

    Raises:
        UserError: a library that the format needs is not installed.
        DataError: a text is not Unicode, or a file cannot be written.
    """

    def __call__(self, sentences: Iterable[Sentence], path: Path | str) -> Written: ...


def line_writer(lines: Callable[[Iterable[Sentence], Written], Iterator[str]]) -> Writer:
    """Make a format's function from sentences to the lines of a file a `Writer`."""

    @functools.wraps(lines)
    def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
        written = Written()
        files.write_lines(lines(sentences, written), Path(path))
        return written

    return write


def object_writer(holds: Holds) -> Callable[[Callable[[Sentence, Written], dict[str, Any]]], Writer]:
    """Make a format's function from a sentence to the JSON object of its line a `Writer`."""

    def made(to_object: Callable[[Sentence, Written], dict[str, Any]]) -> Writer:
        @line_writer
        @functools.wraps(to_object)
        def write(sentences: Iterable[Sentence], written: Written) -> Iterator[str]:
            for sentence in counted(sentences, written, holds):
                line = json.dumps(to_object(sentence, written), ensure_ascii=False)
                encoded(line, sentence)
                yield line

        return write

    return made


def counted(sentences: Iterable[Sentence], written: Written, holds: Holds) -> Iterator[Sentence]:
    """Yield sentences that can be written as UTF-8, and count each, and what the format loses of it, afterwards."""
    for sentence in sentences:
        encoded(sentence.text, sentence)
        yield sentence
        holds.count_lost(sentence, written.lost)
        written.sentences += 1


class Link(NamedTuple):
    """A triple between entities given by their positions in a list."""

    subject: int
    object: int
    triple: Triple


def linked(sentence: Sentence) -> tuple[list[Entity], list[Link]]:
    """Return the entities, those that only a triple names included, and the triples between their positions."""
    entities = list(sentence.entities)
    place: dict[Entity, int] = {}
    for position, entity in enumerate(entities):
        place.setdefault(entity, position)
    links = []
    for triple in sentence.triples:
        for entity in (triple.subject, triple.object):
            if entity not in place:
                place[entity] = len(entities)
                entities.append(entity)
        links.append(Link(place[triple.subject], place[triple.object], triple))
    return entities, links


def mention(start: object, end: object, type: object = None, **more: object) -> dict[str, Any]:
    """Return an entity as mere's records write it; what is None is left unsaid, and checked where it is read."""
    record = {"start": start, "end": end, "type": type, **more}
    return {key: value for key, value in record.items() if value is not None}


def relation(
    subject: Mapping[str, Any], name: object, object_: Mapping[str, Any], **more: object
) -> dict[str, Any]:
    """Return a triple as mere's records write it."""
    record = {"subject": _end(subject), "relation": name, "object": _end(object_), **more}
    return {key: value for key, value in record.items() if value is not None}


def _end(entity: Mapping[str, Any]) -> dict[str, Any]:
    return {"start": entity.get("start"), "end": entity.get("end"), "type": entity.get("type")}
