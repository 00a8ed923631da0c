"""Texts in, entities and triples out: batches, the forward pass, decoding of one model.

The predictor works on sentences that fit the model; cutting texts into such sentences is the extractor's
job (mere.inference.extractor).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mere.data.batching import collate
from mere.data.examples import Encoded, ExampleMaker
from mere.data.sampling import cut_by_budget
from mere.decoding.crf import TypedSpan
from mere.errors import DataError
from mere.models.model import Model, build
from mere.models.tensors import to_tensors
from mere.models.triples import PieceFact
from mere.schema import UNIVERSAL, Labels
from mere.store.delta import specialised
from mere.store.folder import ModelFolder
from mere.types import Entity, Prediction, Span, Triple


class Predictor:
    """Predicts entities and triples with a trained model.

    Args:
        model: in any mode; it is put into eval mode.
        maker: reads texts as in training.
        own: models of languages that have weights of their own (mere.store.delta); the others take `model`.
        thresholds: least score of a triple per language; per path (mere.schema).
        type_map: how the types of a corpus were renamed for training (recipe: data.types).
        precision: "bf16" runs the network under bf16 autocast; decoding is always fp32.
        pieces_per_batch: budget of padded pieces in a batch; results do not depend on it.
    """

    def __init__(
        self,
        model: Model,
        maker: ExampleMaker,
        *,
        own: Mapping[str, Model] | None = None,
        thresholds: Mapping[str, float] | None = None,
        type_map: Mapping[str, str] | None = None,
        precision: str = "fp32",
        pieces_per_batch: int = 4096,
    ):
        self.model = model
        self.own = dict(own or {})
        self.maker = maker
        self.labels: Labels = maker.labels
        self.thresholds = dict(thresholds or {UNIVERSAL: 0.3})
        self.type_map = dict(type_map or {})
        self.precision = precision
        self.pieces_per_batch = pieces_per_batch

    @classmethod
    def load(cls, folder: str | Path) -> Predictor:
        """Load a model folder.

        Raises:
            ModelError: the folder or a file in it is missing, cut short, or of another version.
        """
        stored = ModelFolder.read(folder)
        model = build(stored.recipe, stored.labels, stored.pieces)
        stored.load_weights(model)
        own = {lang: specialised(model, stored.own_weights(model, lang)) for lang in stored.own}
        return cls(
            model,
            ExampleMaker(stored.pieces, stored.labels),
            own=own,
            thresholds=stored.thresholds,
            type_map=stored.recipe.data.types,
        )

    @property
    def max_pieces(self) -> int:
        return self.maker.pieces.window

    def unit_spans(self, text: str) -> list[Span]:
        """Return the spans of the pieces of a text; a text of more than `max_pieces` must be windowed."""
        return self.maker.pieces.cut(text)

    def predict(
        self,
        texts: Sequence[str],
        langs: Sequence[str | None],
        *,
        batch_size: int = 64,
        threshold: float | None = None,
    ) -> list[Prediction]:
        """Return what each text states, offsets relative to that text.

        Args:
            texts: sentences.
            langs: the language of each; None, or one without a switcher, is the universal path.
            batch_size: most sentences in a batch; results do not depend on it.
            threshold: least score of a triple, instead of the calibrated one of its language.

        Raises:
            DataError: a text has more pieces than the encoder reads.
        """
        read = [self.maker.text(text, lang) for text, lang in zip(texts, langs, strict=True)]
        order = np.array([i for i, (_, example) in enumerate(read) if example is not None], dtype=np.int64)
        lengths = np.array([len(spans) for spans, _ in read], dtype=np.int64)
        longest = self.maker.pieces.longest
        if len(lengths) and lengths.max() > longest:
            index = int(lengths.argmax())
            raise DataError(
                f"text {index + 1} ({texts[index][:40]!r} …) has {lengths[index]:,} pieces; this model reads "
                f"at most {longest:,} at a time. Split it into sentences, or use mere.load, which does."
            )
        order = order[np.argsort(lengths[order], kind="stable")] if len(order) else order
        predictions = [Prediction((), ())] * len(texts)
        for model, rows in self._by_model(order, langs):
            for indices in self._batches(rows, lengths, batch_size):
                examples = [example for i in indices if (example := read[i][1]) is not None]
                for index, (entities, facts) in zip(indices, self.found(examples, model), strict=True):
                    least = self._threshold(langs[index]) if threshold is None else threshold
                    kept = [fact for fact in facts if fact[3] >= least]
                    predictions[index] = self._in_characters(texts[index], read[index][0], entities, kept)
        return predictions

    def _by_model(
        self, order: NDArray[np.int64], langs: Sequence[str | None]
    ) -> Iterator[tuple[Model, NDArray[np.int64]]]:
        """Give each model the sentences whose language it is for."""
        if not self.own:
            yield self.model, order
            return
        paths = [self.labels.path(langs[i]) for i in order]
        routes = [path if path in self.own else UNIVERSAL for path in paths]
        for route in sorted(set(routes)):
            rows = order[[r == route for r in routes]]
            yield self.own.get(route, self.model), rows

    def _batches(
        self, order: NDArray[np.int64], lengths: NDArray[np.int64], batch_size: int
    ) -> Iterator[NDArray[np.int64]]:
        if not len(order):
            return
        for run in cut_by_budget(order, lengths, self.pieces_per_batch):
            for start in range(0, len(run), batch_size):
                yield run[start : start + batch_size]

    def _threshold(self, lang: str | None) -> float:
        return self.thresholds.get(self.labels.path(lang), self.thresholds[UNIVERSAL])

    @torch.inference_mode()
    def found(
        self, examples: Sequence[Encoded], model: Model | None = None
    ) -> list[tuple[list[TypedSpan], list[PieceFact]]]:
        """Return for each example its entities in order, and every fact that decoding finds, best first."""
        model = (model or self.model).eval()
        device = next(model.parameters()).device
        batch = to_tensors(collate(examples), device)
        nothing: list[list[TypedSpan]] = [[] for _ in examples]
        no_facts: list[list[PieceFact]] = [[] for _ in examples]
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            pieces = model(batch)
            entities = nothing if model.entities is None else model.entities.spans(pieces, batch)
            facts = no_facts if model.triples is None else model.triples.facts(pieces, batch)
        return list(zip(entities, facts, strict=True))

    def _in_characters(
        self, text: str, spans: Sequence[Span], typed: Sequence[TypedSpan], facts: Sequence[PieceFact]
    ) -> Prediction:
        """Move from pieces to characters. A mention of a triple is the typed entity at its span, if there is one."""
        entities: dict[Span, Entity] = {}

        def mention(first: int, end: int, type: str | None, score: float) -> Entity:
            span = Span(spans[first].start, spans[end - 1].end)
            known = entities.get(span)
            if known is None or (known.type is None and (known.score or 0.0) < score):
                entities[span] = Entity(span.start, span.end, text[span.start : span.end], type, score)
            return entities[span]

        for first, end, type_id, score in typed:
            first, end = _without_space(text, spans, first, end)
            if first < end:
                mention(first, end, self.labels.types[type_id], score)
        triples = tuple(
            Triple(
                mention(*subject, None, score),
                self.labels.relations[relation],
                mention(*object_, None, score),
                score,
            )
            for relation, subject, object_, score in facts
        )
        return Prediction(tuple(sorted(entities.values(), key=lambda e: e.span)), triples)


def _without_space(text: str, spans: Sequence[Span], first: int, end: int) -> tuple[int, int]:
    """Return a range of pieces without the white space at its ends: in a stream of bytes it is pieces too."""
    while first < end and text[slice(*spans[first])].isspace():
        first += 1
    while first < end and text[slice(*spans[end - 1])].isspace():
        end -= 1
    return first, end
