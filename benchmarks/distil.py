"""A compact encoder that begins from what a large pretrained one says of units in context, to be trained on.

    python benchmarks/distil.py E5 recipes/names.yaml --set data.path=OPEN --out runs/names-start
    mere train recipes/names.yaml --set data.path=OPEN --set start=runs/names-start --out runs/names

The teacher (multilingual-e5-small) reads some training sentences of each language. A unit's vector is the mean over
its subwords in two of the teacher's layers; the principal components of these are what the student is to tell, by a
linear layer each, from a unit alone and from the unit in its context (hints: Romero et al. 2015). The student reads
some of the sentences in other styles (capitals, no diacritics, no spaces before stops) while the teacher read them as
they are. No annotation is used but to cut texts into units as the recipe does. OUT is a model folder whose heads are
untrained.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer

from mere.config import Recipe
from mere.config.tree import read_tree
from mere.data.augment import DETOKENISED, STYLES, restyle
from mere.data.corpora import load_corpora
from mere.data.pieces import HashedUnits, fit_pieces
from mere.data.sampling import drawn
from mere.data.units import Units
from mere.models.model import build
from mere.models.weights import to_arrays
from mere.nn.encoders import CompactEncoder
from mere.schema import UNIVERSAL
from mere.store.folder import ModelConfig, write_folder
from mere.training.run_data import labels_of
from mere.types import Sentence

LAYERS = (4, 8)
"""Of the teacher's twelve; what lies above is not computed."""
DIM = 128
LENGTHS = range(8, 261)
"""Characters of the sentences that the teacher reads."""
FITTED_ON = 600
"""Sentences that the principal components are computed from."""
STYLED, PRINTED = 0.15, 0.5
"""Shares of sentences that the student reads in another style, and without the spaces of tokenised corpora."""
HELD_OUT = 97
"""Every so manyth sentence is not learned from."""
LEARNING_RATE = 2e-3
PIECES_PER_BATCH = 2000


class Taught(NamedTuple):
    """A sentence, and what the student is to say of its units, (U, DIM)."""

    sentence: Sentence
    vectors: NDArray[np.float32]


class Teacher:
    """Gives units vectors: principal components of its layers, half way to white, of mean square 1."""

    def __init__(self, checkpoint: Path, units: Units, sample: Sequence[Sentence]):
        self.units = units
        self._tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        self._model = AutoModel.from_pretrained(
            checkpoint, dtype=torch.float32, num_hidden_layers=max(LAYERS), add_pooling_layer=False
        ).eval()
        vectors = np.concatenate([own for _, own in self._read(sample)])
        vectors = vectors[vectors.any(1)]
        self._mean = vectors.mean(0)
        values, axes = np.linalg.eigh(np.cov((vectors - self._mean).T))
        axes = axes[:, ::-1][:, :DIM] / values[::-1][:DIM] ** 0.25
        self._axes = axes / np.sqrt((((vectors - self._mean) @ axes) ** 2).mean())

    def __call__(self, sentences: Sequence[Sentence]) -> Iterator[Taught]:
        for sentence, vectors in self._read(sentences):
            is_read = vectors.any(1, keepdims=True)  # a unit may have no subword
            yield Taught(sentence, ((vectors - self._mean) @ self._axes * is_read).astype(np.float32))

    def _read(self, sentences: Sequence[Sentence]) -> Iterator[tuple[Sentence, NDArray[np.float32]]]:
        ordered = sorted(sentences, key=lambda sentence: len(sentence.text.encode()))
        for first in range(0, len(ordered), 24):
            batch = ordered[first : first + 24]
            tokens = self._tokenizer(
                [s.text for s in batch], return_offsets_mapping=True, padding=True, return_tensors="pt"
            )
            offsets = tokens.pop("offset_mapping").tolist()
            with torch.inference_mode():
                states = self._model(**tokens, output_hidden_states=True).hidden_states
            layers = [nn.functional.layer_norm(states[n], states[n].shape[-1:]) for n in LAYERS]
            for sentence, own, places in zip(batch, torch.cat(layers, -1).numpy(), offsets, strict=True):
                vectors = np.zeros((len(spans := self.units(sentence.text)), own.shape[-1]), np.float32)
                for row, span in enumerate(spans):
                    at = [n for n, (a, b) in enumerate(places) if max(a, span.start) < min(b, span.end)]
                    if at:
                        vectors[row] = own[at].mean(0)
                yield sentence, vectors


class Student:
    """A compact encoder and the two layers that tell the teacher's vectors."""

    def __init__(self, encoder: CompactEncoder, pieces: HashedUnits, seed: int):
        self.encoder = encoder
        self.pieces = pieces
        self.alone, self.in_context = nn.Linear(encoder.unit_dim, DIM), nn.Linear(encoder.dim, DIM)
        self.rng = np.random.default_rng(seed)

    def parameters(self) -> list[nn.Parameter]:
        return [p for module in (self.encoder, self.alone, self.in_context) for p in module.parameters()]

    def batches(self, taught: Sequence[Taught]) -> list[list[Taught]]:
        ordered = sorted(taught, key=lambda one: len(one.vectors) + 4 * self.rng.random())
        made: list[list[Taught]] = [[]]
        for one in ordered:
            if len(made[-1]) * len(one.vectors) >= PIECES_PER_BATCH:
                made.append([])
            made[-1].append(one)
        self.rng.shuffle(made)
        return made

    def losses(self, batch: Sequence[Taught], *, styled: bool) -> tuple[Tensor, Tensor]:
        """Return the mean squared errors of what it says of units alone and in context."""
        read = [self._read(one, styled) for one in batch]
        shape = (len(batch), max(map(len, read)))
        pieces, is_piece = np.zeros((*shape, read[0].shape[1]), np.int32), np.zeros(shape, bool)
        vectors = np.zeros((*shape, DIM), np.float32)
        for row, (one, own) in enumerate(zip(batch, read, strict=True)):
            pieces[row, : len(own)], vectors[row, : len(own)], is_piece[row, : len(own)] = (
                own,
                one.vectors,
                True,
            )
        units, target, mask = map(torch.from_numpy, (pieces, vectors, is_piece))
        alone = self.encoder.embedding(units)
        said = self.alone(alone), self.in_context(self.encoder.in_context(alone, mask))
        first, second = (((given - target)[mask] ** 2).mean() for given in said)
        return first, second

    def _read(self, one: Taught, styled: bool) -> NDArray[np.int32]:
        sentence = one.sentence
        if styled and self.rng.random() < STYLED:
            sentence = restyle(sentence, list(STYLES)[int(self.rng.integers(len(STYLES)))])
        if styled and self.rng.random() < PRINTED:
            sentence = restyle(sentence, DETOKENISED)
        read = self.pieces.read(sentence.text)[1]
        return read if len(read) == len(one.vectors) else self.pieces.read(one.sentence.text)[1]


def chosen(sentences: Sequence[Sentence], number: int, seed: int) -> list[Sentence]:
    """Return at most `number` sentences of each language, in any order."""
    rng, by_lang = np.random.default_rng(seed), defaultdict(list)
    for sentence in sentences:
        if len(sentence.text) in LENGTHS:
            by_lang[sentence.lang].append(sentence)
    kept = [own[i] for _, own in sorted(by_lang.items()) for i in rng.permutation(len(own))[:number]]
    rng.shuffle(kept)
    return kept


def learn(student: Student, taught: Sequence[Taught], epochs: int) -> None:
    held_out = taught[::HELD_OUT]
    rest = [one for number, one in enumerate(taught) if number % HELD_OUT]
    parameters = student.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=1e-4)
    step, num_steps, began = 0, len(student.batches(rest)) * epochs, time.monotonic()
    for epoch in range(epochs):
        student.encoder.train()
        for batch in student.batches(rest):
            for group in optimizer.param_groups:
                group["lr"] = LEARNING_RATE * min(1, (step + 1) / 100) * max(0.02, 1 - step / num_steps)
            optimizer.zero_grad()
            torch.stack(student.losses(batch, styled=True)).sum().backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            step += 1
        student.encoder.eval()
        with torch.inference_mode():
            errors = [[float(x) for x in student.losses([one], styled=False)] for one in held_out]
        alone, in_context = np.mean(errors, 0)
        seconds = time.monotonic() - began
        print(
            f"epoch {epoch + 1}: alone {alone:.3f}, in context {in_context:.3f}, {seconds:.0f} s", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("teacher", type=Path, help="a Hugging Face folder")
    parser.add_argument("recipe", type=Path, help="with a compact encoder")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument(
        "--sentences", type=int, default=1000, help="that the teacher reads, of each language"
    )
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = Recipe.from_tree(read_tree(arguments.recipe), arguments.settings, where=str(arguments.recipe))
    everything = load_corpora(recipe.data).sentences(recipe.data.train_split)
    train = drawn(everything, recipe.data.limit, recipe.seed)
    labels, pieces = labels_of(recipe, train), fit_pieces(recipe.encoder, train, ())
    assert isinstance(pieces, HashedUnits)
    sentences = chosen(everything, arguments.sentences, recipe.seed)
    teacher = Teacher(arguments.teacher, pieces.units, sentences[:FITTED_ON])
    taught = list(teacher(sentences))
    torch.manual_seed(recipe.seed)
    model = build(recipe, labels, pieces)
    assert isinstance(model.encoder, CompactEncoder)
    learn(Student(model.encoder, pieces, recipe.seed), taught, arguments.epochs)
    config = ModelConfig(recipe, labels, pieces, {UNIVERSAL: 0.5}, model.limits.longest_span)
    write_folder(arguments.out, config, to_arrays(model.state_dict()), metrics={}, card="# A beginning\n")


if __name__ == "__main__":
    main()
