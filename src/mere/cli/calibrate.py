"""`mere calibrate`: a model whose scores are the share of right answers, as annotated sentences tell it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from mere.cli.evaluate import as_in_training
from mere.cli.options import MODEL_HELP
from mere.errors import DataError


def calibrate(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    data: Annotated[list[Path], typer.Argument(help="Corpus folders or files.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to make: the model with its calibration.")],
    split: Annotated[
        str, typer.Option("--split", help="Which split to learn from; not the one to test on.")
    ] = "dev",
    min_precision: Annotated[
        float | None,
        typer.Option(
            "--min-precision",
            min=0.0,
            max=1.0,
            help="Find fewer triples from now on: those of which this share was right, per language.",
        ),
    ] = None,
) -> None:
    """Fit scores to the share of right answers, per task and language; what is found stays the same, but for
    --min-precision."""
    from mere.data.corpus import Corpus
    from mere.inference.calibration import thresholds_for_precision
    from mere.inference.fitting import answers, calibrated, card_section
    from mere.loading import load_predictor
    from mere.store.calibration import write_calibration, write_thresholds
    from mere.store.fetch import find_model
    from mere.store.files import new_folder

    corpora = [Corpus.load(path) for path in data]
    gold = [sentence for corpus in corpora for sentence in corpus.sentences(split)]
    folder = find_model(model)
    with new_folder(out) as part:
        predictor = load_predictor(folder)
        if predictor.labels.types:
            gold, _ = as_in_training(corpora, split, predictor.type_map)
        predicted = predictor.predict([s.text for s in gold], [predictor.labels.path(s.lang) for s in gold])
        found = answers(gold, predicted, predictor.labels)
        if not found:
            raise DataError(
                f"the {split} split of {', '.join(map(str, data))} has no answer of the model to learn from. "
                "Give a corpus in its languages, with its relations or types."
            )
        record = {task: calibrated(by_path) for task, by_path in found.items()}
        shutil.copytree(folder, part)
        write_calibration(part, record, card_section(record))
        if min_precision is not None and "triples" in record:
            raised = thresholds_for_precision(folder, record, min_precision, predictor.thresholds)
            write_thresholds(part, raised)
    typer.echo(f"{'task':10}{'path':12}{'answers':>8}{'right':>8}{'error':>8}{'after':>8}")
    for task, by in record.items():
        for path, row in by.items():
            numbers = (
                f"{row['answers']:8,}{row['right']:8,}{row['error_before']:8.3f}{row['error_after']:8.3f}"
            )
            typer.echo(f"{task:10}{path:12}{numbers}")
