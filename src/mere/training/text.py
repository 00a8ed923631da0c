"""Texts as a masked stage reads them: windows of pieces, some of them masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mere.config import Recipe, SamplingSettings
from mere.data.batching import Batch, collate
from mere.data.examples import Encoded, ExampleMaker
from mere.data.hidden import hide_pieces
from mere.data.sampling import PlannedBatch
from mere.data.targets import Targets
from mere.types import Sentence


class TextData:
    """Texts, cut into windows once; what describes their pieces is made when they are drawn, for there may be many."""

    def __init__(self, texts: Sequence[Sentence], maker: ExampleMaker):
        self.maker = maker
        self.sentences: list[Sentence] = []  # a window each
        lengths: list[int] = []
        for sentence in texts:
            spans = maker.pieces.cut(sentence.text)
            for start in range(0, len(spans), maker.pieces.window):
                window = spans[start : start + maker.pieces.window]
                text = sentence.text[window[0].start : window[-1].end]
                self.sentences.append(replace(sentence, text=text, entities=(), triples=()))
                lengths.append(len(window))
        self.lengths = np.array(lengths, dtype=np.int64)
        self.lang_ids = np.array([maker.labels.lang_id(s.lang) for s in self.sentences], dtype=np.int64)

    def batch(
        self, planned: PlannedBatch, sampling: SamplingSettings, recipe: Recipe, rng: np.random.Generator
    ) -> tuple[Batch, Targets]:
        """Return the windows of a planned batch with pieces hidden, and what they were."""
        read, hidden = hide_pieces(
            collate([self._example(index) for index in planned.indices.tolist()]),
            self.maker.pieces,
            rng,
            sampling.mask_probability,
        )
        return read, Targets(text=hidden)

    def _example(self, index: int) -> Encoded:
        sentence = self.sentences[index]
        _, example = self.maker.text(sentence.text, sentence.lang)
        assert example is not None  # a window has pieces
        return example
