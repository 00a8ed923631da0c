"""Rows of Hugging Face datasets for tagging: a list of tokens and a list of tags, as names or as numbers of names.

Numbers need the names that they stand for (a ClassLabel): from the file, from `dataset_info.json` beside it,
or from `--tag-names`. A column `text`, where there is one, gives the text exactly; else the tokens are joined as
their script is written. Other columns are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mere.data.formats import schemes
from mere.data.formats.cut import fitting_tokens, without_overlaps
from mere.data.formats.holds import ENTITY, NO_RELATIONS, TOKENS, Holds
from mere.data.formats.reading import Reading
from mere.data.formats.record import RecordFault
from mere.data.formats.records import mention
from mere.data.formats.schemes import Scheme, TokenSpan, WrongTag
from mere.data.formats.tally import Tally, Written
from mere.data.formats.tokens import NotInText, Spacing, aligned, joined, letters_joined
from mere.types import Sentence

TOKEN_COLUMNS = ("tokens", "words")
TAG_COLUMNS = ("ner_tags", "ner_tag", "tags", "ner", "labels", "ner_labels")
INFO = "dataset_info.json"
TAKES = frozenset({"lang", "column", "token_column", "scheme", "outside", "tag_names"})
HOLDS = Holds(one="a row", offsets="tokens", untyped=False, overlaps=False, relations=False, scores=False)


class Columns(NamedTuple):
    """Where a file has what: the names of its columns, and the names that the numbers of tags stand for."""

    tokens: str
    tags: str
    names: Sequence[str] | None


def columns_of(known: Iterable[str], reading: Reading, names: Mapping[str, Sequence[str]]) -> Columns:
    """Return the columns of tokens and tags.

    Args:
        known: the columns that there are.
        reading: what the user says of them.
        names: of columns whose tags are numbers, the names that the file states.

    Raises:
        RecordFault: one is missing; names those found.
    """
    known = list(known)
    tokens = reading.token_column or next((name for name in TOKEN_COLUMNS if name in known), TOKEN_COLUMNS[0])
    tags = reading.column or next((name for name in TAG_COLUMNS if name in known), TAG_COLUMNS[0])
    for name, option in ((tokens, "--token-column"), (tags, "--column")):
        if name not in known:
            found = ", ".join(f'"{column}"' for column in known) or "none"
            raise RecordFault(
                "hf-no-column", f'no column "{name}" (columns: {found})', f"Name it: {option} NAME"
            )
    return Columns(tokens, tags, reading.tag_names or names.get(tags))


def stated_names(path: Path) -> dict[str, Sequence[str]]:
    """Return the names of tags by column that `dataset_info.json` in the file's folder states; {} without it."""
    try:
        info = json.loads((path.parent / INFO).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return names_in(info)


def names_in(info: object) -> dict[str, Sequence[str]]:
    """Return the names of tags by column in a dataset's description."""
    features = info.get("features") if isinstance(info, dict) else None
    names: dict[str, Sequence[str]] = {}
    for column, feature in features.items() if isinstance(features, dict) else ():
        label = feature.get("feature") if isinstance(feature, dict) else None
        if isinstance(label, dict) and isinstance(label.get("names"), list):
            names[column] = [str(name) for name in label["names"]]
    return names


def to_record(row: object, columns: Columns, reading: Reading, tally: Tally) -> dict[str, Any]:
    """Return a row with mere's keys.

    Raises:
        RecordFault: tokens or tags are not what they must be.
    """
    if not isinstance(row, dict):
        raise RecordFault("not-an-object", "not a JSON object; a row a line was expected")
    tokens, tags = row.get(columns.tokens), row.get(columns.tags)
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise RecordFault("hf-tokens", f'"{columns.tokens}" is no list of strings: {_short(tokens)}')
    if not isinstance(tags, list) or len(tags) != len(tokens):
        found = f"{len(tags)} tags" if isinstance(tags, list) else _short(tags)
        raise RecordFault(
            "hf-tags", f'"{columns.tags}" is no list of a tag a token: {found}, {len(tokens)} tokens'
        )
    filled = [place for place, token in enumerate(tokens) if token]
    tally.repaired["empty tokens left out"] += len(tokens) - len(filled)
    tokens = [tokens[place] for place in filled]
    named = [_name(tags[place], columns) for place in filled]
    spans = _spans(named, reading, tally)
    record = {key: value for key, value in row.items() if key not in (columns.tokens, columns.tags)}
    try:
        stated = record.get("text")
        text, offsets = (stated, aligned(tokens, stated)) if isinstance(stated, str) else joined(tokens)
    except NotInText as wrong:
        raise RecordFault("hf-text", f'the column "text" does not hold the tokens: {wrong}') from None
    if not isinstance(stated, str) and (told := letters_joined(tokens, Spacing.BY_SCRIPT)):
        tally.repaired[told] += 1
    record["text"] = text
    record["entities"] = [
        mention(offsets[span.start_token].start, offsets[span.end_token - 1].end, span.type) for span in spans
    ]
    record[TOKENS] = [list(span) for span in offsets]
    record.pop("triples", None)
    record.setdefault("relations_covered", sorted(NO_RELATIONS))
    return record


def _name(tag: object, columns: Columns) -> str:
    if isinstance(tag, str):
        return tag
    if type(tag) is not int:
        raise RecordFault("hf-tags", f'"{columns.tags}" holds {_short(tag)}; names or numbers were expected')
    if columns.names is None:
        cure = f"Put {INFO} beside it, or say them in order: --tag-names O,B-PER,I-PER,…"
        message = f'"{columns.tags}" holds numbers, and the names that they stand for are not known'
        raise RecordFault("hf-no-names", message, cure)
    if not 0 <= tag < len(columns.names):
        raise RecordFault("hf-tags", f"the tag {tag} has no name; there are {len(columns.names)}, from 0")
    return columns.names[tag]


def _spans(tags: list[str], reading: Reading, tally: Tally) -> list[TokenSpan]:
    tags = [schemes.OUTSIDE if tag in reading.outside else tag for tag in tags]
    try:
        spans, mends = schemes.to_spans(tags, reading.scheme or Scheme.IOB2)
    except WrongTag as wrong:
        raise RecordFault("hf-tag", str(wrong), _schemes(tags)) from None
    if mends and reading.scheme is None:
        tag = tags[mends[0].token]
        message = f"the tag {tag} of token {mends[0].token + 1} cannot stand there in IOB2"
        raise RecordFault("hf-tag", message, _schemes(tags))
    tally.repaired.update(mend.what for mend in mends)
    return spans


def _schemes(tags: list[str]) -> str:
    mends = schemes.fits([tags])
    if not mends:
        return "Say which column holds the tags: --column NAME"
    return f"Say how they are written: --scheme {min(mends, key=lambda scheme: mends[scheme]).value}"


def _short(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 40 else shown[:39] + "…"


def tagged(sentence: Sentence, written: Written) -> tuple[list[str], list[str]]:
    """Return the tokens and the tags of a sentence, and count the entities that tags cannot hold."""
    entities = without_overlaps(sentence.entities)
    written.lost["entities that overlap a longer one"] += len(sentence.entities) - len(entities)
    tokens = fitting_tokens(sentence, [entity.span for entity in entities])
    first = {token.start: place for place, token in enumerate(tokens)}
    last = {token.end: place for place, token in enumerate(tokens)}
    spans = [TokenSpan(first[e.start], last[e.end] + 1, e.type or ENTITY) for e in entities]
    return [sentence.text[a:b] for a, b in tokens], schemes.to_tags(spans, len(tokens))
