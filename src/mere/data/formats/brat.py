"""BRAT standoff: a document is a text, `x.txt`, and what is annotated in it, `x.ann`.

    T1  Person 0 3  Ada             a mention: type, start, end, the mention's text
    T2  Place 13 17 Graz
    R1  lives-in Arg1:T1 Arg2:T2    a relation, from its first argument to its second

Mere keeps mentions and relations of two arguments. Discontinuous mentions, events, equivalences, attributes,
normalisations and notes have no place in a triple: they are counted and left out. Fragments parted by white
space alone are one mention, since BRAT cuts a mention at a line end. Documents stay whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mere.data.formats import files, whole
from mere.data.formats.holds import ENTITY, Holds
from mere.data.formats.lines import Head, numbered_lines
from mere.data.formats.problems import Problem, report
from mere.data.formats.record import RecordFault
from mere.data.formats.records import Records, counted, linked, mention, reader, relation
from mere.data.formats.tally import Written
from mere.types import Entity, Sentence

HOLDS = Holds(
    one="two files, .txt and .ann",
    offsets="code points",
    untyped=False,
    scores=False,
    language=False,
    keys=False,
)
ENDING = ".ann"
CONFIGURATION = "annotation.conf"

_BREAKS = re.compile("[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_LOST = {
    "E": "events",
    "*": "equivalences",
    "A": "attributes",
    "M": "attributes",
    "N": "normalisations",
    "#": "notes",
}
_PIECE = re.compile(r"(?:(?!\r?\n)[\s\S])+")
_LINE = re.compile(r"([A-Z*#][^\t]*)\t(.*)", re.DOTALL)
_FIRST = re.compile(r"(?:T\d+\t\S+ \d+ \d+|[REAMN]\d+\t\S+ \S+:\S+|\*\tEquiv |#\d+\t\S+ \S+\t)")
_MENTION = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?", re.DOTALL)
_RELATION = re.compile(r"(\S+) \S+?:(T\d+) \S+?:(T\d+)\s*")


class _Mention(NamedTuple):
    """A mention line: its fragments as offsets, and its text with breaks made spaces, None where unsaid."""

    type: str
    fragments: list[tuple[int, int]]
    text: str | None
    line: int


def looks_like(head: Head) -> bool:
    """Whether a file begins with a line of BRAT's; an empty one may be told by its ending."""
    named = head.path.name.removesuffix(".gz").endswith(ENDING)
    return named if not head.lines else _FIRST.match(head.lines[0]) is not None


@reader(is_document=True)
def read(records: Records) -> Iterator[Sentence]:
    """Yield the document of an `.ann` file and the `.txt` file beside it."""
    beside = records.path.with_name(files.stem(records.path) + ".txt")
    if not beside.exists():
        cure = f"Put {beside.name} beside it: the annotation alone holds no text."
        records.refuse(
            RecordFault("brat-no-text", f"the text of this document, {beside.name}, is missing", cure)
        )
        return
    raw = whole.read_text(beside, records.problems)
    if raw is None:
        return
    mentions: dict[str, _Mention] = {}
    relations: list[tuple[str, str, str]] = []
    damage: list[Problem] | None = None if records.problems is None else []
    for number, line in numbered_lines(records.path, damage):
        fault = _take(line, mentions, relations, records.tally.lost, number)
        if fault is not None:
            report(Problem(records.path, number, fault.code, fault.message, fault.cure), damage)
    if damage and records.problems is not None:
        records.problems += damage
        return
    text = _text(raw, mentions, records.tally.repaired)
    try:
        entities = _entities(text, mentions, records.tally.lost)
    except RecordFault as fault:
        records.refuse(fault)
        return
    triples = _triples(relations, entities, mentions, records.tally.lost)
    record = {"text": text, "entities": list(entities.values()), "triples": triples}
    yield from records.sentence(record, None, whole.id_of(records.path))


def _take(
    line: str,
    mentions: dict[str, _Mention],
    relations: list[tuple[str, str, str]],
    lost: Counter[str],
    number: int,
) -> RecordFault | None:
    """Sort one line into mentions and relations, or count it as lost; return what is wrong with it."""
    match = _LINE.fullmatch(line)
    if match is None:
        cure = "A line is an id such as T1 or R1, a tab, and what is annotated."
        return RecordFault("brat-line", f"not a line of BRAT's: {line[:40]!r}", cure)
    id_, rest = match.groups()
    if id_[0] == "T":
        found = _MENTION.fullmatch(rest)
        if found is None:
            message = f"the mention {id_} is {rest[:40]!r}; a type, start and end were expected"
            cure = "Write it like this: T1, a tab, Person 0 3, a tab, Ada"
            return RecordFault("brat-mention", message, cure)
        fragments = [(int(a), int(b)) for a, b in (pair.split(" ") for pair in found[2].split(";"))]
        stated = None if found[3] is None else _flat(found[3])
        mentions[id_] = _Mention(found[1], fragments, stated, number)
    elif id_[0] == "R":
        pair = _RELATION.fullmatch(rest)
        if pair is None:
            lost["relations that are not between two mentions"] += 1
        else:
            relations.append((pair[1], pair[2], pair[3]))
    elif id_[0] in _LOST:
        lost[_LOST[id_[0]]] += 1
    else:
        return RecordFault("brat-line", f"{id_!r} is no kind of annotation that BRAT has")
    return None


def _flat(text: str) -> str:
    return _BREAKS.sub(" ", text)


def _text(raw: str, mentions: dict[str, _Mention], repaired: Counter[str]) -> str:
    """Return the text that the offsets count: with or without byte order mark, its line ends as they are or LF."""
    bare = raw.removeprefix("\ufeff")
    ways = {
        "": bare,
        "texts whose byte order mark the offsets count": raw,
        "texts whose CRLF the offsets count as LF": bare.replace("\r\n", "\n"),
    }
    for way, text in ways.items():
        if all(_fits(text, mention) for mention in mentions.values()):
            repaired[way] += bool(way)
            return text
    return bare


def _fits(text: str, mention: _Mention) -> bool:
    if mention.text is None:
        return True
    flat = " ".join(_flat(text[start:end]) for start, end in mention.fragments)
    return flat.rstrip() == mention.text.rstrip()


def _entities(text: str, mentions: dict[str, _Mention], lost: Counter[str]) -> dict[str, dict[str, Any]]:
    """Return the records of the mentions that are one piece of text.

    Raises:
        RecordFault: a mention does not say what its offsets say.
    """
    entities = {}
    for id_, found in mentions.items():
        start, end = found.fragments[0][0], found.fragments[-1][1]
        gaps = zip(found.fragments, found.fragments[1:], strict=False)
        if any(a > b or text[a:b].strip() for (_, a), (b, _) in gaps):
            lost["discontinuous mentions"] += 1
            continue
        if end <= len(text) and not _fits(text, found):
            there = _flat(text[start:end])
            message = (
                f"line {found.line}: {id_} says {found.text!r} but the text at {start}:{end} is {there!r}"
            )
            raise RecordFault(
                "offset-text", message, "The text was changed after it was annotated: mend either."
            )
        entities[id_] = mention(start, end, found.type)
    return entities


def _triples(
    relations: list[tuple[str, str, str]],
    entities: dict[str, dict[str, Any]],
    mentions: dict[str, _Mention],
    lost: Counter[str],
) -> list[dict[str, Any]]:
    triples = []
    for name, subject, object_ in relations:
        if subject in entities and object_ in entities:
            triples.append(relation(entities[subject], name, entities[object_]))
        elif {subject, object_} <= mentions.keys():
            lost["relations of discontinuous mentions"] += 1
        else:
            lost["relations of mentions that are not there"] += 1
    return triples


def write(sentences: Iterable[Sentence], path: Path | str) -> Written:
    """Write a `.txt` and an `.ann` file for each sentence into a folder, and the `annotation.conf` of their types."""
    folder = Path(path)
    whole.make_folder(folder)
    written = Written()
    names = whole.Names(written.lost)
    types: dict[str, None] = {}
    relations: dict[str, None] = {}
    for sentence in counted(sentences, written, HOLDS):
        name = names(sentence.id)
        entities, links = linked(sentence)
        lines = [
            _mention_line(entity, number, _name(entity.type or ENTITY, written, types))
            for number, entity in enumerate(entities, 1)
        ]
        lines += [
            f"R{number}\t{_name(link.triple.relation, written, relations)}"
            f" Arg1:T{link.subject + 1} Arg2:T{link.object + 1}"
            for number, link in enumerate(links, 1)
        ]
        mark = "\ufeff" if sentence.text.startswith("\ufeff") else ""  # readers take one away
        whole.write_bytes(whole.encoded(mark + sentence.text, sentence), folder / f"{name}.txt")
        whole.write_bytes("".join(f"{line}\n" for line in lines).encode(), folder / f"{name}{ENDING}")
    whole.write_bytes(_configuration(types, relations).encode(), folder / CONFIGURATION)
    return written


def _mention_line(entity: Entity, number: int, type: str) -> str:
    """Return a mention's line, its offsets and its text cut at line ends as BRAT cuts them."""
    pieces = [match.span() for match in _PIECE.finditer(entity.text)]
    if not pieces or (pieces[0][0], pieces[-1][1]) != (0, len(entity.text)):
        pieces = [(0, len(entity.text))]
    offsets = ";".join(f"{entity.start + start} {entity.start + end}" for start, end in pieces)
    return f"T{number}\t{type} {offsets}\t{' '.join(_flat(entity.text[start:end]) for start, end in pieces)}"


def _name(name: str, written: Written, names: dict[str, None]) -> str:
    plain = re.sub(r"\s", "_", name)
    written.lost["names with white space, which becomes _"] += plain != name
    names[plain] = None
    return plain


def _configuration(types: Iterable[str], relations: Iterable[str]) -> str:
    lines = ["[entities]", *types, "[relations]", "<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>"]
    lines += [f"{name}\tArg1:<ENTITY>, Arg2:<ENTITY>" for name in relations]
    return "\n".join([*lines, "[events]", "[attributes]", ""])
