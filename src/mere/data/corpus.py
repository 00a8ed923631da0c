"""A corpus: sentences by split and language, read whole or not at all.

corpus = Corpus.load("data/triples", languages=["de", "te"])
corpus.sentences("train", "de"), corpus.labels(), corpus.sizes(), corpus.fingerprint()
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mere import advice, lang_codes
from mere.data.find import find_files
from mere.data.formats import Format, Problem, Reading, kinds
from mere.data.formats.jsonl import to_record
from mere.data.formats.problems import raise_errors
from mere.data.formats.reading import Command
from mere.data.formats.tally import Tally
from mere.errors import DataError, nearest
from mere.schema import Labels
from mere.types import Sentence


@dataclass(frozen=True)
class Corpus:
    """Sentences by split; each sentence says its language.

    Args:
        splits: split name ("train", "dev", "test") to its sentences, in the order of the files.
    """

    splits: Mapping[str, tuple[Sentence, ...]]

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        languages: Iterable[str] | None = None,
        format: Format | None = None,
    ) -> Corpus:
        """Read a folder or a file.

        Args:
            path: what `find_files` (mere.data.find) takes.
            languages: keep only these; None keeps all.
            format: read only files of this format; None takes each file for what it is.

        Raises:
            DataError: the path is missing, a file has errors (one message lists the first ten and their
                count), a language asked for does not occur, or there is no sentence at all.
        """
        path = Path(path)
        problems: list[Problem] = []
        tally = Tally()
        copy = (
            path.with_name(f"{path.name}-jsonl")
            if path.is_dir()
            else advice.beside(path, "read", ending=".jsonl")
        )
        reading = Reading(format=format, command=Command("convert", (path,), copy))
        splits: dict[str, list[Sentence]] = {}
        found = find_files(path, format)
        for file in found.files:
            before = len(problems)
            sentences = list(kinds.read(file.path, file.format, problems, reading, tally))
            if not sentences and all(problem.severity != "error" for problem in problems[before:]):
                problems.append(empty_file(file.path, problems[before:]))
            splits.setdefault(file.split, []).extend(sentences)
        check = advice.run("mere", "check", path)
        raise_errors(problems, check)
        if str(tally):
            warnings.warn(f"{path}: {tally}. {check}", stacklevel=2)
        if found.passed:
            first = ", ".join(problem.path.name for problem in found.passed[:3])
            warnings.warn(
                f"{path}: {len(found.passed)} files to look at, such as {first}. {check}", stacklevel=2
            )
        corpus = cls({split: tuple(sentences) for split, sentences in splits.items()})
        if not any(corpus.splits.values()):
            raise DataError(f"{path}: the corpus is empty, no row could be used. {check}")
        corpus = corpus.with_one_spelling()
        return corpus if languages is None else corpus.only(languages)

    def with_one_spelling(self) -> Corpus:
        """Return the corpus with one spelling of each language, and warn where there were several."""
        langs = list(dict.fromkeys(sentence.lang for sentence in self._in(None)))
        several = lang_codes.same_spelt(langs)
        if not several:
            return self
        told = "; ".join(f"{', '.join(spellings)} are read as {label}" for label, spellings in several)
        warnings.warn(f"languages spelt in several ways: {told}", stacklevel=3)
        label = lang_codes.labels_of(langs)
        return self._each(lambda s: s if label[s.lang] == s.lang else replace(s, lang=label[s.lang]))

    def only(self, languages: Iterable[str]) -> Corpus:
        """Return the corpus of some of its languages.

        Raises:
            DataError: a language does not occur; names the nearest.
        """
        known = self.languages()
        keep: set[str] = set()
        for lang in dict.fromkeys(languages):
            label = lang_codes.find(lang, known)
            if label is None:
                raise DataError(
                    f'no sentence in the language "{lang}".{nearest(lang, known)} '
                    f"The corpus has: {', '.join(known)}."
                )
            keep.add(label)
        return self._each(lambda sentence: sentence if sentence.lang in keep else None)

    def languages(self, split: str | None = None) -> tuple[str, ...]:
        """Return the languages that occur, in one split or anywhere, sorted."""
        return tuple(sorted({sentence.lang for sentence in self._in(split)}))

    def sentences(self, split: str, lang: str | None = None) -> tuple[Sentence, ...]:
        """Return the sentences of a split, of one language or of all; may be none.

        Raises:
            DataError: the corpus has no such split, or the language occurs in no split.
        """
        everything = self._in(split)
        if lang is None:
            return tuple(everything)
        sentences = tuple(everything)
        chosen = tuple(sentence for sentence in sentences if sentence.lang == lang)
        if not chosen:
            label = lang_codes.find(lang, self.only([lang]).languages())  # raises where it occurs nowhere
            chosen = tuple(sentence for sentence in sentences if sentence.lang == label)
        return chosen

    def labels(self) -> Labels:
        """Return the relations, types and languages of the training split.

        Raises:
            DataError: there is no training split.
        """
        return Labels.from_sentences(self._in("train"))

    def sizes(self) -> dict[str, dict[str, int]]:
        """Return the number of sentences by split and language."""
        counts = {split: Counter(s.lang for s in sentences) for split, sentences in self.splits.items()}
        return {split: dict(sorted(by_lang.items())) for split, by_lang in counts.items()}

    def licences(self) -> tuple[str, ...]:
        """Return the licences that sentences state by a key "license" or "licence" of theirs, sorted."""
        stated = (s.extra.get("license") or s.extra.get("licence") for s in self._in(None))
        return tuple(sorted({str(licence) for licence in stated if licence}))

    def fingerprint(self) -> str:
        """Return the SHA-256 of what the corpus says, 64 hex digits.

        The same for the same sentences in the same order within each split and language, however they are
        spread over files, compressed or named; ids and extra keys, which nothing learns from, do not count.
        """
        digests: dict[tuple[str, str], hashlib._Hash] = {}
        for split, sentences in self.splits.items():
            for sentence in sentences:
                record = to_record(sentence)
                for key in ("id", *sentence.extra):
                    if key not in ("lang", "text"):
                        record.pop(key, None)
                digest = digests.setdefault((split, sentence.lang), hashlib.sha256())
                digest.update(json.dumps(record, ensure_ascii=True, sort_keys=True).encode() + b"\n")
        whole = hashlib.sha256()
        for (split, lang), digest in sorted(digests.items()):
            whole.update(f"{split}\t{lang}\t{digest.hexdigest()}\n".encode())
        return whole.hexdigest()

    def _each(self, change: Callable[[Sentence], Sentence | None]) -> Corpus:
        """Return the corpus with every sentence replaced by what `change` gives; None leaves it out."""
        return Corpus(
            {
                split: tuple(changed for s in sentences if (changed := change(s)) is not None)
                for split, sentences in self.splits.items()
            }
        )

    def _in(self, split: str | None) -> Iterator[Sentence]:
        if split is None:
            return (sentence for sentences in self.splits.values() for sentence in sentences)
        if split not in self.splits:
            known = ", ".join(self.splits) or "none"
            raise DataError(
                f'the corpus has no split "{split}".{nearest(split, self.splits)} '
                f"Splits found: {known}. A file's name states its split (de.{split}.jsonl)."
            )
        return iter(self.splits[split])


def empty_file(path: Path, warnings: Sequence[Problem] = ()) -> Problem:
    """Return the problem of a corpus file without a single sentence, and why its rows could not be used."""
    if not warnings:
        return Problem(path, None, "empty-file", "the file holds no sentence", "Fill it or delete it.")
    message = f"not one of its rows could be used, for {len(warnings):,} reasons: {warnings[0].message}"
    columns = advice.run("mere", "check", path, "--from", "conll")
    cure = f"If it holds columns of tokens and tags: {columns}" if path.suffix == ".tsv" else warnings[0].cure
    return Problem(path, warnings[0].line, "no-row-used", message, cure)
