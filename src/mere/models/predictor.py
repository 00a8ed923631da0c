"""Texts in, entities and triples out: batches, the forward pass, decoding and calibration of one model.

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
from mere.data.examples import LONGEST, Example, ExampleMaker
from mere.data.features import Features
from mere.data.sampling import cut_by_budget
from mere.errors import DataError
from mere.models.decode import Chain, best_spans
from mere.models.folder import ModelFolder
from mere.models.tensors import to_tensors
from mere.models.triples import TripleModel, build
from mere.schema import Labels
from mere.types import Entity, Prediction, Span, Triple

PieceFact = tuple[int, tuple[int, int], tuple[int, int], float]
"""Relation id, subject range, object range, score; ranges are half-open over pieces."""


class TriplePredictor:
    """Predicts triples with a trained model.

    Args:
        model: in any mode; it is put into eval mode.
        maker: cuts and hashes texts as in training.
        thresholds: least score of a triple per language; the key "" is for the universal path.
        candidates: most probable relations per sentence that are tagged.
        precision: "bf16" runs the network under bf16 autocast; decoding is always fp32.
    """

    max_units = 256
    units_per_batch = 4096

    def __init__(
        self,
        model: TripleModel,
        maker: ExampleMaker,
        *,
        thresholds: Mapping[str, float] | None = None,
        candidates: int = 6,
        precision: str = "fp32",
    ):
        self.model = model
        self.maker = maker
        self.labels: Labels = maker.labels
        self.thresholds = dict(thresholds or {"": 0.3})
        self.candidates = candidates
        self.precision = precision

    @classmethod
    def load(cls, folder: str | Path) -> TriplePredictor:
        """Load a model folder.

        Raises:
            ModelError: the folder or a file in it is missing, cut short, or of another version.
        """
        stored = ModelFolder.read(folder)
        model = build(stored.recipe, stored.labels)
        stored.load_weights(model)
        maker = ExampleMaker(stored.units, Features(stored.recipe.encoder.rows, stored.known), stored.labels)
        return cls(
            model,
            maker,
            thresholds=stored.thresholds,
            candidates=stored.recipe.triples.candidates,
        )

    def unit_spans(self, text: str) -> list[Span]:
        """Return the spans of the pieces of a text; a text of more than `max_units` must be windowed."""
        return self.maker.units(text)

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
            DataError: a text has more than `LONGEST` pieces.
        """
        read = [self.maker.text(text, lang) for text, lang in zip(texts, langs, strict=True)]
        order = np.array([i for i, (_, example) in enumerate(read) if example is not None], dtype=np.int64)
        lengths = np.array([len(spans) for spans, _ in read], dtype=np.int64)
        if len(lengths) and lengths.max() > LONGEST:
            index = int(lengths.argmax())
            raise DataError(
                f"text {index + 1} ({texts[index][:40]!r} …) has {lengths[index]:,} words and signs; a model reads "
                f"at most {LONGEST:,} at a time. Split it into sentences, or use mere.load, which does."
            )
        order = order[np.argsort(lengths[order], kind="stable")] if len(order) else order
        predictions = [Prediction((), ())] * len(texts)
        for indices in self._batches(order, lengths, batch_size):
            examples = [example for i in indices if (example := read[i][1]) is not None]
            for index, facts in zip(indices, self.facts(examples), strict=True):
                least = self._threshold(langs[index]) if threshold is None else threshold
                kept = [fact for fact in facts if fact[3] >= least]
                predictions[index] = self._in_characters(texts[index], read[index][0], kept)
        return predictions

    def _batches(
        self, order: NDArray[np.int64], lengths: NDArray[np.int64], batch_size: int
    ) -> Iterator[NDArray[np.int64]]:
        for run in cut_by_budget(order, lengths, self.units_per_batch):
            for start in range(0, len(run), batch_size):
                yield run[start : start + batch_size]

    def _threshold(self, lang: str | None) -> float:
        return self.thresholds.get(lang or "", self.thresholds[""])

    @torch.inference_mode()
    def facts(self, examples: Sequence[Example]) -> list[list[PieceFact]]:
        """Return for each example every fact that decoding finds, unfiltered, best first."""
        self.model.eval()
        device = next(self.model.parameters()).device
        batch = to_tensors(collate(examples), device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            refined = self.model(batch)
            probability = refined.relations.float().sigmoid()
            top = probability.topk(min(self.candidates, probability.shape[1]), dim=1)
            row, column = torch.nonzero(top.values > 0.02, as_tuple=True)
            relation = top.indices[row, column]
            emissions = self.model.entity_tagger(refined.pieces, refined.read, row, relation).float()
        chain = Chain(*(scores.detach().float().cpu().numpy() for scores in self.model.crf.constrained()))
        lengths = np.array([len(example.pieces) for example in examples], dtype=np.int64)
        rows, relations = row.cpu().numpy(), relation.cpu().numpy()
        stated = probability[row, relation].cpu().numpy()
        found = best_spans(emissions.cpu().numpy(), lengths[rows], chain) if len(rows) else []
        pairs = [
            (item, subject, object_)
            for item, (subjects, objects) in enumerate(found)
            for subject in subjects
            for object_ in objects
            if subject[0] != object_[0]
        ]
        facts: list[list[PieceFact]] = [[] for _ in examples]
        if not pairs:
            return facts
        items = torch.tensor([pair[0] for pair in pairs], device=device)
        spans = torch.tensor([[*s[0], *o[0]] for _, s, o in pairs], device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            logits = self.model.pair_scorer(refined.pieces, refined.read, row[items], relation[items], spans)
        joined = logits.float().sigmoid().cpu().numpy()
        for (item, subject, object_), p_pair in zip(pairs, joined, strict=True):
            score = triple_score(float(stated[item]), subject[1], object_[1], float(p_pair))
            facts[rows[item]].append((int(relations[item]), subject[0], object_[0], score))
        return [without_conflict(found_here) for found_here in facts]

    def _in_characters(self, text: str, spans: Sequence[Span], facts: Sequence[PieceFact]) -> Prediction:
        entities: dict[Span, Entity] = {}

        def entity(pieces: tuple[int, int], score: float) -> Entity:
            span = Span(spans[pieces[0]].start, spans[pieces[1] - 1].end)
            known = entities.get(span)
            if known is None or (known.score or 0.0) < score:
                entities[span] = Entity(span.start, span.end, text[span.start : span.end], score=score)
            return entities[span]

        triples = tuple(
            Triple(entity(subject, score), self.labels.relations[relation], entity(object_, score), score)
            for relation, subject, object_, score in facts
        )
        return Prediction(tuple(sorted(entities.values(), key=lambda e: e.span)), triples)


def without_conflict(facts: Sequence[PieceFact]) -> list[PieceFact]:
    """Return the facts best first, less those whose span overlaps one that a better fact of the relation has.

    Within a relation and a role two mentions are the same or apart: `University of Warsaw` and `Warsaw` are
    not both the object of one subject's has-edu because the model is unsure where the name begins.
    """
    kept: list[PieceFact] = []
    taken: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for fact in sorted(facts, key=lambda fact: (-fact[3], fact[:3])):
        spans_by_role = enumerate((fact[1], fact[2]))
        roles = [(taken.setdefault((fact[0], role), set()), span) for role, span in spans_by_role]
        clash = any(
            span != other and span[0] < other[1] and other[0] < span[1]
            for spans, span in roles
            for other in spans
        )
        if not clash:
            kept.append(fact)
            for spans, span in roles:
                spans.add(span)
    return kept


def triple_score(p_relation: float, p_subject: float, p_object: float, p_pair: float) -> float:
    """Return the confidence of a triple: all four must hold, so their product."""
    return p_relation * p_subject * p_object * p_pair
