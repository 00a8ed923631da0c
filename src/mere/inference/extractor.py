"""The extractor: text in, documents out, with every offset pointing into the text as it was given.

Split into sentences, identify the language, window what is long, predict in batches of like length, shift the
offsets back, merge. A `Predictor` does the one step that needs a model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import cast

from mere.errors import DataError, MereError
from mere.inference.calibration import Calibration
from mere.inference.filter import Filter
from mere.inference.io import check_text
from mere.inference.language import Identifier
from mere.inference.predictor import Predictor
from mere.inference.sentences import is_wrapped, split_sentences
from mere.inference.together import Together
from mere.inference.windows import cut_windows, merge
from mere.lang_codes import find, language_of, stated
from mere.schema import Labels
from mere.types import Document, Entity, Prediction, Span, Triple

_POOLED_BATCHES = 16
_PLANNED_CHARACTERS = 1 << 16
"""Most that is cut into sentences at a time."""


@dataclass
class _Plan:
    """One text on its way: how it was cut, and what has been predicted for its windows so far."""

    text: str
    lang: str | None
    given: str | None  # the language that was stated with it
    spoken: str | None = None  # the one it is split by; the model need not know it
    note: str | None = None  # on that language
    notes: list[str] = field(default_factory=list)
    sentences: list[Span] = field(default_factory=list)
    langs: list[str | None] = field(default_factory=list)  # one per sentence
    windows: list[tuple[int, Span]] = field(
        default_factory=list
    )  # (index of the sentence, slice of the text)
    predictions: list[Prediction | None] = field(default_factory=list)  # one per window


class Extractor:
    """Finds entities and triples in raw text, one text at a time or in a stream.

    Args:
        predictor: the model, or two together.
        batch_size: windows per forward pass; changes speed and memory, not results.
        threshold: least probability of a relation, or None for the one the model was saved with.
        languages: the only languages that can occur in texts that state none; None where any can.
        unwrap: whether line ends are white space like any other, but for empty lines: for hard-wrapped text.
        filter: what documents keep of what is found; None: all of it.
        calibration: of the scores; thresholds hold for those before it, the filter for those after it.

    Raises:
        UserError: the filter names a relation or a type that the model does not know.
    """

    def __init__(
        self,
        predictor: Predictor | Together,
        *,
        batch_size: int = 64,
        threshold: float | None = None,
        languages: Sequence[str] | None = None,
        unwrap: bool = False,
        filter: Filter | None = None,
        calibration: Calibration | None = None,
    ):
        self.predictor = predictor
        self.batch_size = batch_size
        self.threshold = threshold
        self.unwrap = unwrap
        self.calibration = calibration or Calibration()
        self.filter = filter or Filter()
        self.filter.check(predictor.labels)
        expected = predictor.labels.languages if languages is None else languages
        self._identifier = Identifier(expected, only=languages is not None)

    @property
    def labels(self) -> Labels:
        return self.predictor.labels

    def __call__(self, text: str, lang: str | None = None) -> Document:
        """Return what `text` says; `lang` is identified where it is not given."""
        return next(self.extract([text], lang))

    def extract(
        self, texts: Iterable[str], lang: str | Iterable[str | None] | None = None
    ) -> Iterator[Document]:
        """Yield one document per text, in order, reading ahead no further than a pool of batches.

        What spaCy calls `pipe`: texts of all lengths share batches, and an endless input takes constant memory.

        Args:
            texts: any number of texts of any length, empty ones included.
            lang: one language for all texts, or one per text; None where it is to be identified. A language
                that the model does not know takes the universal path, and the document's notes say so.

        Raises:
            DataError: a text is not a string or holds a lone surrogate; the documents before it come first.
        """
        if isinstance(texts, str):
            raise DataError("extract() takes several texts and got one string. Call: extractor(text)")
        return self.extract_pairs(_paired(texts, lang))

    def extract_pairs(self, pairs: Iterable[tuple[str, str | None] | None]) -> Iterator[Document]:
        """Yield one document per (text, language), as `extract` does; a None has all before it answered at once."""
        source = iter(pairs)
        read: list[tuple[str, str | None]] = []  # not planned yet
        pool: list[_Plan] = []
        most = self.batch_size * _POOLED_BATCHES
        number = characters = pooled = 0
        while True:
            try:
                pair = next(source)
                if pair is not None:
                    check_text(pair[0], f"text {(number := number + 1)}")
            except StopIteration:
                break
            except MereError:  # a bad text, or a bad line in the file that texts come from
                yield from self._finish([*pool, *self._plans(read)])
                raise
            if pair is not None:
                read.append(pair)
                characters += len(pair[0])
            if pair is None or characters >= _PLANNED_CHARACTERS or pooled + len(read) >= most:
                plans = self._plans(read)
                pool += plans
                pooled += sum(max(1, len(plan.windows)) for plan in plans)
                read, characters = [], 0
            if pair is None or pooled >= most:
                yield from self._finish(pool)
                pool, pooled = [], 0
        yield from self._finish([*pool, *self._plans(read)])

    def _plans(self, texts: Sequence[tuple[str, str | None]]) -> list[_Plan]:
        """Cut texts into sentences and windows, each sentence with its language; many at a time are faster."""
        plans = [_Plan(text, None, given=stated(lang)) for text, lang in texts]
        seen = [plan for plan in plans if plan.text.strip()]
        unstated = [plan for plan in seen if plan.given is None]
        for plan, guess in zip(unstated, self._identifier.texts([p.text for p in unstated]), strict=True):
            plan.spoken, plan.note = self._guessed(*guess)
        for plan in seen:
            if plan.given is not None:
                plan.spoken, plan.note = self._stated(plan.given)
            plan.lang = plan.spoken if plan.spoken in self.labels.languages else None
            plan.sentences = split_sentences(plan.text, plan.spoken, unwrap=self.unwrap)
            plan.langs = [plan.lang] * len(plan.sentences)
        asked = [(plan.text, plan.sentences, plan.spoken) for plan in unstated]
        for plan, langs in zip(unstated, self._identifier.sentences(asked), strict=True):
            self._follow(plan, langs)
        for plan in seen:
            self._complete(plan)
        return plans

    def _complete(self, plan: _Plan) -> None:
        """Add a plan's windows and its notes."""
        text = plan.text
        if plan.note and plan.lang is None:
            plan.notes.insert(0, plan.note)
        for lang, task in sorted(self.predictor.half_known.items()):
            if lang in plan.langs:
                plan.notes.append(f'the model of {task} does not know language "{lang}": universal path')
        if not self.unwrap and is_wrapped(text.splitlines()):
            plan.notes.append(
                "most lines end in mid-sentence: for hard-wrapped text, unwrap=True or --unwrap"
            )
        max_pieces = self.predictor.max_pieces
        for index, sentence in enumerate(plan.sentences):
            if sentence.end - sentence.start <= max_pieces:  # a unit has at least one character
                plan.windows.append((index, sentence))
                continue
            windows = [sentence]
            units = self.predictor.unit_spans(text[sentence.start : sentence.end])
            if len(units) > max_pieces:
                by = sentence.start
                windows = [Span(start + by, end + by) for start, end in cut_windows(units, max_pieces)]
                plan.notes.append(f"sentence {index + 1}: {len(units)} units, read in {len(windows)} windows")
            plan.windows.extend((index, window) for window in windows)
        plan.predictions = [None] * len(plan.windows)

    def _stated(self, given: str) -> tuple[str, str | None]:
        """Return the language to split by, and a note where the model can't follow it."""
        lang = find(given, self.labels.languages)
        if lang is None:
            return language_of(given), f'the model does not know language "{given}": universal path'
        return lang, None

    def _guessed(self, lang: str | None, probability: float) -> tuple[str | None, str | None]:
        """Return the language to split by, and a note where the model can't follow it."""
        if lang is None:
            return None, "language not sure: universal path"
        if lang not in self.labels.languages:
            return lang, f'language is "{lang}" ({probability:.2f}), unknown to the model: universal path'
        return lang, None

    def _follow(self, plan: _Plan, found: Sequence[str | None]) -> None:
        """Give each sentence the path of its own language, and the text that of most of its characters."""
        known = self.labels.languages
        plan.langs = [lang if lang in known else None for lang in found]
        read: Counter[str | None] = Counter()
        for path, sentence in zip(plan.langs, plan.sentences, strict=True):
            read[path] += _length(sentence)
        plan.lang = read.most_common(1)[0][0]
        told = plan.spoken if plan.lang is None else None  # the note on the whole text says it
        for lang in dict.fromkeys(lang for lang in found if lang not in (None, told, *known)):
            first, number = found.index(lang) + 1, found.count(lang)
            those = f"sentence {first}" if number == 1 else f"{number} sentences from sentence {first} on"
            plan.notes.append(f'{those}: language is "{lang}", unknown to the model: universal path')

    def _finish(self, pool: Sequence[_Plan]) -> Iterator[Document]:
        """Predict all windows of the pool in order of length, so that batches waste little on padding."""
        tasks = [(plan, index) for plan in pool for index in range(len(plan.windows))]
        tasks.sort(key=lambda task: _length(task[0].windows[task[1]][1]))
        texts = [plan.text[slice(*plan.windows[index][1])] for plan, index in tasks]
        langs = [plan.langs[plan.windows[index][0]] for plan, index in tasks]
        if tasks:
            predictions = self.predictor.predict(
                texts, langs, batch_size=self.batch_size, threshold=self.threshold
            )
            for (plan, index), lang, prediction in zip(tasks, langs, predictions, strict=True):
                plan.predictions[index] = self.calibration(prediction, self.labels.path(lang))
        for plan in pool:
            yield self.filter(_document(plan))


def _paired(
    texts: Iterable[str], lang: str | Iterable[str | None] | None
) -> Iterator[tuple[str, str | None]]:
    if lang is None or isinstance(lang, str):
        yield from zip(texts, repeat(lang))
        return
    langs, ended = iter(lang), object()
    for number, text in enumerate(texts, 1):
        own = next(langs, ended)
        if own is ended:
            raise DataError(
                f"text {number} has no language: lang= ended after {number - 1}. Give one per text, or None."
            )
        yield text, cast("str | None", own)


def _length(span: Span) -> int:
    return span.end - span.start


def _document(plan: _Plan) -> Document:
    """Merge the windows of each sentence and put the sentences in order."""
    parts: dict[int, list[tuple[Span, Prediction]]] = {}
    for (sentence, window), prediction in zip(plan.windows, plan.predictions, strict=True):
        if prediction is not None:
            parts.setdefault(sentence, []).append((window, prediction))
    entities: list[Entity] = []
    triples: list[Triple] = []
    for index, sentence_parts in sorted(parts.items()):
        merged = merge(plan.text, sentence_parts, plan.sentences[index])
        entities.extend(merged.entities)
        triples.extend(merged.triples)
    return Document(
        text=plan.text,
        lang=plan.lang,
        entities=tuple(entities),
        triples=tuple(triples),
        sentences=tuple(plan.sentences),
        notes=tuple(plan.notes),
        langs=tuple(plan.langs),
    )
