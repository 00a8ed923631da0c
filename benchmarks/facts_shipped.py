"""The model `facts`: what it learns from, and how it does on every real corpus at hand.

    python benchmarks/facts_shipped.py data --data DATA --out runs/facts-data
    python benchmarks/facts_shipped.py report MODEL --data DATA

`data` writes what may be learned from (WebNLG, CoNLL04, the wide corpus of our own sentences), and nothing else.
`report` scores the test splits of all corpora of triples by language and source, with the model's relations alone;
in languages and sources that it did not learn from, too. A sentence's language is given.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from mere.data.corpus import Corpus
from mere.data.quickstart import write
from mere.inference.calibration import Calibration
from mere.loading import load_predictor
from mere.metrics.intervals import Measured
from mere.metrics.report import Score, evaluate
from mere.research.provenance import origin
from mere.research.record import Data, Experiment, Record
from mere.store.fetch import find_model
from mere.types import Prediction, Sentence

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "facts-shipped.json"
LEARNED = ("webnlg", "conll04")
CORPORA = ("triples", "triples-more", "triples-open")
LEAST_SCORES = (0.3, 0.5, 0.7, 0.8, 0.9)


class Figures(Record):
    """Strict scores of one part of a test split."""

    f1: Measured
    precision: float | None
    recall: float | None
    right: int
    found: int
    gold: int

    @classmethod
    def of(cls, score: Score) -> Figures:
        return cls(
            f1=score.f1,
            precision=score.precision,
            recall=score.recall,
            right=score.tp,
            found=score.tp + score.fp,
            gold=score.tp + score.fn,
        )


class FactsShipped(Experiment):
    """The file."""

    data: dict[str, Data]
    learned_from: tuple[str, ...] = Field(description="sources among these corpora that training saw")
    languages: dict[str, Figures]
    sources: dict[str, Figures] = Field(description="by language/source")
    at_least_score: dict[str, dict[str, Figures]] = Field(
        description="of WebNLG, with only the triples of at least this calibrated score: by score and language"
    )


def join(data: Path, out: Path) -> None:
    """Write the corpus that `facts` learns from."""
    write(out, wide=True)
    added: defaultdict[str, list[str]] = defaultdict(list)
    for file in (file for corpus in CORPORA for file in sorted((data / corpus).glob("*.jsonl.gz"))):
        lines = gzip.decompress(file.read_bytes()).decode().splitlines()
        added[file.name.removesuffix(".gz")] += [
            line for line in lines if any(f'"source": "{source}"' in line for source in LEARNED)
        ]
    for name, lines in ((name, lines) for name, lines in added.items() if lines):
        with (out / name).open("a", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in lines)


def of_relations(sentence: Sentence, relations: frozenset[str]) -> Sentence:
    """Return a sentence as one that annotates some relations alone."""
    covered = sentence.relations_covered
    return dataclasses.replace(
        sentence,
        triples=tuple(triple for triple in sentence.triples if triple.relation in relations),
        relations_covered=relations if covered is None else covered & relations,
    )


def scored(gold: Iterable[Sentence], found: Iterable[Prediction], least: float = 0.0) -> dict[str, Figures]:
    kept = [
        dataclasses.replace(one, triples=tuple(t for t in one.triples if (t.score or 0.0) >= least))
        for one in found
    ]
    report = evaluate(list(gold), kept).metrics["triple_f1/strict"]
    return {name: Figures.of(score) for name, score in {**report.language, **report.source}.items()}


def report(model: str, data: Path) -> FactsShipped:
    predictor, calibration = load_predictor(model), Calibration.read(find_model(model))
    relations = frozenset(predictor.labels.relations)
    corpora = {name: Corpus.load(data / name) for name in CORPORA}
    gold = [
        of_relations(sentence, relations)
        for corpus in corpora.values()
        for sentence in corpus.sentences("test")
        if sentence.relations_covered is None or sentence.relations_covered & relations
    ]
    answers = predictor.predict([s.text for s in gold], [s.lang for s in gold])
    found = [
        calibration(answer, predictor.labels.path(sentence.lang))
        for sentence, answer in zip(gold, answers, strict=True)
    ]
    figures = scored(gold, found)
    webnlg = [pair for pair in zip(gold, found, strict=True) if pair[0].source == "webnlg"]
    at_least = {
        str(least): {k: v for k, v in scored(*zip(*webnlg, strict=True), least).items() if "/" not in k}
        for least in LEAST_SCORES
    }
    return FactsShipped(
        experiment="facts-shipped",
        description="Triples found by the model `facts`, its relations alone, on test splits of real corpora",
        command="python benchmarks/facts_shipped.py report models/facts --data DATA",
        **origin(),
        seeds=[1],
        data={
            name: Data(name=name, fingerprint=corpus.fingerprint(), sizes=corpus.sizes())
            for name, corpus in corpora.items()
        },
        learned_from=LEARNED,
        languages={name: own for name, own in figures.items() if "/" not in name},
        sources={name: own for name, own in figures.items() if "/" in name},
        at_least_score=at_least,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("do", choices=("data", "report"))
    parser.add_argument("model", nargs="?", default="models/facts")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="data: the folder to write; report: the results file")
    arguments = parser.parse_args()
    if arguments.do == "data":
        join(arguments.data, arguments.out)
        return
    results = report(arguments.model, arguments.data)
    results.write(arguments.out or RESULTS)
    for name, own in results.sources.items():
        print(f"{name}: F1 {own.f1.value:.3f}, precision {own.precision}, recall {own.recall}, of {own.gold}")


if __name__ == "__main__":
    main()
