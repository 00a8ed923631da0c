"""Scores of every regime over its seeds, and paired tests against a baseline on the same sentences."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.metrics.paired import paired_bootstrap
from mere.metrics.report import Report, evaluate_runs
from mere.research.compare import folder
from mere.research.compare.plan import Cell
from mere.research.results import Comparison

Key = TypeVar("Key", bound=Hashable)

RESAMPLES = 1000
TEST_RESAMPLES = 10_000
"""Of the paired bootstrap: its smallest p is 0.0002, which some forty tests can be corrected for."""

CORRECTION = (
    "p values are those of a two-sided paired bootstrap over sentences and seeds "
    f"({TEST_RESAMPLES:,} resamples), corrected by Holm's method for the number of tests: "
    "the macro means of all regimes are one family, the single languages of all regimes another, "
    "groups of languages a third"
)


def report_on(cells: Sequence[Cell], corpus: Corpus, split: str, *, resamples: int = RESAMPLES) -> Report:
    """Score a regime's finished cells, one per seed; each row's counts stay in the report for paired tests."""
    gold = corpus.sentences(split)
    runs = [folder.read_predictions(folder.predictions_file(cell, split), gold) for cell in cells]
    data = cells[0].recipe.data
    is_known = split != data.train_split and not data.limit  # a limit draws other sentences for each seed
    train = corpus.sentences(data.train_split) if is_known else None
    return evaluate_runs(gold, runs, train=train, resamples=resamples)


def main_metrics(recipe: Recipe) -> list[str]:
    """Return what a recipe's tasks are measured by, the main one first."""
    names = {"triples": "triple_f1/strict", "entities": "entity_f1/strict"}
    return [names[task] for task in sorted(recipe.task, reverse=True)]


def compare_with(
    baseline: str,
    reports: Mapping[str, Report],
    metrics: Sequence[str],
    *,
    pairs: Sequence[tuple[str, str]] = (),
    groups: Sequence[str] = (),
    resamples: int = TEST_RESAMPLES,
) -> list[Comparison]:
    """Test every regime against the baseline, and the pairs, per language, group and macro, with Holm's correction.

    A metric's tests of the macro mean are a family, those of the single languages are another, those of groups of
    languages a third. What cannot be measured (a language without gold and predictions) is left out.
    """
    comparisons: list[Comparison] = []
    for metric in metrics:
        wanted = dict.fromkeys([*((regime, baseline) for regime in reports if regime != baseline), *pairs])
        tests = {
            (a, b): paired_bootstrap(
                reports[a].scores, reports[b].scores, metric, resamples=resamples, groups=groups
            )
            for a, b in wanted
            if a in reports and b in reports
        }
        languages = {lang for report in reports.values() for lang in report.scores.languages}
        for scopes in ({"macro"}, languages, set(groups)):
            family = {
                (pair, scope): difference.p
                for pair, by_scope in tests.items()
                for scope, difference in by_scope.items()
                if scope in scopes and difference.p is not None
            }
            for (pair, scope), p in holm(family).items():
                found = dataclasses.asdict(tests[pair][scope])
                comparisons.append(
                    Comparison(
                        a=pair[0],
                        b=pair[1],
                        metric=metric,
                        scope=scope,
                        p_holm=round(p, 6),
                        family=len(family),
                        **found,
                    )
                )
    return comparisons


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Return the adjusted p of every test of a family (Holm 1979).

    The smallest of m p values is multiplied by m, the next by m - 1 and so on, none below the one before it. Rejecting
    where the result is at most 0.05 is wrong about any of the family's true hypotheses in at most 5 % of the cases,
    however the tests depend on each other.
    """
    adjusted: dict[Key, float] = {}
    largest = 0.0
    for rank, (key, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[key] = largest
    return {key: adjusted[key] for key in p_values}
