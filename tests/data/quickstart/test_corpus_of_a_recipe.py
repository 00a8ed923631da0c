"""The corpus that a recipe reads: several paths as one, an empty path made on the spot, nothing mapped in vain."""

from __future__ import annotations

from pathlib import Path

import pytest

from mere.config import DataSettings
from mere.data.corpora import load_corpora, quickstart_corpus
from mere.data.corpus import Corpus
from mere.errors import ConfigError, DataError


def test_several_corpora_are_one(tiny_corpus: Path) -> None:
    both = load_corpora(DataSettings(path=(str(tiny_corpus), ""), languages=("de", "ja")))
    alone = [Corpus.load(tiny_corpus), quickstart_corpus()]
    for lang in ("de", "ja"):
        texts = [s.text for corpus in alone for s in corpus.sentences("train", lang)]
        assert [s.text for s in both.sentences("train", lang)] == texts
    assert both.languages() == ("de", "ja")


def test_a_type_or_a_language_that_does_not_occur(tiny_corpus: Path) -> None:
    with pytest.raises(ConfigError, match='no entity has the type "PERS"'):
        load_corpora(DataSettings(path=str(tiny_corpus), types={"PERS": "PER"}))
    with pytest.raises(DataError, match='no sentence in the language "xx"'):
        load_corpora(DataSettings(path=str(tiny_corpus), languages=("xx",)))
