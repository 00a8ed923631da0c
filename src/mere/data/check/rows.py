"""Checks that look at one sentence at a time."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import regex

from mere.data.check.finding import Tally
from mere.data.formats import files
from mere.data.surface import inside_character, inside_word
from mere.types import Entity, Sentence

MAX_CHARS = 1_000
_CONTROL = regex.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MARKUP = regex.compile(
    r"&(?:nbsp|amp|lt|gt|quot|#\d+|#x[0-9a-fA-F]+);|</?(?:br|p|b|i|span|div|sup|sub)\b[^>]*>"
)


class Row(NamedTuple):
    """A sentence, the split it is in, and the file it came from."""

    sentence: Sentence
    split: str
    path: Path

    @property
    def place(self) -> str:
        return f"{self.sentence.lang} {self.split}"

    def example(self, detail: str = "") -> str:
        """Name the sentence by file and id, with what is wrong in it."""
        where = f"{self.path.name}: {self.sentence.id}"
        return f"{where}: {detail}" if detail else where


def check_rows(rows: Iterable[Row], tallies: Mapping[str, Tally]) -> None:
    """Add what each sentence shows by itself to the tallies."""
    ids: set[tuple[Path, str]] = set()
    for row in rows:
        sentence = row.sentence
        if (row.path, sentence.id) in ids:
            tallies["repeated-id"].add(row.path.name, row.example())
        ids.add((row.path, sentence.id))
        stated = files.lang_of(row.path)
        if stated is not None and stated.split("-")[0] != sentence.lang.split("-")[0]:
            tallies["other-language"].add(row.path.name, row.example(f"lang is {sentence.lang}"))
        _check_text(row, tallies)
        _check_mentions(row, tallies)
        _check_triples(row, tallies)


def _check_text(row: Row, tallies: Mapping[str, Tally]) -> None:
    text = row.sentence.text
    if not text.strip():
        tallies["empty-text"].add(row.place, row.example())
    if len(text) > MAX_CHARS:
        tallies["long"].add(row.place, row.example(f"{len(text):,} characters"))
    if not text.isprintable() and _CONTROL.search(text):
        tallies["control-characters"].add(row.place, row.example())
    if "\ufffd" in text:
        tallies["bad-characters"].add(row.place, row.example())
    if ("&" in text or "<" in text) and (match := _MARKUP.search(text)):
        tallies["markup"].add(row.place, row.example(match.group()))


def _check_mentions(row: Row, tallies: Mapping[str, Tally]) -> None:
    sentence = row.sentence
    text, lang = sentence.text, sentence.lang
    spans: set[tuple[int, int]] = set()
    tallies["inside-word"].of[lang] += len(sentence.entities)
    tallies["cut-character"].of[lang] += len(sentence.entities)
    for entity in sentence.entities:
        if entity.text != entity.text.strip():
            tallies["mention-white-space"].add(row.place, row.example(repr(entity.text)))
        if _splits_word(text, entity):
            tallies["inside-word"].add(lang, row.example(_border(text, entity)))
        if inside_character(text, entity.start) or inside_character(text, entity.end):
            tallies["cut-character"].add(lang, row.example(_border(text, entity)))
        if entity.span in spans:
            tallies["same-span"].add(row.place, row.example(repr(entity.text)))
        spans.add(entity.span)
        if entity.type is not None and len(entity.type) > 1 and entity.type == entity.text:
            tallies["type-is-mention"].add(row.place, row.example(entity.type))


def _check_triples(row: Row, tallies: Mapping[str, Tally]) -> None:
    sentence = row.sentence
    tallies["inside-word-triples"].of[sentence.lang] += len(sentence.triples)
    keys = Counter(triple.key for triple in sentence.triples)
    if len(keys) < len(sentence.triples):
        twice = next(key for key in keys if keys[key] > 1)
        tallies["repeated-triple"].add(row.place, row.example(twice[1]), len(sentence.triples) - len(keys))
    for triple in sentence.triples:
        if not sentence.covers(triple.relation):
            tallies["relation-not-covered"].add(row.place, row.example(triple.relation))
        if triple.subject.span == triple.object.span:
            tallies["self-relation"].add(row.place, row.example(f"{triple.relation} {triple.subject.text!r}"))
        if _splits_word(sentence.text, triple.subject) or _splits_word(sentence.text, triple.object):
            tallies["inside-word-triples"].add(sentence.lang)
    if not sentence.complete:
        tallies["incomplete"].add(f"{sentence.lang} {sentence.source or 'no source'}")
        if len(keys) > 1:
            where = f"{sentence.lang} {sentence.source or 'no source'}"
            tallies["incomplete-several"].add(where, row.example(f"{len(keys)} triples"))
        if not keys and len(sentence.entities) == 2:
            tallies["no-relation-rows"].add(f"{sentence.lang} {sentence.source or 'no source'}")


def _splits_word(text: str, entity: Entity) -> bool:
    return inside_word(text, entity.start) or inside_word(text, entity.end)


def _border(text: str, entity: Entity) -> str:
    """Show a mention with the ends of the words around it: `блог|ер`."""
    before, after = text[max(0, entity.start - 8) : entity.start], text[entity.end : entity.end + 8]
    before = before.split()[-1] + "|" if before and not before[-1].isspace() and before.split() else ""
    after = "|" + after.split()[0] if after and not after[0].isspace() and after.split() else ""
    return f"{before}{entity.text}{after}"


def check_normalisation(rows: Iterable[Row], tally: Tally) -> None:
    """Count the sentences not in NFC, in each language that has both kinds; places are files.

    A sentence that NFC and NFD write alike (plain ASCII, say) is of neither kind.
    """
    composed: set[str] = set()  # languages with a sentence that only NFC would leave as it is
    other: list[Row] = []
    totals: Counter[str] = Counter()
    for row in rows:
        text, lang = row.sentence.text, row.sentence.lang
        totals[row.path.name] += 1
        if text.isascii():
            continue
        if not unicodedata.is_normalized("NFC", text):
            other.append(row)
        elif lang not in composed and not unicodedata.is_normalized("NFD", text):
            composed.add(lang)
    tally.of.update(totals)
    for row in other:
        if row.sentence.lang in composed:
            text = row.sentence.text
            nfc = unicodedata.normalize("NFC", text)
            at = next((i for i, (a, b) in enumerate(zip(text, nfc, strict=False)) if a != b), len(nfc))
            codes = " ".join(f"U+{ord(char):04X}" for char in text[at : at + 2])
            tally.add(row.path.name, row.example(f"{codes} at {at}"))
