"""CoNLL's columns: one token a line with its tag in the last column, a blank line between sentences.

    Ada     B-PER        # sent_id = x-1                -DOCSTART- -X- -X- O
    lebt    O            # text = Ada lebt in Graz.
    in      O            1   Ada   B-PER  -  -          Ada NNP B-NP B-PER
    Graz    B-LOC        2   lebt  O                    lebt VBZ B-VP O

Two columns, CoNLL-2003's four, or more, parted by tabs or spaces; or Universal NER's layout (an id, the
form, the tag), where `# text` gives the text. Without it the text is the tokens joined as their script is
written (`tokens.joined`). Tags are IOB2 and anything else is an error, unless a scheme is asked for by name:
then tags that cannot stand are mended and counted. The offsets of the tokens travel in `extra["tokens"]`, so
that writing gives the same tokens and tags.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mere.data.formats import files, schemes
from mere.data.formats.conll_write import write
from mere.data.formats.lines import Head, numbered_lines
from mere.data.formats.problems import Problem, report
from mere.data.formats.reading import AS_THEY_ARE, Reading
from mere.data.formats.schemes import Scheme, WrongTag
from mere.data.formats.tally import Tally
from mere.data.formats.tokens import NotInText, aligned, joined
from mere.types import Entity, Sentence, Span

__all__ = ["Scheme", "looks_like", "read", "write"]

DOCSTART = "-DOCSTART-"
NUM_PEEKED = 20  # rows that show a file's layout
NO_RELATIONS: frozenset[str] = frozenset()
_PAIRS: dict[Span, list[int]] = {}  # millions of tokens stand at the same few offsets: one list for each
_KEY = re.compile(r"# *(text|sent_id) *= ?(.*)", re.DOTALL)
_COMMENT = re.compile(r"# *(?:[A-Za-z_][\w.:-]*(?: +\w+)? *=(?: |$)|new(?:doc|par)\b)")
_SPACES = re.compile(r"[ \t]+")
_TAG = re.compile(r"O|[BIESLU]-\S+")


class Layout(NamedTuple):
    """How the lines of a file are made.

    Args:
        tabs: whether tabs part the columns; otherwise runs of spaces.
        columns: how many columns every row has; at least so many where `ragged`.
        token: index of the token's column.
        tag: index of the tag's column.
        ragged: whether rows may have more columns (Universal NER's).
    """

    tabs: bool
    columns: int
    token: int
    tag: int
    ragged: bool

    def fields(self, line: str) -> list[str]:
        return line.split("\t") if self.tabs else _SPACES.split(line.strip(" \t"))

    def is_comment(self, line: str, *, at_start: bool) -> bool:
        """Whether a line that begins with `#` is a comment, and not the row of a token such as `#`."""
        if self.tabs:
            return "\t" not in line or (line.startswith("# ") and _KEY.match(line) is not None)
        return at_start and (len(self.fields(line)) != self.columns or _COMMENT.match(line) is not None)


@dataclass
class _Block:
    """The lines of one sentence."""

    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)  # of the comments: text, sent_id
    key_line: int = 0
    document: int = 0  # how many -DOCSTART- lines came before
    broken: bool = False


def read(
    path: Path | str,
    problems: list[Problem] | None = None,
    reading: Reading = AS_THEY_ARE,
    tally: Tally | None = None,
) -> Iterator[Sentence]:
    """Yield the sentences of a file; `relations_covered` is empty, since only entities are annotated.

    Args:
        path: a plain or gzip file.
        problems: where to note what is wrong; sentences with an error are passed over and reading goes on.
            None: the first error is raised.
        reading: what the user says of the file. Without a `scheme`, tags are IOB2 and any other is an error;
            without a `column`, tags are in the last one, or the third in Universal NER's layout.
        tally: the report to add to. None: a Python warning tells of mended tags, if there are any.

    Raises:
        DataError: the file cannot be opened, no language is known, or a sentence cannot be read, and
            `problems` is None. Names file and line.
    """
    path = Path(path)
    stem = files.stem(path)
    lang, scheme = reading.lang or files.lang_of(path), reading.scheme
    if lang is None:
        cure = "Name the file like de.train.conll, or run: mere convert --lang de IN OUT"
        report(Problem(path, None, "no-language", "no language is known", cure), problems)
        return
    layout = _layout(path, int(reading.column) if reading.column else None)
    if layout is None:  # no row; say what hides them, if anything does
        for _ in numbered_lines(path, problems):
            pass
        return
    counts = Tally() if tally is None else tally
    advice = ""  # which scheme the file's tags would fit; found when first needed
    for block in _blocks(path, layout, problems, counts):
        if block.broken:
            continue
        try:
            yield _sentence(block, lang, scheme, f"{stem}:{block.lines[0]}", counts)
        except _Fault as fault:
            if fault.code == "conll-tag":
                advice = advice or _advice(path, layout)
            report(Problem(path, fault.line, fault.code, fault.message, fault.cure or advice), problems)
    if tally is None and problems is None and str(counts):
        warnings.warn(f"{path}: {counts}", stacklevel=2)


class _Fault(Exception):
    """Why a block cannot be a sentence."""

    def __init__(self, line: int, code: str, message: str, cure: str = ""):
        self.line, self.code, self.message, self.cure = line, code, message, cure
        super().__init__(message)


def _layout(path: Path, tag_column: int | None) -> Layout | None:
    """Return how the rows of a file are made, from its first ones; None for a file without rows."""
    comments = False
    hashes: list[str] = []  # the token # in a file of spaces looks like a comment
    rows: list[str] = []
    for _, line in numbered_lines(path, []):
        if line.startswith("#") and ("\t" not in line or (line.startswith("# ") and _COMMENT.match(line))):
            comments = True
            if _looks_like(line) and not _COMMENT.match(line):
                hashes.append(line)
        elif not line.startswith(DOCSTART):
            rows.append(line)
            if len(rows) == NUM_PEEKED:
                break
    if not rows and not hashes:
        return None
    first = (rows or hashes)[0]
    tabs = "\t" in first
    fields = first.split("\t") if tabs else _SPACES.split(first.strip(" \t"))
    ragged = comments and tabs and len(fields) > 2 and _are_numbered(rows)
    token = 1 if ragged else 0
    tag = tag_column - 1 if tag_column else 2 if ragged else len(fields) - 1
    return Layout(tabs, max(tag + 1, 3) if ragged else len(fields), token, tag, ragged)


def _are_numbered(rows: list[str]) -> bool:
    """Whether the first column counts the tokens of each sentence, as in Universal NER's files."""
    last = 0
    for row in rows:
        number = row.split("\t", 1)[0]
        if number not in ("1", str(last + 1)):
            return False
        last = int(number)
    return True


def _blocks(
    path: Path, layout: Layout, problems: list[Problem] | None, tally: Tally | None = None
) -> Iterator[_Block]:
    """Yield the sentences of a file as their lines; a block with a line that cannot be read is `broken`."""
    block, last, document = _Block(), 0, 0
    unread: Counter[str] = tally.lost if tally is not None else Counter()
    damage: list[Problem] | None = None if problems is None else []
    for number, line in numbered_lines(path, damage):
        if number != last + 1:
            unreadable = {problem.line for problem in damage or ()}
            block.broken |= last + 1 in unreadable
            _move(damage, problems)
            if block.tokens:
                yield block
            block = _Block(document=document, broken=number - 1 in unreadable)
        last = number
        if line[0] == "#" and layout.is_comment(line, at_start=not block.tokens):
            key = _KEY.match(line)
            if key:
                block.keys[key.group(1)] = key.group(2)
                block.key_line = number
            else:
                unread["comment lines"] += 1
            continue
        fields = layout.fields(line)
        if fields[0] == DOCSTART:
            if block.tokens:
                yield block
            document += 1
            block = _Block(document=document)
            continue
        block.lines.append(number)
        wrong = len(fields) < layout.columns if layout.ragged else len(fields) != layout.columns
        if wrong or layout.tag >= len(fields) or layout.tag == layout.token or not fields[layout.token]:
            if not block.broken:
                report(_bad_row(path, number, fields, layout), problems)
            block.broken = True
            block.tokens.append("")
            continue
        block.tokens.append(fields[layout.token])
        block.tags.append(fields[layout.tag].strip())
        unread["rows with columns beside token and tag"] += len(fields) > 2 + layout.ragged
    block.broken |= last + 1 in {problem.line for problem in damage or ()}
    _move(damage, problems)
    if block.tokens:
        yield block


def _move(damage: list[Problem] | None, problems: list[Problem] | None) -> None:
    if damage and problems is not None:
        problems += damage
        damage.clear()


def _bad_row(path: Path, number: int, fields: list[str], layout: Layout) -> Problem:
    cure = "A row is a token, a tab and its tag; columns between them may stand in every row or in none."
    if layout.tag >= layout.columns:
        message = f"{len(fields)} columns, and the tag was to be in column {layout.tag + 1}"
    elif len(fields) != layout.columns and not (layout.ragged and len(fields) > layout.columns):
        wanted = f"{layout.columns}{' or more' if layout.ragged else ''}"
        message = f"{_count(len(fields), 'column')}, {wanted} were expected as in the file's first row"
    elif layout.tag == layout.token:
        message = (
            f"{_count(len(fields), 'column')}, a token and its tag were expected, each in a column of its own"
        )
    else:
        return Problem(path, number, "conll-no-token", "the row has no token", "Write it, or delete the row.")
    return Problem(path, number, "conll-columns", message, cure)


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _sentence(block: _Block, lang: str, scheme: Scheme | None, default_id: str, tally: Tally) -> Sentence:
    try:
        spans, mends = schemes.to_spans(block.tags, scheme or Scheme.IOB2)
    except WrongTag as wrong:
        raise _Fault(block.lines[wrong.token], "conll-tag", f"{wrong}") from None
    if mends and scheme is None:
        token = mends[0].token
        raise _Fault(block.lines[token], "conll-tag", _not_iob2(block, token))
    stated = block.keys.get("text")
    if stated is None:
        text, offsets = joined(block.tokens)
    else:
        text = stated
        try:
            offsets = aligned(block.tokens, text)
        except NotInText as wrong:
            cure = "Mend the # text line, or delete it: the text is then made of the tokens."
            raise _Fault(block.lines[wrong.token], "conll-text", str(wrong), cure) from None
    tally.repaired.update(mend.what for mend in mends)
    entities = []
    for span in spans:
        start, end = offsets[span.start_token].start, offsets[span.end_token - 1].end
        entities.append(Entity(start, end, text[start:end], span.type))
    extra: dict[str, Any] = {"tokens": [_PAIRS.setdefault(span, list(span)) for span in offsets]}
    if block.document:
        extra["document"] = block.document
    return Sentence(
        id=block.keys.get("sent_id") or default_id,
        lang=lang,
        text=text,
        entities=tuple(entities),
        relations_covered=NO_RELATIONS,
        extra=extra,
    )


def _not_iob2(block: _Block, token: int) -> str:
    tag = block.tags[token]
    if tag.endswith(f"-{schemes.OUTSIDE}"):
        return f'the tag {tag} of "{block.tokens[token]}" names no type'
    place = f"comes after {block.tags[token - 1]}" if token else "begins a sentence"
    return f'the tag {tag} of "{block.tokens[token]}" {place}; in IOB2 every entity begins with B-'


def _advice(path: Path, layout: Layout) -> str:
    """Say which scheme the tags of a file fit, and how to ask for it."""
    tags = [block.tags for block in _blocks(path, layout, []) if not block.broken]
    mends: Mapping[Scheme, int] = schemes.fits(tags)
    if not mends:
        known = ", ".join(scheme.name for scheme in Scheme)
        return f"The file's tags fit no scheme ({known}); if they are in column N, say --column N to mere convert."
    scheme = min(mends, key=lambda scheme: mends[scheme])
    command = f"mere convert --scheme {scheme.value} {path} OUT"
    if not mends[scheme]:
        return f"Run: {command} (all tags of the file fit {scheme.name})."
    return f"Run: {command} ({scheme.name} fits best, with {_count(mends[scheme], 'tag')} to mend)."


def looks_like(head: Head) -> bool:
    """Whether the first line of a file is that of a CoNLL file: a comment, -DOCSTART-, or a token and a tag."""
    return bool(head.lines) and _looks_like(head.lines[0])


def _looks_like(line: str) -> bool:
    if line.startswith(DOCSTART) or _KEY.match(line) or _COMMENT.match(line):
        return True
    fields = line.split("\t") if "\t" in line else _SPACES.split(line.strip(" "))
    return len(fields) > 1 and _TAG.fullmatch(fields[-1].strip()) is not None
