"""A corpus: sentences by split and language, read whole or not at all.

corpus = Corpus.load("data/triples", languages=["de", "te"])
corpus.sentences("train", "de"), corpus.labels(), corpus.sizes(), corpus.fingerprint()
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mere.data.formats import Format, Problem, Reading, files, kinds, sniff
from mere.data.formats.jsonl import to_record
from mere.data.formats.problems import raise_errors
from mere.data.formats.tally import Tally
from mere.errors import DataError, nearest
from mere.schema import Labels
from mere.types import Sentence


class CorpusFile(NamedTuple):
    """One file of a corpus and the split that its name states."""

    path: Path
    format: Format
    split: str


def corpus_files(path: Path | str, format: Format | None = None) -> list[CorpusFile]:
    """Return the corpus files under a path, in order of their names.

    A folder holds `<lang>.<split>.jsonl[.gz]`, `<lang>/<split>.jsonl[.gz]`, the same with CoNLL's endings
    (.conll, .bio, .iob, .iob2) or SMiLER's `.tsv` files; other files in it are passed over. A single file
    may have any name; its split is "train" where the name states none.

    Args:
        path: a folder or a file.
        format: take only files of this format, and trust a single file to be of it.

    Raises:
        DataError: nothing there, or nothing that mere reads.
    """
    path = Path(path)
    if not path.exists():
        raise files.not_found(path)
    if not path.is_dir():
        return [_corpus_file(path, format or sniff(path))]
    found = []
    for entry in sorted([*path.glob("*"), *path.glob("*/*")], key=lambda entry: entry.as_posix()):
        kind = kinds.by_suffix(entry)
        if kind is None or entry.name.startswith(".") or not entry.is_file():
            continue
        kind = kinds.looks_like(entry) or kind
        if format in (None, kind):
            found.append(_corpus_file(entry, kind))
    if not found:
        raise DataError(
            f"{path}: no corpus files in this folder. "
            "Expected <lang>.<split>.jsonl or .jsonl.gz (de.train.jsonl), CoNLL .conll, .bio, .iob or .iob2 files, "
            "or SMiLER .tsv files."
        )
    return found


def _corpus_file(path: Path, format: Format) -> CorpusFile:
    """Return a file with its split: what its name states, or its folder's where a file is one document."""
    named = Path(f"{path.absolute().parent.name}.x") if kinds.KINDS[format].is_document else path
    return CorpusFile(path, format, files.split_of(named))


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
            path: what `corpus_files` takes.
            languages: keep only these; None keeps all.
            format: read only files of this format; None takes each file for what it is.

        Raises:
            DataError: the path is missing, a file has errors (one message lists the first ten and their
                count), a language asked for does not occur, or there is no sentence at all.
        """
        path = Path(path)
        problems: list[Problem] = []
        tally = Tally()
        reading = Reading(format=format)
        splits: dict[str, list[Sentence]] = {}
        for file in corpus_files(path, format):
            before = len(problems)
            sentences = list(kinds.read(file.path, file.format, problems, reading, tally))
            if not sentences and len(problems) == before:
                problems.append(empty_file(file.path))
            splits.setdefault(file.split, []).extend(sentences)
        raise_errors(problems, f"Run: mere check {path}")
        if str(tally):
            warnings.warn(f"{path}: {tally}. Run: mere check {path}", stacklevel=2)
        corpus = cls({split: tuple(sentences) for split, sentences in splits.items()})
        if not any(corpus.splits.values()):
            raise DataError(f"{path}: the corpus is empty, no row could be used. Run: mere check {path}")
        return corpus if languages is None else corpus.only(languages)

    def only(self, languages: Iterable[str]) -> Corpus:
        """Return the corpus of some of its languages.

        Raises:
            DataError: a language does not occur; names the nearest.
        """
        wanted = list(dict.fromkeys(languages))
        known = self.languages()
        for lang in wanted:
            if lang not in known:
                raise DataError(
                    f'no sentence in the language "{lang}".{nearest(lang, known)} '
                    f"The corpus has: {', '.join(known)}."
                )
        keep = set(wanted)
        return Corpus(
            {
                split: tuple(sentence for sentence in sentences if sentence.lang in keep)
                for split, sentences in self.splits.items()
            }
        )

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
        chosen = tuple(sentence for sentence in everything if sentence.lang == lang)
        if not chosen:
            self.only([lang])  # raises for a language that occurs nowhere
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


def empty_file(path: Path) -> Problem:
    """Return the problem of a corpus file without a single sentence."""
    return Problem(path, None, "empty-file", "the file holds no sentence", "Fill it or delete it.")
