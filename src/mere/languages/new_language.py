"""A new language's sentences, checked against what a model knows, and its entries in the model's folder."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.data.coverage import join_corpora
from mere.data.examples import known_types
from mere.data.pieces import Pieces
from mere.errors import DataError, nearest
from mere.inference.predictor import Predictor
from mere.metrics.counts import Counts
from mere.metrics.protocol import apply_protocol, unique_triples
from mere.metrics.triples import strict_counts
from mere.schema import Labels
from mere.store.card import add_result, card_of_another, split_front_matter, with_front_matter
from mere.store.folder import ModelFolder
from mere.training.evaluation import Evaluation, is_annotated
from mere.types import Sentence

COMPARED = 100
"""Sentences on which the other languages are compared before and after, at most."""


@dataclass(frozen=True)
class NewLanguageData:
    """The sentences that a language is learned from.

    Args:
        train, dev: of the language; dev are those that can be scored.
        texts: of all languages of the corpus. fingerprint: of the language's part of it.
        notes: what was left out.
    """

    lang: str
    train: tuple[Sentence, ...]
    dev: tuple[Sentence, ...]
    texts: tuple[str, ...]
    fingerprint: str
    notes: tuple[str, ...]

    @classmethod
    def of(cls, corpus: Corpus, lang: str, folder: ModelFolder, *, skip_unknown: bool) -> NewLanguageData:
        """Read them as the model's own sentences were read (recipe: data.types, splits).

        Raises:
            DataError: no sentence of the language, nothing to learn, or labels that the model does not know.
        """
        recipe, labels = folder.recipe, folder.labels
        part = join_corpora([corpus], recipe.data.types).only([lang])
        train = part.sentences(recipe.data.train_split)
        if not train:
            raise DataError(
                f'no sentence in the language "{lang}" in the split {recipe.data.train_split}; the splits have '
                f"{part.sizes()}. A file's name states its split ({lang}.{recipe.data.train_split}.jsonl)."
            )
        dev = [s for s in part.splits.get(recipe.data.dev_split, ()) if is_annotated(s, recipe.task)]
        unknown = _unknown((*train, *dev), recipe, labels)
        if unknown and not skip_unknown:
            raise DataError(
                f"the model does not know {'; '.join(unknown)}. It can't learn a new label without the other "
                "languages' data. Rename them, train a new model on all the data, or leave them out: "
                "--skip-unknown."
            )
        notes = [
            f"left out of training, and missed on dev, what the model does not know: {u}" for u in unknown
        ]
        learned = tuple(_known_triples(sentence, labels) for sentence in train)
        if not _can_learn(learned, recipe, labels):
            raise DataError(
                f'no triple or entity in the {len(train)} training sentences of "{lang}" that the model knows, '
                "so there is nothing to learn. Run: mere check DATA"
            )
        texts = dict.fromkeys(s.text for sentences in corpus.splits.values() for s in sentences)
        return cls(lang, learned, tuple(dev), tuple(texts), part.fingerprint(), tuple(notes))

    def texts_to_compare(self, pieces: Pieces) -> list[str]:
        """Return an even sample of the texts that the encoder can read."""
        fitting = [text for text in self.texts if 0 < len(pieces.cut(text)) <= pieces.longest]
        size = min(COMPARED, len(fitting))
        return [fitting[i * len(fitting) // size] for i in range(size)]

    def dev_scores(self, evaluation: Evaluation, predictor: Predictor, threshold: float) -> dict[str, float]:
        """Return strict F1 by metric in percent, that of triples at the threshold that the model uses."""
        scores = {metric: 100 * by_lang[self.lang] for metric, by_lang in evaluation.f1.items()}
        if "triple_f1/strict" in scores:
            judged = [s for s in self.dev if s.relations_covered != frozenset()]
            found = predictor.predict(
                [s.text for s in judged], [self.lang] * len(judged), threshold=threshold
            )
            pairs = zip(judged, found, strict=True)
            counts = [strict_counts(unique_triples(s.triples), apply_protocol(s, p)) for s, p in pairs]
            scores["triple_f1/strict"] = 100 * (sum(counts, Counts()).f1 or 0.0)
        return {metric: round(score, 2) for metric, score in scores.items()}


def _unknown(sentences: Sequence[Sentence], recipe: Recipe, labels: Labels) -> list[str]:
    """Say which relations and types of the model's tasks it does not know, how often, and the nearest it knows."""
    relations = Counter(t.relation for s in sentences for t in s.triples) if "triples" in recipe.task else {}
    types: Mapping[str, int] = {}
    if "entities" in recipe.task:
        types = Counter(e.type for s in sentences if s.complete for e in s.entities if e.type is not None)
    problems = []
    for kind, found, known in (("relation", relations, labels.relations), ("type", types, labels.types)):
        names = sorted(set(found) - set(known))
        if names:
            shown = ", ".join(
                f'"{name}" ({found[name]}×){nearest(name, known).rstrip()}' for name in names[:10]
            )
            more = f" and {len(names) - 10} more" if len(names) > 10 else ""
            problems.append(f"the {kind}{'s' if len(names) > 1 else ''} {shown}{more}")
    return problems


def _known_triples(sentence: Sentence, labels: Labels) -> Sentence:
    known = tuple(triple for triple in sentence.triples if triple.relation in labels.relations)
    return sentence if len(known) == len(sentence.triples) else dataclasses.replace(sentence, triples=known)


def _can_learn(sentences: Iterable[Sentence], recipe: Recipe, labels: Labels) -> bool:
    return any(
        ("triples" in recipe.task and s.triples)
        or ("entities" in recipe.task and known_types(s) and any(e.type in labels.types for e in s.entities))
        for s in sentences
    )


def added_metrics(
    before: Mapping[str, Any],
    record: Mapping[str, Any],
    dev: Mapping[str, float],
    alignment: Mapping[str, Any],
    stored: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a model's metrics.json with the new language in it, means over languages taken again.

    Args:
        record: how it was added. dev: its scores in percent by metric. stored: bytes of the model and its languages.
    """
    metrics = dict(before)
    for metric, score in dev.items():
        found = metrics.get("dev", {}).get(metric, {})
        by_lang = {lang: f1 for lang, f1 in found.items() if lang != "macro"} | {record["lang"]: score}
        macro = round(float(np.mean(list(by_lang.values()))), 2)
        metrics["dev"] = {**metrics.get("dev", {}), metric: {**by_lang, "macro": macro}}
    costs = metrics.setdefault("costs", {})
    costs |= stored
    for key in ("seconds", "steps", "trained"):
        costs.setdefault(key, {})[record["stage"]["name"]] = record[key]
    metrics.setdefault("alignment", {}).update(alignment)
    metrics.setdefault("added", []).append(dict(record))
    return metrics


def added_card(
    folder: ModelFolder, after: Labels, record: Mapping[str, Any], dev: Mapping[str, float]
) -> str:
    """Return a model's card with the new language in its list, and a section that says how it came in."""
    lang, data = record["lang"], record["fingerprint"][:16]
    scores = "; ".join(f"dev `{metric}` {score:.1f}" for metric, score in dev.items()) or "not measured"
    text = card_of_another(
        folder.card(),
        folder.recipe,
        folder.labels,
        after,
        heading="Languages added later",
        said=f"- **{lang}**: {record['sentences']} training sentences, {scores}. Began from {record['from']}; "
        f"{record['trained']:,} numbers trained in {record['steps']} steps. Data fingerprint `{data}`. "
        "Every other language gives what it gave, bit for bit.",
    )
    front, body = split_front_matter(text)
    add_result(front, folder.recipe, lang, dev, f"corpus {data}")
    return with_front_matter(front, body)
