"""`names` beside spaCy's default `ner`, trained on the same sentences for the same time.

    python benchmarks/spacy_ner.py --data DATA [--seconds 124]

A blank pipeline with its default `ner` for each of five languages, chosen before any was measured. One core, one
thread; the time is a language's share of the training of `names` (its seconds over its languages), of which
scoring dev four times is no part. The best weights on dev are kept. spaCy cuts texts by its own rules; a mention that
it cannot tag is left out in training. Both are scored on all of test, strictly.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import spacy
from pydantic import Field
from spacy.language import Language
from spacy.training import Example
from spacy.util import compounding, fix_random_seed, minibatch

from mere.data.corpus import Corpus
from mere.loading import load_predictor
from mere.metrics.intervals import Measured
from mere.metrics.report import evaluate
from mere.research.provenance import origin
from mere.research.record import Experiment, Record
from mere.store.fetch import find_model
from mere.types import Entity, Prediction, Sentence

RESULTS = Path(__file__).parent / "results" / "spacy-ner.json"
LANGUAGES = ("en", "hi", "hr", "pt", "sv")
EVALUATIONS = 4
SEED = 1


class Pair(Record):
    """Strict F1 of both on a language's test split."""

    mere: Measured
    spacy: Measured
    spacy_epochs: float = Field(description="passes over the training sentences in the time")
    untaggable: int = Field(description="mentions in training that spaCy's tokens cannot hold")


class SpacyNer(Experiment):
    """The file."""

    spacy_version: str
    seconds: float = Field(description="of training for each language")
    languages: dict[str, Pair]


def examples(nlp: Language, sentences: Sequence[Sentence]) -> tuple[list[Example], int]:
    made, lost = [], 0
    for sentence in sentences:
        doc = nlp.make_doc(sentence.text)
        spans = [doc.char_span(e.start, e.end, label=e.type) for e in sentence.entities]
        lost += spans.count(None)
        held = spacy.util.filter_spans([span for span in spans if span is not None])
        entities = [(span.start_char, span.end_char, span.label_) for span in held]
        made.append(Example.from_dict(doc, {"entities": entities}))
    return made, lost


def read(nlp: Language, sentences: Sequence[Sentence]) -> list[Prediction]:
    found = nlp.pipe(sentence.text for sentence in sentences)
    return [
        Prediction(tuple(Entity(e.start_char, e.end_char, e.text, e.label_) for e in doc.ents), ())
        for doc in found
    ]


def score(gold: Sequence[Sentence], found: Sequence[Prediction], resamples: int = 1000) -> Measured:
    return evaluate(gold, found, resamples=resamples).metrics["entity_f1/strict"].micro.f1


def trained(lang: str, corpus: Corpus, seconds: float) -> tuple[Language, float, int]:
    """Return spaCy's best pipeline on dev, the epochs that the time was enough for, and the mentions left out."""
    fix_random_seed(SEED)
    nlp = spacy.blank(lang)
    nlp.add_pipe("ner")
    made, lost = examples(nlp, corpus.sentences("train"))
    optimizer = nlp.initialize(lambda: made)
    dev, best, kept, spent, seen = corpus.sentences("dev"), -1.0, b"", 0.0, 0
    sizes, rng = compounding(100, 1000, 1.001), Random(SEED)
    for part in range(1, EVALUATIONS + 1):
        while spent < seconds * part / EVALUATIONS:
            rng.shuffle(made)
            for batch in minibatch(made, sizes):
                began = time.perf_counter()
                nlp.update(batch, sgd=optimizer, drop=0.1)
                spent, seen = spent + time.perf_counter() - began, seen + len(batch)
                if spent >= seconds * part / EVALUATIONS:
                    break
        f1 = score(dev, read(nlp, dev), 0).value
        if f1 > best:
            best, kept = f1, nlp.to_bytes()
    return nlp.from_bytes(kept), seen / len(made), lost


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the corpus that `names` was trained on")
    parser.add_argument("--seconds", type=float, default=124.0)
    arguments = parser.parse_args()
    predictor = load_predictor(find_model("names"))
    whole, pairs = Corpus.load(arguments.data), {}
    for lang in LANGUAGES:
        corpus = whole.only([lang])
        gold = corpus.sentences("test")
        nlp, epochs, lost = trained(lang, corpus, arguments.seconds)
        ours = score(gold, predictor.predict([s.text for s in gold], [lang] * len(gold)))
        pair = Pair(
            mere=ours, spacy=score(gold, read(nlp, gold)), spacy_epochs=round(epochs, 1), untaggable=lost
        )
        pairs[lang] = pair
        print(
            f"{lang}: {100 * ours.value:.1f} against {100 * pair.spacy.value:.1f}, {epochs:.1f} epochs",
            flush=True,
        )
    SpacyNer(
        experiment="spacy-ner",
        description="`names` beside spaCy's default ner, trained on the same sentences for the same time",
        command=f"python benchmarks/spacy_ner.py --data DATA --seconds {arguments.seconds:g}",
        **origin(),
        seeds=[SEED],
        spacy_version=spacy.__version__,
        seconds=arguments.seconds,
        languages=pairs,
    ).write(RESULTS)


if __name__ == "__main__":
    main()
