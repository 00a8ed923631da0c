"""The quick-start corpus as a Corpus, without files."""

from __future__ import annotations

from mere.data.corpus import Corpus
from mere.data.formats.record import sentence_from_record
from mere.quickstart.generate import generate
from mere.types import Sentence


def quickstart_corpus(seed: int = 13) -> Corpus:
    """Return the corpus that `mere quickstart --out DIR` would write."""
    splits: dict[str, list[Sentence]] = {}
    for (lang, split), records in generate(seed).items():
        made = (sentence_from_record(record, f"{lang}.{split}:{i}")[0] for i, record in enumerate(records))
        splits.setdefault(split, []).extend(made)
    return Corpus({split: tuple(sentences) for split, sentences in splits.items()})
