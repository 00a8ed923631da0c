"""Sentences to CoNLL's two columns, `token TAB tag`, with a count of what they cannot hold.

What two columns would lose stands in comments, as in Universal NER's files: `# sent_id` where the id is not
just file and line, `# text` where the tokens joined would not give the text back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import NamedTuple

from mere.data.formats import files, schemes
from mere.data.formats.cut import cut_at, stated_tokens
from mere.data.formats.schemes import Scheme, TokenSpan
from mere.data.formats.tally import Written
from mere.data.formats.tokens import NUM_SAMPLED, Spacing, spacing_of, text_of
from mere.data.units import Units
from mere.types import Sentence, Span

_OWN_ID = re.compile(r".+:\d+")  # given by a reader: file and line
_words = Units()


def write(sentences: Iterable[Sentence], path: Path | str, *, scheme: Scheme = Scheme.IOB2) -> Written:
    """Write sentences as columns and count what the format could not hold.

    Tokens are those of `extra["tokens"]` (offsets, as the reader leaves them), else words cut by
    `mere.data.units`; either are cut further where an entity begins or ends inside one.
    """
    written = Written()
    made = (_tokens(sentence, written) for sentence in sentences)
    blocks = (block for block in made if block.tokens)

    def lines() -> Iterator[str]:
        first = list(islice(blocks, NUM_SAMPLED))  # what a reader will judge the file by
        spacing = spacing_of(block.tokens for block in first)
        document: object = None
        for block in chain(first, blocks):
            stated = block.sentence.extra.get("document")
            if type(stated) is int and stated != document:
                document = stated
                yield from ("-DOCSTART-\tO", "")
            yield from _lines(block, scheme, spacing, written)
            yield ""
            written.sentences += 1

    files.write_lines(_marked(lines()), Path(path))
    written.lost = +written.lost
    return written


class _Block(NamedTuple):
    """A sentence as it is written: its tokens, and the entities that a row of tags can hold; no token: left out."""

    sentence: Sentence
    tokens: list[str]
    spans: list[TokenSpan]


def _marked(lines: Iterator[str]) -> Iterator[str]:
    """Put a byte order mark before a first line that begins with one, since readers take one away."""
    first = next(lines, None)
    if first is not None:
        yield "\ufeff" + first if first.startswith("\ufeff") else first
    yield from lines


def _tokens(sentence: Sentence, written: Written) -> _Block:
    text, nothing = sentence.text, _Block(sentence, [], [])
    stated = stated_tokens(sentence)
    given = stated if stated is not None else _words(text)
    entities = _flat(sentence, given, written)
    borders = {border for entity in entities for border in entity[:2]}
    offsets = cut_at(given, borders)
    tokens = [text[start:end] for start, end in offsets]
    if not tokens:
        written.left_out["no token"] += 1
        return nothing
    if any("\t" in token or "\n" in token for token in tokens):
        written.left_out["a tab or a line break in a token"] += 1
        return nothing
    if "-DOCSTART-" in tokens or any(token.startswith("# ") for token in tokens):
        written.left_out["a token that would read as a comment"] += 1
        return nothing
    first = {span.start: index for index, span in enumerate(offsets)}
    last = {span.end: index for index, span in enumerate(offsets)}
    spans = [TokenSpan(first[start], last[end] + 1, type_) for start, end, type_ in entities]
    written.lost["sentences without token offsets, cut into words"] += stated is None
    written.lost["tokens cut at an entity's border"] += len(offsets) - len(given)
    return _Block(sentence, tokens, spans)


def _lines(block: _Block, scheme: Scheme, spacing: Spacing, written: Written) -> list[str]:
    """Return the lines of one sentence."""
    sentence, tokens = block.sentence, block.tokens
    tags = schemes.to_tags(block.spans, len(tokens), scheme)
    lines = [f"{token}\t{tag}" for token, tag in zip(tokens, tags, strict=True)]
    if spacing is Spacing.UNKNOWN or text_of(tokens, spacing)[0] != sentence.text:
        if _one_line(sentence.text):
            lines.insert(0, f"# text = {sentence.text}")
        else:
            written.lost["texts with a line break, which becomes a space"] += 1
    if not _OWN_ID.fullmatch(sentence.id):
        if _one_line(sentence.id):
            lines.insert(0, f"# sent_id = {sentence.id}")
        else:
            written.lost["ids with a line break"] += 1
    if scheme is Scheme.IO:
        spans = sorted(block.spans)
        beside = (a.end_token == b.start_token and a.type == b.type for a, b in pairwise(spans))
        written.lost["entities beside one of their type, which IO runs together"] += sum(beside)
    _count_lost(sentence, written.lost)
    return lines


def _one_line(value: str) -> bool:
    return "\n" not in value and not value.endswith("\r")


def _flat(sentence: Sentence, tokens: Iterable[Span], written: Written) -> list[tuple[int, int, str]]:
    """Return start, end and type of the entities that one row of tags can hold, the longest first."""
    lost, text = written.lost, sentence.text
    starts, ends = {span.start for span in tokens}, {span.end for span in tokens}
    typed: list[tuple[int, int, str]] = []
    for entity in sentence.entities:
        start, end, name = entity.start, entity.end, entity.type
        while start < end and start not in starts and text[start].isspace():
            start += 1
        while start < end and end not in ends and text[end - 1].isspace():
            end -= 1
        lost["entities with white space at their ends"] += (start, end) != entity.span
        if name is None:
            lost["entities without a type"] += 1
        elif not name or name == schemes.OUTSIDE or name != name.strip() or re.search(r"[\t\n]", name):
            lost["entities whose type no tag can hold"] += 1
        elif start < end:
            typed.append((start, end, name))
    kept: list[tuple[int, int, str]] = []
    for start, end, name in sorted(typed, key=lambda entity: (entity[0] - entity[1], entity)):
        if all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end, name))
    lost["entities that overlap a longer one"] += len(typed) - len(kept)
    return kept


def _count_lost(sentence: Sentence, lost: Counter[str]) -> None:
    lost["links of entities"] += sum(entity.link is not None for entity in sentence.entities)
    lost["triples"] += len(sentence.triples)
    lost["scores of entities"] += sum(entity.score is not None for entity in sentence.entities)
    lost["sources"] += sentence.source is not None
    lost["sentences marked complete: false"] += not sentence.complete
    lost["relations_covered, read again as none"] += bool(sentence.relations_covered != frozenset())
    lost["lists of types covered"] += sentence.types_covered is not None
    lost["extra keys"] += len(sentence.extra.keys() - {"tokens", "document"})
