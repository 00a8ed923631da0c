"""The corpora of a recipe as one; an empty path is the quick-start corpus."""

from __future__ import annotations

from mere.config import DataSettings
from mere.data.corpus import Corpus
from mere.data.coverage import join_corpora, refuse_unknown_types
from mere.data.formats.record import sentence_from_record
from mere.data.quickstart.generate import generate
from mere.types import Sentence


def quickstart_corpus(seed: int = 13) -> Corpus:
    """Return the corpus that `mere quickstart --out DIR` would write."""
    splits: dict[str, list[Sentence]] = {}
    for (lang, split), records in generate(seed).items():
        made = (sentence_from_record(record, f"{lang}.{split}:{i}")[0] for i, record in enumerate(records))
        splits.setdefault(split, []).extend(made)
    return Corpus({split: tuple(sentences) for split, sentences in splits.items()})


def load_corpora(settings: DataSettings) -> Corpus:
    """Load the corpora of a recipe as one, types mapped; an empty path is the quick-start corpus.

    Raises:
        DataError: a corpus is wrong, or has none of the languages.
        ConfigError: a type that the recipe maps does not occur.
    """
    corpora = [Corpus.load(path) if path else quickstart_corpus() for path in settings.paths]
    refuse_unknown_types(corpora, settings.types)
    corpus = join_corpora(corpora, settings.types)
    return corpus if settings.languages is None else corpus.only(settings.languages)
