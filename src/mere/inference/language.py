"""Say which language a text is in, sentence by sentence where they differ, and how sure that is.

The likelihoods are those of `mere.inference.identifier`. Ours is what stands around them: varieties are folded into
the language that corpora are labelled with (Cantonese into Chinese), the languages that a model knows are likelier
beforehand, and an answer that is not sure is None.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from mere.data.units import script_of
from mere.errors import DataError, nearest
from mere.inference.identifier import evidence, tables
from mere.lang_codes import find
from mere.types import Span

# Below this probability the answer is "not sure".
SURE = 0.6
# A text that is given to a model is this many times likelier to be in one of the model's languages than in another.
EXPECTED_WEIGHT = 100.0
# Naive Bayes counts overlapping n-grams as if each were news; over the square root of a text's bytes they are worth
# this much. This is what makes abstention depend on length. Found, as the weight, on dev sentences of 45 languages
# cut to 1, 2, 4, 8 and 16 words, where a right answer is worth as much as a wrong one costs.
EVIDENCE = 1.5
# A sentence is this many times likelier to be in the language of its text than in another. On documents of six dev
# sentences, 0.2 % of those in one language leave it, and 9 in 10 sentences of the second language of a document do.
SAME_AS_TEXT = 100.0
# A language shows in its first lines.
MOST_CHARACTERS = 2000

# Labels that are told apart here and are one language to the corpora of the others.
_VARIETY_OF = {"wuu": "zh", "yue": "zh", "arz": "ar", "ary": "ar", "nn": "no", "uzs": "uz", "sdh": "ku"}
_NO_LANGUAGE = "zxx"


class Identifier:
    """Identifies the language of texts and of their sentences.

    Args:
        expected: languages that are likelier than others beforehand, usually those of a model; answers spell them
            so.
        only: whether no other language can occur.

    Raises:
        DataError: `only`, and one of `expected` is a language that cannot be told from its text.
    """

    def __init__(self, expected: Collection[str] = (), *, only: bool = False):
        labels = _labels(tuple(expected))
        self.languages = tuple(dict.fromkeys(labels))
        self._is_of = np.array([[label == lang for lang in self.languages] for label in labels], np.float32)
        if only and (strange := [lang for lang in expected if lang not in labels]):
            raise DataError(
                f'language "{strange[0]}" cannot be told from a text.{nearest(strange[0], self.languages)} '
                f"Leave it out, or state it with each text: lang={strange[0]!r}, or --lang {strange[0]}"
            )
        is_expected = np.array([label in expected for label in labels])
        other = -np.inf if only else -math.log(EXPECTED_WEIGHT)
        self._log_weights = np.where(is_expected, 0.0, other).astype(np.float32)
        self._column: dict[str | None, int] = {lang: place for place, lang in enumerate(self.languages)}
        self._same = (math.log(SAME_AS_TEXT) * self._is_of.T).astype(np.float32)

    def __call__(self, text: str) -> tuple[str | None, float]:
        """Return the language of `text` and its probability in [0, 1]; None where that is not sure."""
        return self.texts([text])[0]

    def texts(self, texts: Sequence[str]) -> list[tuple[str | None, float]]:
        """Return the language of each text, as of one: many together are several times as fast."""
        samples = [text.lstrip()[:MOST_CHARACTERS] for text in texts]
        samples = [sample if any(map(str.isalpha, sample)) else "" for sample in samples]
        best = self._best(samples, self._log_weights)
        return [(lang if probability >= SURE else None, probability) for lang, probability in best]

    def sentences(self, texts: Sequence[tuple[str, Sequence[Span], str | None]]) -> list[list[str | None]]:
        """Return the language of each sentence of texts.

        A sentence that says little is in the language of its text, if it is in its script.

        Args:
            texts: each text with its sentences and its language, as far as that is sure.
        """
        several = [number for number, (_, spans, _) in enumerate(texts) if len(spans) > 1]
        parts: list[str] = []
        places: list[
            tuple[int, bool]
        ] = []  # of each part: its text, and whether it is in the text's usual script
        for number in several:
            text, spans, _ = texts[number]
            own = [text[start : min(end, start + MOST_CHARACTERS)] for start, end in spans]
            scripts = [_script(part) for part in own]
            usual = Counter(scripts).most_common(1)[0][0]
            parts += own
            places += [(number, script == usual) for script in scripts]
        weights = np.tile(self._log_weights, (len(parts), 1))
        for row, (number, is_usual) in enumerate(places):
            if is_usual and (column := self._column.get(texts[number][2])) is not None:
                weights[row] += self._same[column]
        found = [[lang] * len(spans) for _, spans, lang in texts]
        for number in several:
            found[number] = []
        for (number, _), (lang, probability) in zip(places, self._best(parts, weights), strict=True):
            is_sure = probability >= SURE and lang is not None
            found[number].append(lang if is_sure else texts[number][2])
        return found

    def _best(self, texts: Sequence[str], log_weights: NDArray[np.float32]) -> list[tuple[str | None, float]]:
        """Return the likeliest language of each text, None for no language, and its probability.

        Args:
            log_weights: of each column of the tables, for all texts or for each.
        """
        if not texts:
            return []
        counts = [Counter(_normalised(text).split()) for text in texts]
        scores = evidence(counts)  # (texts, columns)
        says_nothing = ~scores.any(1)
        num_bytes = np.array(
            [[len(text.encode("utf-8", "surrogatepass")) or 1] for text in texts], np.float32
        )
        scores = np.asarray((scores + tables().priors) * (EVIDENCE / np.sqrt(num_bytes)), scores.dtype)
        scores += log_weights
        probabilities = np.exp(scores - scores.max(1, keepdims=True)) @ self._is_of
        index = probabilities.argmax(1)
        sure = probabilities[np.arange(len(texts)), index] / probabilities.sum(1)
        sure[says_nothing] = 0.0
        langs = [self.languages[i] for i in index.tolist()]
        return [
            (None if lang == _NO_LANGUAGE or not probability else lang, probability)
            for lang, probability in zip(langs, sure.tolist(), strict=True)
        ]


def _labels(expected: Sequence[str]) -> list[str]:
    """Return what each label of the identifier is called: as `expected` spells its language, if it has it."""
    return [find(label, expected) or _VARIETY_OF.get(label, label) for label in tables().languages]


def never_identified(languages: Sequence[str]) -> tuple[str, ...]:
    """Return those languages that no text is ever identified as: they have to be stated with each text."""
    labels = _labels(languages)
    return tuple(lang for lang in languages if lang not in labels)


def _script(text: str) -> str:
    script = script_of(text)
    return "Han" if script in ("Hiragana", "Katakana") else script


def _normalised(text: str) -> str:
    """As in py3langid: what is all in capitals is read in small letters."""
    return unicodedata.normalize("NFC", text.lower() if text.isupper() else text)
