"""Verifies that one model folder gives what another gives, bit for bit, in each of its languages and in none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from mere.data.batching import collate
from mere.errors import TrainingError
from mere.inference.predictor import Predictor
from mere.models.backend import TorchBackend, load_predictor
from mere.schema import UNIVERSAL
from mere.store.files import read_arrays
from mere.store.folder import ModelFolder

_BATCH = 32
"""Sentences of a forward pass."""


@dataclass(frozen=True)
class Verification:
    """What was compared: languages and the universal path, sentences through each, and stored tensors."""

    languages: int
    sentences: int
    tensors: int

    def __str__(self) -> str:
        return (
            f"{self.languages} languages and the universal path × {self.sentences} sentences: "
            f"identical, bit for bit; {self.tensors} tensors of weights have the same SHA-256"
        )


def verify_unchanged(before: Path, after: Path, texts: Sequence[str]) -> Verification:
    """Load two model folders and compare stored weights, thresholds, labels, and what both predict for `texts`.

    Compared are the vectors that the heads read and all that decoding finds, with scores. The second folder may
    know more languages.

    Args:
        texts: without any, only what is stored is compared.

    Raises:
        TrainingError: something differs; it is named.
    """
    old, new = ModelFolder.read(before), ModelFolder.read(after)
    num_tensors = _same_files(old, new)
    languages = old.labels.languages
    one, other = load_predictor(before), load_predictor(after)
    for lang in (None, *languages):
        where = f'the language "{lang}"' if lang else "the universal path"
        for was, now in zip(_vectors(one, texts, lang), _vectors(other, texts, lang), strict=True):
            _same(_digest(was) == _digest(now), after, f"the vectors of {where}")
        langs = [lang] * len(texts)
        found = [predictor.predict(texts, langs, threshold=0.0) for predictor in (one, other)]
        _same(found[0] == found[1], after, f"the predictions of {where}")
    return Verification(len(languages), len(texts), num_tensors)


def _same_files(old: ModelFolder, new: ModelFolder) -> int:
    """Compare what is stored; return how many tensors that are."""
    kept = len(old.labels.languages)
    _same(
        (old.labels.relations, old.labels.types, old.labels.languages)
        == (new.labels.relations, new.labels.types, new.labels.languages[:kept]),
        new.path,
        "the labels",
    )
    for lang in (UNIVERSAL, *old.labels.languages):
        thresholds = [folder.thresholds.get(lang, folder.thresholds[UNIVERSAL]) for folder in (old, new)]
        _same(thresholds[0] == thresholds[1], new.path, f'the threshold of "{lang}"')
    deltas = {lang: digest for lang, digest in new.own.items() if lang in old.labels.languages}
    _same(old.own == deltas, new.path, "the weights that a language has of its own")
    stored = {name: _digest(t) for name, t in read_arrays(old.path / "model.safetensors").items()}
    now = {name: _digest(t) for name, t in read_arrays(new.path / "model.safetensors").items()}
    for name, digest in stored.items():
        _same(now.get(name) == digest, new.path, f"the weights {name}")
    return len(stored)


def _vectors(predictor: Predictor, texts: Sequence[str], lang: str | None) -> Iterator[NDArray[Any]]:
    """The pieces of each batch of texts as the heads read them."""
    backend = predictor.own.get(predictor.labels.path(lang), predictor.backend)
    assert isinstance(backend, TorchBackend)
    examples = [example for text in texts if (example := predictor.maker.text(text, lang)[1]) is not None]
    for start in range(0, len(examples), _BATCH):
        yield backend.encode(collate(examples[start : start + _BATCH])).pieces.numpy()


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()


def _same(is_same: bool, folder: Path, what: str) -> None:
    if not is_same:
        raise TrainingError(
            f"{folder}: {what} would not be what they were, so nothing was written. "
            "This should not happen: please report it with the output of mere --version."
        )
