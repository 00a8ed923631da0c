"""CoNLL's columns: one token a line with its tag, a blank line between sentences.

    Ada     B-PER        # sent_id = x-1                -DOCSTART- -X- -X- O
    lebt    O            # text = Ada lebt in Graz.
    in      O            1   Ada   B-PER  -  -          Ada NNP B-NP B-PER
    Graz    B-LOC        2   lebt  O                    lebt VBZ B-VP O

Which columns there are is told by all rows of the file (`columns.layout_of`): a column that counts the tokens is
never theirs. `# text` gives the text; without it the text is the tokens, joined as the rows show (a column that
says where no space follows; spaces as tokens) or as their script is written. Tags are IOB2 and anything else is an
error, unless a scheme is asked for by name: then tags that cannot stand are mended and counted. The offsets of the
tokens travel in `extra["tokens"]`, so that writing gives the same tokens and tags.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from mere.data.formats import files, schemes
from mere.data.formats.columns import NUM_ROWS, layout_of
from mere.data.formats.conll_rows import Block, Rows, is_comment_for_sure, may_be_comment, shows_anything
from mere.data.formats.conll_write import write
from mere.data.formats.holds import Holds
from mere.data.formats.layout import DOCSTART, Layout, split_row
from mere.data.formats.lines import Head, lines_of, open_binary, piped
from mere.data.formats.no_layout import NoLayout
from mere.data.formats.problems import Problem, report
from mere.data.formats.reading import AS_THEY_ARE, Reading
from mere.data.formats.schemes import Scheme, WrongTag
from mere.data.formats.spellings import OUTSIDE_SIGNS, UNTYPED, remedy, share_standard
from mere.data.formats.tally import Tally
from mere.data.formats.tokens import (
    NUM_SAMPLED,
    NotInText,
    Spacing,
    aligned,
    glued,
    letters_joined,
    spacing_of,
    text_of,
)
from mere.data.formats.word_pieces import Convention, apply, convention_of
from mere.types import Entity, Sentence, Span

__all__ = ["looks_like", "read", "write"]

NO_RELATIONS: frozenset[str] = frozenset()
_PAIRS: dict[Span, list[int]] = {}  # millions of tokens stand at the same few offsets: one list for each
__all__ = ["HOLDS", "looks_like", "read", "write"]

HOLDS = Holds(
    one="a block of lines", offsets="tokens", untyped=False, overlaps=False, relations=False, scores=False,
    language=False, keys=False,
)  # fmt: skip
_SPLIT_LEVELS = (
    "import sys; rows = [line.split() for line in sys.stdin]; "
    'n = max(row[-1].count("{0}") for row in rows if row) + 1; '
    '[print(*row[:-1], *(row[-1].split("{0}") + ["O"] * n)[:n] if row else "", sep="\\t") for row in rows]'
)
_WITH_TEXT = (
    'import sys; [print("# text = " + "".join(row.split()[{}] for row in block.split("\\n") if row[:1] != "#"), '
    'block, "", sep="\\n") for block in sys.stdin.read().strip("\\n").split("\\n\\n")]'
)
_NAMES = re.compile(r"# *global\.columns *= *(.+)")


def looks_like(head: Head) -> bool:
    """Whether the first rows of a file are columns of which one holds tags."""
    blocks, _ = _sure_rows(head.lines)
    lines = [line for block in blocks for line in block]
    if not lines:
        return any(is_comment_for_sure(line) or line.startswith(DOCSTART) for line in head.lines)
    tabs = 2 * sum("\t" in line for line in lines) > len(lines)
    rows = [[value.strip() for value in split_row(line, tabs)] for line in lines]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    regular = [row for row in rows if len(row) == width]
    if width < 2 or 10 * len(regular) < 8 * len(rows):
        return False
    for column in range(1, width):
        counts = Counter(row[column] for row in regular)
        signs = [sign for sign in counts if sign and sign.casefold() in OUTSIDE_SIGNS]
        if share_standard(counts, signs) >= 0.8 and share_standard(counts) > 0:
            return True
        if counts["O"] and remedy([[row[column] for row in regular]]):
            return True
    return False


def read(
    path: Path | str,
    problems: list[Problem] | None = None,
    reading: Reading = AS_THEY_ARE,
    tally: Tally | None = None,
) -> Iterator[Sentence]:
    """Yield the sentences of a file; `relations_covered` is empty, since only entities are annotated. A `Reader`.

    Without a `scheme`, tags are IOB2 and any other is an error. Without a `tally`, a Python warning tells
    of mended tags.
    """
    path = Path(path)
    lang = reading.lang or files.lang_of(path)
    if lang is None:
        name = "Name the file like de.train.conll, or say its language, such as de"
        cure = f"{name}. {reading.advise(path, lang=files.lang_alone(path) or 'de')}"
        report(Problem(path, None, "no-language", "no language is known", cure), problems)
        return
    counts = Tally() if tally is None else tally
    try:
        layout, spacing, convention = _layout(path, reading)
    except NoLayout as fault:
        if fault.code == "empty-file":  # say what hides the rows, if anything does
            for _ in _lines(path, problems, counts):
                pass
        else:
            cure = "\nOr r".join(
                reading.advise(path, **choice)[number > 0 :] for number, choice in enumerate(fault.choices)
            )
            cure = cure or (piped(path, fault.program, "tabs") if fault.program else "")
            report(Problem(path, _first_row(path), fault.code, fault.message, cure), problems)
        return
    advice = ""  # how the file's tags can be read; found when first needed
    for block in _blocks(path, layout, problems, counts):
        if block.broken:
            continue
        apply(convention, block, counts)
        try:
            yield _sentence(block, lang, layout, spacing, reading.scheme, path, counts)
        except _Fault as fault:
            if fault.code == "conll-tag":
                advice = advice or _advice(path, layout, reading)
            report(Problem(path, fault.line, fault.code, fault.message, fault.cure or advice), problems)
    if tally is None and problems is None and str(counts):
        warnings.warn(f"{path}: {counts}", stacklevel=2)


class _Fault(Exception):
    """Why a block cannot be a sentence."""

    def __init__(self, line: int, code: str, message: str, cure: str = ""):
        self.line, self.code, self.message, self.cure = line, code, message, cure
        super().__init__(message)


def _lines(path: Path, problems: list[Problem] | None, tally: Tally) -> Iterator[tuple[int, str]]:
    """Yield every line with its number, blank ones too."""
    with open_binary(path) as stream:
        yield from lines_of(stream, path, problems, repaired=tally.repaired, keep_halves=True)


def _layout(path: Path, reading: Reading) -> tuple[Layout, Spacing, Convention]:
    """Return how the rows are made, what stands between the tokens, and whether these are words.

    Raises:
        NoLayout: the rows leave it open.
    """
    blocks, names = _sure_rows(line for _, line in _lines(path, [], Tally()))
    layout = layout_of(
        blocks,
        column=reading.column,
        token_column=reading.token_column,
        outside=reading.outside,
        scheme=reading.scheme,
        names=names,
        tag_names=reading.tag_names,
    )
    sample = list(islice(_blocks(path, layout, [], Tally()), NUM_SAMPLED))
    convention = convention_of([block.tokens for block in sample])
    for block in sample:
        apply(convention, block, Tally())
    return layout, spacing_of(block.tokens for block in sample), convention


def _first_row(path: Path) -> int | None:
    """Return the line of the first row."""
    lines = _lines(path, [], Tally())
    return next((number for number, line in lines if line.strip() and not may_be_comment(line)), None)


def _sure_rows(lines: Iterator[str] | tuple[str, ...]) -> tuple[list[list[str]], tuple[str, ...]]:
    """Return the rows of the first sentences that are no comments for sure, and the names that columns are given."""
    blocks: list[list[str]] = [[]]
    hashes: list[list[str]] = []  # a file may hold nothing but the token #
    names: tuple[str, ...] = ()
    total = 0
    for line in lines:
        if not shows_anything(line):
            blocks.append([])
        elif found := _NAMES.match(line):
            names = tuple(found[1].split())
        elif may_be_comment(line):
            fields = split_row(line, "\t" in line)
            if not is_comment_for_sure(line) and share_standard({fields[-1].strip(): 1}) and len(fields) > 1:
                hashes.append([line])
        else:
            blocks[-1].append(line)
            total += 1
            if total == NUM_ROWS:
                break
    return [block for block in blocks if block] or hashes, names


def _blocks(path: Path, layout: Layout, problems: list[Problem] | None, tally: Tally) -> Iterator[Block]:
    """Yield the sentences of a file as their rows; one with a line that cannot be read is `broken`."""
    damage: list[Problem] | None = None if problems is None else []
    rows = Rows(path, layout, problems, tally)
    for number, line in chain(_lines(path, damage, tally), [(0, "")]):
        if damage:
            rows.block.broken = True
            if problems is not None:
                problems += damage
            damage.clear()
        yield from rows.take_or_end(line, number)


def _sentence(
    block: Block, lang: str, layout: Layout, spacing: Spacing, scheme: Scheme | None, path: Path, tally: Tally
) -> Sentence:
    spans = _spans(block, layout, scheme, tally, path)
    text, offsets = _text(block, layout, spacing, path, tally)
    entities = []
    for start_token, end_token, type_ in spans:
        start, end = offsets[start_token].start, offsets[end_token - 1].end
        entities.append(Entity(start, end, text[start:end], None if type_ == UNTYPED else type_))
    extra: dict[str, Any] = {"tokens": [_PAIRS.setdefault(span, list(span)) for span in offsets]}
    if block.document:
        extra["document"] = block.document
    return Sentence(
        id=block.id or f"{files.stem(path)}:{block.lines[0]}",
        lang=lang,
        text=text,
        entities=tuple(entities),
        relations_covered=NO_RELATIONS,
        extra=extra,
    )


def _spans(
    block: Block, layout: Layout, scheme: Scheme | None, tally: Tally, path: Path
) -> list[schemes.TokenSpan]:
    tags = layout.spelling.read_all(block.tags)
    try:
        levels = schemes.levels_of(tags)
    except schemes.SeveralOfAType as several:
        message = (
            f'the tag {tags[several.token]} of "{block.tokens[several.token]}" names two entities of a type'
        )
        cure = f"Give each level a column of its own. {piped(path, _SPLIT_LEVELS.format(several.sign), 'levels')}"
        raise _Fault(block.lines[several.token], "conll-nested-tag", message, cure) from None
    if len(levels) > 1:
        tally.repaired["sentences whose tags name several entities of a token, read as levels"] += 1
    found = [_spans_of(level, block, scheme, tally) for level in levels]
    tally.repaired.update(told for tag in block.tags if (told := layout.spelling.mended(tag)))
    return list(dict.fromkeys(span for level in found for span in level))


def _spans_of(tags: list[str], block: Block, scheme: Scheme | None, tally: Tally) -> list[schemes.TokenSpan]:
    try:
        spans, mends = schemes.to_spans(tags, scheme or Scheme.IOB2)
    except WrongTag as wrong:
        as_written = WrongTag(wrong.token, block.tags[wrong.token], scheme or Scheme.IOB2)
        raise _Fault(block.lines[wrong.token], "conll-tag", f"{as_written}") from None
    if mends and scheme is None:
        token = mends[0].token
        raise _Fault(block.lines[token], "conll-tag", _not_iob2(block, tags, token))
    tally.repaired.update(mend.what for mend in mends)
    return spans


def _text(block: Block, layout: Layout, spacing: Spacing, path: Path, tally: Tally) -> tuple[str, list[Span]]:
    """Return the text of a sentence and where its tokens stand in it."""
    if block.text is not None:
        try:
            return block.text, aligned(block.tokens, block.text)
        except NotInText as wrong:
            cure = "Mend the # text line, or delete it: the text is then made of the tokens."
            raise _Fault(block.lines[wrong.token], "conll-text", str(wrong), cure) from None
    if block.glued:
        return glued(block.tokens, [not is_glued for is_glued in block.glued[:-1]])
    if spacing is Spacing.UNKNOWN:
        message = "the file's tokens are single letters, and nothing shows where a word ends"
        cure = "Give the spaces rows of their own, or each sentence a line # text = …; or, for a text without spaces"
        cure = f"{cure}: {piped(path, _WITH_TEXT.format(layout.token), 'text')}"
        raise _Fault(block.lines[0], "conll-no-spaces", message, cure)
    if told := letters_joined(block.tokens, spacing):
        tally.repaired[told] += 1
    return text_of(block.tokens, spacing)


def _not_iob2(block: Block, tags: list[str], token: int) -> str:
    tag = tags[token]
    if tag.endswith(f"-{schemes.OUTSIDE}"):
        return f'the tag {tag} of "{block.tokens[token]}" names no type'
    place = f"comes after {tags[token - 1]}" if token else "begins a sentence"
    return f'the tag {tag} of "{block.tokens[token]}" {place}; in IOB2 every entity begins with B-'


def _advice(path: Path, layout: Layout, reading: Reading) -> str:
    """Return the command by which the tags of a file can be read, and what it would mend."""
    blocks = _blocks(path, layout, [], Tally())
    found = remedy([block.tags for block in blocks if not block.broken])
    if layout.tags and all(tag.isdecimal() for tag in layout.tags):
        return "The tags are numbers; say what they stand for, in order from 0: --tag-names O,B-PER,I-PER,…"
    if found is None:
        known = ", ".join(scheme.name for scheme in Scheme)
        return f"The file's tags fit no scheme ({known}), with or without another sign for O."
    scheme, outside, mends = found
    changes: dict[str, Any] = {"scheme": scheme} if scheme else {}
    if outside:
        changes["outside"] = (*reading.outside, *outside)
    signs = f" with {' and '.join(sign or 'an empty tag' for sign in outside)} for O" if outside else ""
    name = scheme.name if scheme else "IOB2"
    tags = f"{mends} tag{'' if mends == 1 else 's'}"
    told = f"{name} fits best, with {tags} to mend" if mends else f"All tags of the file fit {name}"
    return f"{told}{signs}. {reading.advise(path, **changes)}"
