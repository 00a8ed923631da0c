"""Checks that look at one sentence at a time."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import regex

from mere import lang_codes
from mere.data.check.finding import Tally
from mere.data.formats import files
from mere.data.surface import has_invisible_edge, inside_character, inside_word
from mere.data.units import without_overlap
from mere.types import Entity, Sentence

MAX_CHARS = 1_000
_CONTROL = regex.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MARKUP = regex.compile(
    r"&(?:nbsp|amp|lt|gt|quot|#\d+|#x[0-9a-fA-F]+);|</?(?:br|p|b|i|span|div|sup|sub)\b[^>]*>|<(\w+)>[^<>]*</\1>"
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


def check_row(row: Row, tallies: Mapping[str, Tally]) -> None:
    """Add what a sentence shows by itself to the tallies."""
    sentence = row.sentence
    stated = files.lang_of(row.path)
    if stated is not None and not lang_codes.is_same(stated, sentence.lang):
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
    _check_overlap(row, tallies["overlap"])
    for entity in sentence.entities:
        if entity.text != entity.text.strip() or has_invisible_edge(entity.text):
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


def _check_overlap(row: Row, tally: Tally) -> None:
    lang = row.sentence.lang
    tally.of[lang] += len(row.sentence.entities)
    spans = sorted({entity.span for entity in row.sentence.entities})
    if any(later.start < earlier.end for earlier, later in pairwise(spans)):
        kept = set(without_overlap(spans))
        lost = [row.sentence.text[start:end] for start, end in spans if (start, end) not in kept]
        tally.add(lang, row.example(", ".join(map(repr, lost[:3]))), len(lost))


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


class Normalisation:
    """Counts the sentences not in NFC, in each language that has both kinds; places are files.

    A sentence that NFC and NFD write alike (plain ASCII, say) is of neither kind.
    """

    def __init__(self) -> None:
        self._composed: set[str] = set()  # languages with a sentence that only NFC would leave as it is
        self._other: dict[str, Tally] = {}  # by language
        self._totals: Counter[str] = Counter()

    def see(self, row: Row) -> None:
        """Take in a sentence."""
        text, lang = row.sentence.text, row.sentence.lang
        self._totals[row.path.name] += 1
        if text.isascii():
            return
        if not unicodedata.is_normalized("NFC", text):
            tally = self._other.setdefault(lang, Tally())
            tally.add(row.path.name, row.example(_decomposed(text)) if tally.wants(row.path.name) else "")
        elif lang not in self._composed and not unicodedata.is_normalized("NFD", text):
            self._composed.add(lang)

    def finish(self, tally: Tally) -> None:
        """Put what was found into the tally of the report."""
        tally.of.update(self._totals)
        for lang in self._composed & self._other.keys():
            tally.by.update(self._other[lang].by)
            tally.examples += self._other[lang].examples


def _decomposed(text: str) -> str:
    nfc = unicodedata.normalize("NFC", text)
    at = next((i for i, (a, b) in enumerate(zip(text, nfc, strict=False)) if a != b), len(nfc))
    codes = " ".join(f"U+{ord(char):04X}" for char in text[at : at + 2])
    return f"{codes} at {at}"
