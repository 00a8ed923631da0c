"""Cut a text of any script into units, the pieces that the compact encoder reads and tags.

A unit is a word where the script writes words and mentions respect them; a single character in scripts
written without spaces; and in between, where mentions end inside a word often enough (case endings in
Telugu, particles in Korean), a word is cut before the endings that the training mentions showed. Which
script is treated how is learned from the corpus by `Units.fit` and saved with the model, so nothing here
knows a language. Offsets always point into the original string.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import regex

from mere.types import Sentence, Span

UNSPACED_SCRIPTS = ("Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan")
"""Scripts written without spaces between words: always one unit per grapheme cluster."""

_WORD_SCRIPTS = (
    "Latin", "Cyrillic", "Greek", "Armenian", "Georgian", "Hebrew", "Arabic", "Devanagari", "Bengali",
    "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Hangul",
    "Ethiopic", "Mongolian", "Cherokee", "Syriac", "Thaana", "Nko",
)  # fmt: skip
SCRIPTS = (*_WORD_SCRIPTS, *UNSPACED_SCRIPTS)
"""Those that have letters of their own to `script_of`."""
_SCRIPT_OF = regex.compile("|".join(rf"(?P<{name}>\p{{Script={name}}})" for name in SCRIPTS))
S = TypeVar("S", bound=tuple[int, int])
"""A half-open span of pieces or characters."""
_MAX_ENDING = 6
_MIN_STEM = 2


def script_of(text: str) -> str:
    """Return the script of the first letter of `text` that has one of its own, or "Common"."""
    for char in text:
        if (script := _script_of(char)) is not None:
            return script
    return "Common"


@lru_cache(maxsize=8192)
def _script_of(char: str) -> str | None:
    found = _SCRIPT_OF.match(char)
    return found.lastgroup if found else None


@dataclass(frozen=True)
class Units:
    """How to cut text into units; what `fit` learned is its whole state.

    Args:
        endings: endings that are cut off a word, each a unit of its own.
        grapheme_scripts: scripts cut into grapheme clusters although they are written with spaces.
    """

    endings: frozenset[str] = frozenset()
    grapheme_scripts: tuple[str, ...] = ()

    @cached_property
    def _pattern(self) -> Any:
        single = (
            "".join(rf"\p{{Script={name}}}" for name in (*UNSPACED_SCRIPTS, *self.grapheme_scripts)) + "ー"
        )
        # Order matters: single characters of unspaced scripts, digit runs, letter runs with their marks and
        # joiners, and then any other visible grapheme cluster (punctuation, emoji with ZWJ) on its own.
        return regex.compile(
            rf"[{single}]\p{{M}}*|\p{{Nd}}+|(?P<word>[[\p{{L}}\p{{M}}\u200c\u200d]--[{single}]]+)|(?!\s)\X",
            regex.VERSION1,
        )

    def __call__(self, text: str) -> list[Span]:
        """Return the spans of the units of `text`, in order; white space belongs to none."""
        spans: list[Span] = []
        for match in self._pattern.finditer(text):
            start, end = match.span()
            if self.endings and match.lastgroup and end - start > _MIN_STEM:
                spans.extend(self._cut(text, start, end))
            else:
                spans.append(Span(start, end))
        return spans

    def _cut(self, text: str, start: int, end: int) -> list[Span]:
        tail: list[Span] = []
        while text[start:end] not in self.endings:  # an ending is not cut again, wherever a slice begins
            for length in range(min(_MAX_ENDING, end - start - _MIN_STEM), 0, -1):
                if text[end - length : end] in self.endings:
                    tail.append(Span(end - length, end))
                    end -= length
                    break
            else:
                break
        return [Span(start, end), *reversed(tail)]

    @classmethod
    def fit(cls, sentences: Iterable[Sentence], *, tolerance: float = 0.005, min_count: int = 2) -> Units:
        """Learn from the training mentions which scripts need cuts inside words.

        Args:
            sentences: the training sentences.
            tolerance: share of a script's mentions that may end inside a word before its endings are cut.
            min_count: how often an ending must have been cut off by a mention to be learned.
        """
        words = cls()
        total: Counter[str] = Counter()
        cut_endings: dict[str, Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            spans = words(sentence.text)
            inside = {offset: span for span in spans for offset in range(span.start + 1, span.end)}
            ends_inside = {
                entity.end: inside[entity.end] for entity in sentence.entities if entity.end in inside
            }
            for entity in sentence.entities:
                total[script_of(entity.text)] += 1
            for end, word in ends_inside.items():
                cut_endings[script_of(sentence.text[word.start : word.end])][
                    sentence.text[end : word.end]
                ] += 1
        endings: set[str] = set()
        graphemes: list[str] = []
        for script, counter in cut_endings.items():
            if script == "Common" or sum(counter.values()) <= tolerance * total[script]:
                continue
            learned = {
                ending for ending, n in counter.items() if n >= min_count and len(ending) <= _MAX_ENDING
            }
            missed = sum(n for ending, n in counter.items() if ending not in learned)
            if missed > 0.1 * total[script]:
                graphemes.append(script)
            else:
                endings |= learned
        return cls(frozenset(endings), tuple(sorted(graphemes)))

    def to_json(self) -> dict[str, Any]:
        return {"endings": sorted(self.endings), "grapheme_scripts": list(self.grapheme_scripts)}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Units:
        return cls(frozenset(record["endings"]), tuple(record["grapheme_scripts"]))


def align(spans: Sequence[Span], mention: Span) -> tuple[int, int] | None:
    """Return the half-open range of pieces that is exactly `mention`, or None if no such range exists.

    Several pieces may share a span, as the bytes of one character do: the range takes all of them.
    """
    first = last = None
    for index, span in enumerate(spans):
        if span.start >= mention.end:
            break
        if span.start == mention.start and first is None:
            first = index
        if span.end == mention.end:
            last = index
    return None if first is None or last is None or last < first else (first, last + 1)


def without_overlap(spans: Iterable[S]) -> list[S]:
    """Keep the longest spans that do not overlap one another: all that one BIO sequence can hold."""
    kept: list[S] = []
    for span in sorted(set(spans), key=lambda span: (span[0] - span[1], span)):
        place = bisect_left(kept, span)
        if (place == 0 or kept[place - 1][1] <= span[0]) and (
            place == len(kept) or span[1] <= kept[place][0]
        ):
            kept.insert(place, span)
    return kept
