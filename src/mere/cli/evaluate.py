"""`mere evaluate`: a model's scores on annotated sentences, per language, with intervals."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mere.cli.guard import talk
from mere.cli.options import MODEL_HELP
from mere.lang_codes import find
from mere.schema import Labels
from mere.types import Sentence

if TYPE_CHECKING:
    from mere.data.corpus import Corpus


def evaluate(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
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
    errors: Annotated[
        int,
        typer.Option(
            "--errors",
            min=0,
            metavar="N",
            help="Show what went wrong with entities, N examples of each kind.",
        ),
    ] = 0,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Sentences per forward pass.")] = 64,
) -> None:
    """Score a model on the gold sentences of a corpus, each as it stands and in its own language."""
    from rich.console import Console

    from mere.data.corpus import Corpus
    from mere.loading import load_predictor
    from mere.metrics.report import evaluate as score

    corpora = [Corpus.load(path) for path in data]
    gold = [sentence for corpus in corpora for sentence in corpus.sentences(split)]
    train = [sentence for corpus in corpora for sentence in corpus.splits.get("train", ())]
    predictor = load_predictor(model)
    if predictor.labels.types:
        gold, train = as_in_training(corpora, split, predictor.type_map)
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
    report = score(gold, predicted, train=seen_by, resamples=0 if no_intervals else 1000, num_examples=errors)
    if as_json:
        record = {"model": model, "data": [str(path) for path in data], "split": split, **report.to_json()}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
    else:
        report.render(Console())


def as_in_training(
    corpora: Sequence[Corpus], split: str, types: Mapping[str, str]
) -> tuple[list[Sentence], list[Sentence]]:
    """Return the sentences to score and those of training, types renamed and each source's coverage said.

    A model of entities is not punished for a type that a source lacks, and is scored on all entities of a source
    that types them. What is covered is read from both splits, so that no gold mention goes uncounted.
    """
    from mere.data.corpus import Corpus
    from mere.data.coverage import join_corpora

    parts = [
        Corpus({"scored": tuple(corpus.sentences(split)), "learned": tuple(corpus.splits.get("train", ()))})
        for corpus in corpora
    ]
    joined = join_corpora(parts, types)
    return list(joined.splits["scored"]), list(joined.splits["learned"])


def _mention_unknown(gold: Iterable[Sentence], labels: Labels) -> None:
    """Say which languages, relations and types of the data the model can't know; they count all the same."""
    from mere.metrics.annotated import annotates_entities, annotates_triples

    gold = list(gold)
    langs = sorted({s.lang for s in gold if find(s.lang, labels.languages) is None})
    relations = sorted({triple.relation for s in gold for triple in s.triples} - set(labels.relations))
    named = {e.type for s in gold if annotates_entities(s) for e in s.entities if e.type is not None}
    types = sorted(named - set(labels.types))
    unscored = sum(bool(s.entities) and not (annotates_entities(s) or annotates_triples(s)) for s in gold)
    if langs:
        talk(
            f"Note: languages the model was not trained on, scored on its universal path: {', '.join(langs)}"
        )
    if relations:
        talk(f"Note: relations the model does not know, counted as missed: {', '.join(relations)}")
    if types:
        talk(f"Note: entity types the model does not know, counted as missed: {', '.join(types)}")
    if unscored:
        talk(
            f"Note: sentences that are not scored, their source having entities without a type: {unscored}. "
            "Give every entity of a source its type, or the source a list of types_covered."
        )
