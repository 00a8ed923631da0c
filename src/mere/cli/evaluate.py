"""`mere evaluate`: a model's scores on annotated sentences, per language, with intervals."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import talk
from mere.schema import Labels
from mere.types import Sentence


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model's folder, such as runs/quickstart/model.")],
    data: Annotated[list[Path], typer.Argument(help="Corpus folders or files.")],
    split: Annotated[str, typer.Option("--split", help="Which split to score.")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
    no_intervals: Annotated[bool, typer.Option("--no-intervals", help="Skip the bootstrap.")] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold", min=0.0, max=1.0, help="Least score of a triple; default: the model's own."
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Sentences per forward pass.")] = 64,
) -> None:
    """Score a model on the gold sentences of a corpus, each as it stands and in its own language."""
    from rich.console import Console

    from mere.data.corpus import Corpus
    from mere.inference.extractor import load_predictor
    from mere.metrics.report import evaluate as score

    corpora = [Corpus.load(path) for path in data]
    gold = [sentence for corpus in corpora for sentence in corpus.sentences(split)]
    train = [sentence for corpus in corpora for sentence in corpus.splits.get("train", ())]
    predictor = load_predictor(model)
    _mention_unknown(gold, predictor.labels)
    began = time.perf_counter()
    predicted = predictor.predict(
        [sentence.text for sentence in gold],
        [sentence.lang for sentence in gold],
        batch_size=batch_size,
        threshold=threshold,
    )
    seconds = time.perf_counter() - began
    talk(f"{len(gold)} sentences in {seconds:.1f} s, {len(gold) / max(seconds, 1e-9):.0f} a second")
    seen_by = train if train and split != "train" else None
    report = score(gold, predicted, train=seen_by, resamples=0 if no_intervals else 1000)
    if as_json:
        record = {
            "model": str(model),
            "data": [str(path) for path in data],
            "split": split,
            **report.to_json(),
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        report.render(Console())


def _mention_unknown(gold: Iterable[Sentence], labels: Labels) -> None:
    """Say which languages and relations of the data the model can't know; they count all the same."""
    gold = list(gold)
    langs = sorted({sentence.lang for sentence in gold} - set(labels.languages))
    relations = sorted({triple.relation for s in gold for triple in s.triples} - set(labels.relations))
    if langs:
        talk(
            f"Note: languages the model was not trained on, scored on its universal path: {', '.join(langs)}"
        )
    if relations:
        talk(f"Note: relations the model does not know, counted as missed: {', '.join(relations)}")
