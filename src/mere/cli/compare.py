"""`mere compare`: every regime of a recipe, with every seed, under an equal budget, in one report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from mere.cli.guard import refuse_several, require_research, talk
from mere.cli.options import names
from mere.errors import UserError


def compare(
    recipe: Annotated[
        Path, typer.Argument(help="A recipe with regimes, such as recipes/compare-quickstart.yaml.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The folder of all runs and of the report.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change one setting of every regime that has it. Repeatable."
        ),
    ] = None,
    regimes: Annotated[
        str, typer.Option("--regimes", help="Only these, separated by commas; default: all.")
    ] = "",
    seeds: Annotated[
        str, typer.Option("--seeds", help="Separated by commas, as in 1,2,3; default: the recipe's own.")
    ] = "",
    baseline: Annotated[
        str, typer.Option("--baseline", help="The regime that others are tested against; default: the first.")
    ] = "",
    pairs: Annotated[
        list[str] | None,
        typer.Option("--pair", metavar="A:B", help="Test regime A against regime B too. Repeatable."),
    ] = None,
    groups: Annotated[
        list[str] | None,
        typer.Option(
            "--group",
            metavar="L1+L2",
            help="Test these languages together too: their mean (ja+te), or what one mean is above another "
            "(ja+te/en+ru). Repeatable.",
        ),
    ] = None,
    budget: Annotated[
        str,
        typer.Option(
            "--budget", help="epochs (the recipe's), steps=N or seconds=N for each regime and seed."
        ),
    ] = "epochs",
    split: Annotated[str, typer.Option("--split", help="Which split to score.")] = "test",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Runs at a time, of one thread each.")] = 1,
    report_only: Annotated[
        bool, typer.Option("--report-only", help="Train nothing; report on the runs that are finished.")
    ] = False,
) -> None:
    """Compare ways of training: scores per language with intervals, paired tests, costs, in one HTML page.

    Run again, it goes on where it was. Exit status 1 where a run failed; the report tells of the others.
    """
    refuse_several("compare")
    require_research()
    from mere.research.compare.budget import Budget
    from mere.research.compare.plan import make_plan
    from mere.research.compare.run import Tests
    from mere.research.compare.run import compare as run

    plan = make_plan(
        recipe,
        out,
        overrides=overrides or [],
        regimes=names(regimes),
        seeds=_seeds(seeds),
        budget=Budget.parse(budget),
    )
    tests = Tests(split, baseline, [_pair(pair) for pair in pairs or []], groups or [])
    command = shlex.join(["mere", *sys.argv[1:]])
    outcome = run(plan, out, tests, jobs=jobs, train=not report_only, command=command, progress=talk)
    for file in outcome.files:
        typer.echo(file)
    if outcome.failures:
        talk(f"{len(outcome.failures)} runs failed; the same command tries them again.")
        raise typer.Exit(1)


def _pair(text: str) -> tuple[str, str]:
    a, colon, b = text.partition(":")
    if not colon:
        raise UserError(f"--pair {text}: write two regimes, as in --pair finetuned:naive.")
    return a, b


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in names(text)]
    except ValueError:
        raise UserError(f"--seeds {text}: whole numbers were expected, as in --seeds 1,2,3.") from None
