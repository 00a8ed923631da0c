"""Verifies that one model folder gives what another gives, bit for bit, in each of its languages and in none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mere.data.batching import collate
from mere.errors import TrainingError
from mere.models.predictor import Predictor
from mere.models.tensors import to_tensors
from mere.schema import UNIVERSAL
from mere.store.folder import ModelFolder, read_tensors

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
    one, other = Predictor.load(before), Predictor.load(after)
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
    stored = {name: _digest(t) for name, t in read_tensors(old.path / "model.safetensors").items()}
    now = {name: _digest(t) for name, t in read_tensors(new.path / "model.safetensors").items()}
    for name, digest in stored.items():
        _same(now.get(name) == digest, new.path, f"the weights {name}")
    return len(stored)


@torch.inference_mode()
def _vectors(predictor: Predictor, texts: Sequence[str], lang: str | None) -> Iterator[Tensor]:
    """The pieces of each batch of texts as the heads read them."""
    model = predictor.own.get(predictor.labels.path(lang), predictor.model).eval()
    examples = [example for text in texts if (example := predictor.maker.text(text, lang)[1]) is not None]
    for start in range(0, len(examples), _BATCH):
        yield model(to_tensors(collate(examples[start : start + _BATCH]), torch.device("cpu")))


def _digest(tensor: Tensor) -> str:
    flat = tensor.detach().contiguous().flatten().view(torch.uint8)
    return hashlib.sha256(repr(tuple(tensor.shape)).encode() + flat.numpy().tobytes()).hexdigest()


def _same(is_same: bool, folder: Path, what: str) -> None:
    if not is_same:
        raise TrainingError(
            f"{folder}: {what} would not be what they were, so nothing was written. "
            "This should not happen: please report it with the output of mere --version."
        )
