"""A pretrained encoder's pieces: subwords, or words made of them, with exact places in the text.

    subword    what the tokenizer cuts, with an id in its vocabulary
    unit       a word, as mere.data.units learned words from the mentions
    piece      with words: a unit and the subwords in it; without: a subword

The tokenizer reads the text whole, as it did in pretraining. Where one of its subwords reaches over the border
of a unit, the units on both sides are read again, each by itself, so that a mention that ends there can be told.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from mere.config import PretrainedSettings
from mere.data.pieces.base import Pieces, StoredPieces
from mere.data.pieces.hub import Specials, find, load_tokenizer, read_config, read_tokenizer
from mere.data.pieces.trim import scripts_of, trim
from mere.data.units import Units
from mere.errors import ModelError
from mere.types import Sentence, Span

_CLINGING = regex.compile(r"[\p{M}\u200c\u200d]+")
"""Marks and joiners: a normaliser may have merged them into the character before."""


@dataclass(frozen=True)
class Checkpoint:
    """What the encoder needs to know of the model that its subwords were made for.

    Args:
        name: hub name or folder of the pretrained weights.
        config: its config.json, with the vocabulary as trimmed.
        specials: by their ids in the trimmed vocabulary.
        rows: subwords of the pretrained vocabulary.
        kept: for each id of the trimmed vocabulary the one it had before; None: nothing was trimmed.
    """

    name: str
    config: dict[str, Any]
    specials: Specials
    rows: int
    kept: NDArray[np.integer[Any]] | None = None


@dataclass(frozen=True)
class _Reading:
    """A text as pieces; see the methods of `Pieces`."""

    spans: list[Span]
    subwords: NDArray[np.int32]
    begins_word: NDArray[np.bool_]


class Subwords(Pieces):
    """Pieces by a fast tokenizer, each described by its subwords: their ids plus 1, 0 behind the last.

    With words, a unit of more than `width` subwords is several pieces that share its span, as the bytes of one
    character do; a unit that the tokenizer skips (a lone control character) is read as its unknown subword.
    Without words, a piece is a subword, its span is free of white space at both ends, and several subwords of
    one character share its span.

    Args:
        tokenizer: as tokenizer.json has it.
    """

    def __init__(
        self, tokenizer: str, checkpoint: Checkpoint, units: Units, *, words: bool, width: int, where: str
    ):
        self.checkpoint = checkpoint
        self.units = units
        self.words = words
        self.width = width
        self._stored = tokenizer
        self._tokenizer = load_tokenizer(tokenizer, where)
        unknown = checkpoint.specials.unknown
        added = self._tokenizer.get_added_tokens_decoder()
        self._specials = {id: unknown for id, token in added.items() if token.special}
        self._model, self._normalizer = self._tokenizer.model, self._tokenizer.normalizer
        self._pre_tokenizer = self._tokenizer.pre_tokenizer
        self._reading = lru_cache(maxsize=8)(self._read)
        self._alone = lru_cache(maxsize=100_000)(self._read_alone)

    @classmethod
    def fit(
        cls, settings: PretrainedSettings, sentences: Sequence[Sentence], text: Sequence[Sentence] = ()
    ) -> Subwords:
        """Return the pieces of the checkpoint that the settings name, trimmed to the sentences (`trim`).

        Raises:
            ModelError: the checkpoint is missing or cannot be read.
            ConfigError: its vocabulary cannot be trimmed.
        """
        folder = find(settings.name)
        config = read_config(folder)
        stored, specials = read_tokenizer(folder)
        size, rows = load_tokenizer(stored, str(folder)).get_vocab_size(), config.get("vocab_size")
        if not isinstance(rows, int) or size > rows:
            raise ModelError(
                f"{folder}: the tokenizer has {size:,} subwords, config.json says vocab_size {rows}. "
                "They are not of one checkpoint: fetch it again."
            )
        checkpoint = Checkpoint(settings.name, config, specials, rows)
        pieces = cls(
            stored,
            checkpoint,
            Units.fit(sentences),
            words=settings.words != "none",
            width=settings.width,
            where=str(folder),
        )
        keep = settings.trim
        return pieces if keep == "none" else pieces._trimmed(sentences, all_of_scripts=keep == "scripts")

    @classmethod
    def load(cls, settings: PretrainedSettings, stored: StoredPieces) -> Subwords:
        record, files = stored.record, stored.files
        given, config = record["specials"], json.loads(files["encoder.json"])
        specials = Specials(tuple(given["before"]), tuple(given["after"]), given["unknown"], given["hidden"])
        checkpoint = Checkpoint(settings.name, config, specials, record["rows"], stored.arrays.get("kept"))
        tokenizer, units = files["tokenizer.json"].decode(), Units.from_json(record["units"])
        return cls(
            tokenizer,
            checkpoint,
            units,
            words=settings.words != "none",
            width=settings.width,
            where="tokenizer.json",
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "units": self.units.to_json(),
            "specials": vars(self.checkpoint.specials),
            "rows": self.checkpoint.rows,
        }

    def arrays(self) -> Mapping[str, NDArray[np.integer[Any]]]:
        kept = self.checkpoint.kept
        return {} if kept is None else {"kept": kept}

    def files(self) -> Mapping[str, bytes]:
        config = json.dumps(self.checkpoint.config, indent=2)
        return {"tokenizer.json": self._stored.encode(), "encoder.json": config.encode()}

    def cut(self, text: str) -> list[Span]:
        return list(self._reading(text).spans)

    def describe(self, text: str, spans: list[Span]) -> NDArray[np.int32]:
        return self._reading(text).subwords.copy()

    def begins_word(self, text: str, spans: list[Span]) -> NDArray[np.bool_]:
        return self._reading(text).begins_word.copy()

    def hide(self, described: NDArray[np.int32], start: int, end: int) -> None:
        part = described[start:end]
        part[part > 0] = self.checkpoint.specials.hidden + 1

    def _read(self, text: str) -> _Reading:
        if not text.strip():
            rows: list[tuple[Span, list[int], bool]] = []
        else:
            rows = self._read_words(text) if self.words else self._read_subwords(text)
        width = self.width if self.words else 1
        subwords = np.zeros((len(rows), width), dtype=np.int32)
        for place, (_, ids, _) in enumerate(rows):
            subwords[place, : len(ids)] = np.array(ids, dtype=np.int32) + 1
        begins = np.array([begins for _, _, begins in rows], dtype=bool)
        return _Reading([span for span, _, _ in rows], subwords, begins)

    def _encode(self, text: str) -> list[tuple[int, int, int]]:
        """Return each subword's id and place. A special one that a text spells out ("<s>") is an unknown one."""
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        ids = (self._specials.get(id, id) for id in encoded.ids)
        return [(id, *offsets) for id, offsets in zip(ids, encoded.offsets, strict=True)]

    def _read_words(self, text: str) -> list[tuple[Span, list[int], bool]]:
        units = self.units(text)
        return [
            (unit, ids[first : first + self.width], first == 0)
            for unit, ids in zip(units, self._ids_of(text, units), strict=True)
            for first in range(0, len(ids), self.width)
        ]

    def _ids_of(self, text: str, units: list[Span]) -> list[list[int]]:
        """Return the subwords of each unit; one of white space alone goes to the unit after it."""
        unit_at: list[int | None] = [None] * len(text)
        for place, (start, end) in enumerate(units):
            unit_at[start:end] = [place] * (end - start)
        starts = [unit.start for unit in units]
        ids: list[list[int]] = [[] for _ in units]
        again: set[int] = set()
        for id, start, end in self._encode(text):
            inside = [place for place in unit_at[start:end] if place is not None]
            if inside:
                ids[inside[0]].append(id)
                if inside[-1] > inside[0]:
                    again.update(range(inside[0], inside[-1] + 1))
            elif units:
                ids[min(bisect_left(starts, start), len(units) - 1)].append(id)
        for place in again:
            start, end = units[place]
            after_space = start == 0 or text[start - 1].isspace()
            before = units[place - 1].end if place else 0
            ids[place] = list(self._alone(text[before:end] if after_space else text[start:end], after_space))
        return [row or [self.checkpoint.specials.unknown] for row in ids]

    def _read_alone(self, text: str, after_space: bool) -> tuple[int, ...]:
        """Return the subwords of a unit that is read by itself, white space before it included if there is any."""
        if after_space:
            return tuple(id for id, _, _ in self._encode(text))
        form = self._normalizer.normalize_str(text) if self._normalizer else text
        pre = self._pre_tokenizer
        parts = [part for part, _ in pre.pre_tokenize_str(form)] if pre else [form]
        if parts:
            parts[0] = parts[0].removeprefix("▁")  # the mark of a space that is not there
        ids = (token.id for part in parts if part for token in self._model.tokenize(part))
        return tuple(self._specials.get(id, id) for id in ids)

    def _read_subwords(self, text: str) -> list[tuple[Span, list[int], bool]]:
        encoded = self._encode(text)
        begins = {start for start, _ in self.units(text)} | {i for i, c in enumerate(text) if c.isspace()}
        rows: list[tuple[Span, list[int], bool]] = []
        starts = sorted({start for _, start, _ in encoded} | {len(text)})
        before = 0
        for id, start, end in encoded:
            following = starts[min(bisect_right(starts, start), len(starts) - 1)]
            span = _visible(text, max(start, before), end, following)
            is_new = not rows or span.start > before
            rows.append((span, [id], is_new and (not rows or span.start in begins)))
            before = span.start
        return rows

    def _trimmed(self, sentences: Sequence[Sentence], *, all_of_scripts: bool) -> Subwords:
        used: set[int] = set()
        for sentence in sentences:
            used.update(id for id, _, _ in self._encode(sentence.text))
            used.update(int(number) - 1 for number in np.unique(self._read(sentence.text).subwords) if number)
        old, config = self.checkpoint.specials, self.checkpoint.config
        own = {*old.before, *old.after, old.unknown, old.hidden}
        pad = config.get("pad_token_id")
        if isinstance(pad, int):
            own |= (
                set(range(pad + 1)) if pad < 16 else {pad}
            )  # a small one counts positions: it must not move
        scripts = scripts_of(sentences)
        tokenizer, kept = trim(
            json.loads(self._stored),
            used=used | {id for id in own if id < self._tokenizer.get_vocab_size()},
            scripts=scripts if all_of_scripts else None,
            written_in=scripts,
        )
        new = {int(id): place for place, id in enumerate(kept)}
        specials = Specials(
            before=tuple(new[id] for id in old.before),
            after=tuple(new[id] for id in old.after),
            unknown=new[old.unknown],
            hidden=new[old.hidden],
        )
        config = {
            k: new.get(v) if k.endswith("_token_id") and isinstance(v, int) else v for k, v in config.items()
        }
        config |= {"vocab_size": len(kept)}
        return Subwords(
            json.dumps(tokenizer, ensure_ascii=False),
            replace(self.checkpoint, config=config, specials=specials, kept=kept),
            self.units,
            words=self.words,
            width=self.width,
            where="the trimmed tokenizer",
        )


def _visible(text: str, start: int, end: int, following: int) -> Span:
    """Return a subword's span without white space at its ends, with the marks that belong to its last character."""
    end = max(end, min(start + 1, len(text)))
    start = min(start, end - 1)
    first, last = start, end
    while first < last and text[first].isspace():
        first += 1
    while last > first and text[last - 1].isspace():
        last -= 1
    if first == last:
        return Span(start, end)  # a space, a line break: a subword of its own
    clinging = _CLINGING.match(text, last, max(last, following))
    return Span(first, clinging.end() if clinging else last)
