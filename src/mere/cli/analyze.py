"""`mere analyze`: what transfers between a run's languages, and where in the network, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import refuse_several, require_research, talk


def analyze(
    run: Annotated[Path, typer.Argument(help="A finished run folder, such as runs/quickstart.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the page and its numbers.")],
    stage: Annotated[
        str | None,
        typer.Option("--stage", help="Shared stage to look at; default: the last that uses no switcher."),
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against",
            help="A run of monolingual models, trained on their own, to compare with. Repeatable: languages that "
            "several runs have are spread over them, so that models are of unlike seeds.",
        ),
    ] = None,
    sentences: Annotated[
        int, typer.Option("--sentences", min=0, help="Sentences per language for Fisher information; 0: all.")
    ] = 500,
    dev: Annotated[
        int, typer.Option("--dev", min=0, help="Dev sentences per language for scores after pruning; 0: all.")
    ] = 100,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps that gradients are compared in.")] = 20,
    percent: Annotated[
        float, typer.Option("--percent", min=0.1, max=100, help="Size of the top sets that are shown.")
    ] = 10.0,
    transfer: Annotated[
        float,
        typer.Option(
            "--transfer",
            metavar="EPOCHS",
            min=0,
            help="Measure transfer: train on each language, on every two, on all but one and on all, "
            "for EPOCHS each; 0: don't. What is finished stays in OUT/transfer.",
        ),
    ] = 0.0,
    pairs: Annotated[bool, typer.Option(help="With --transfer: train every two languages together.")] = True,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="With --transfer: runs at a time.")] = 1,
    seed: Annotated[int, typer.Option("--seed", help="Of every draw.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing on the way.")] = False,
) -> None:
    """Analyse a trained run: what its languages share, where they conflict, and which of them help which."""
    refuse_several("analyze")
    require_research()
    from mere.research.analysis.context import SampleSizes, TransferSettings
    from mere.research.analysis.report import analyse

    page = analyse(
        run,
        out,
        stage=stage,
        against=against or (),
        sizes=SampleSizes(fisher=sentences, dev=dev, steps=steps, percent=percent),
        transfer=TransferSettings(transfer, pairs, jobs) if transfer else None,
        seed=seed,
        progress=(lambda message: None) if quiet else talk,
    )
    typer.echo(page)
