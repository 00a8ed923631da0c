"""A comparison from recipe to report: OUT/results.json, results.md, curves.json and index.html."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from mere.config import DataSettings
from mere.data.corpora import load_corpora
from mere.data.corpus import Corpus
from mere.errors import ConfigError, TrainingError, nearest
from mere.metrics.paired import members_of
from mere.research.compare import folder, score
from mere.research.compare.budget import Budget
from mere.research.compare.costs import costs_of, flags, spent, training_sizes
from mere.research.compare.curves import curves_of
from mere.research.compare.describe import describe
from mere.research.compare.plan import Cell, Plan, make_plan
from mere.research.compare.report import write_markdown, write_page
from mere.research.compare.runner import Failure, run_cells
from mere.research.compare.time_to_quality import time_to_quality
from mere.research.origin import Data
from mere.research.provenance import commit, hardware, software
from mere.research.results import FailedAttempt, Results, System


@dataclass(frozen=True)
class Outcome:
    """What a comparison came to, and the files that tell it."""

    results: Results
    failures: list[Failure]
    files: list[Path]


@dataclass(frozen=True)
class Tests:
    """What is tested against what, and which languages together beside each alone and all."""

    baseline: str
    pairs: Sequence[tuple[str, str]] = ()
    groups: Sequence[str] = ()


def compare(
    recipe: str | Path,
    out: str | Path,
    *,
    overrides: Sequence[str] = (),
    regimes: Sequence[str] = (),
    seeds: Sequence[int] = (),
    budget: Budget | None = None,
    split: str = "test",
    baseline: str = "",
    pairs: Sequence[tuple[str, str]] = (),
    groups: Sequence[str] = (),
    jobs: int = 1,
    train: bool = True,
    command: str = "",
    progress: Callable[[str], None] = lambda words: None,
) -> Outcome:
    """Run every regime of a recipe with every seed, and compare them with a baseline on a split.

    What is finished in `out` is not run again, what was interrupted goes on, and a cell that fails is told in the
    report while the others go on.

    Args:
        overrides: `key=value` settings on top of every regime.
        regimes: names to compare; all of the recipe's if empty. seeds: the recipe's own if empty.
        baseline: the regime that the others are tested against; the first if empty.
        pairs: further tests, (a, b) for a against b.
        groups: languages that are tested together (mere.metrics.paired), as in "ja+te" or "ja+te/en+ru".
        jobs: processes at a time, of one thread each.
        train: False reports on the cells that are finished already, and trains none.
        command: that the report names. progress: told how it goes.

    Raises:
        ConfigError, DataError: the recipe, a name or the corpus is wrong, or `out` holds cells of another run.
        TrainingError: not one cell was finished.
    """
    plan = make_plan(recipe, Path(out), overrides=overrides, regimes=regimes, seeds=seeds, budget=budget)
    baseline = baseline or plan.regimes[0]
    if baseline not in plan.regimes:
        there = ", ".join(plan.regimes)
        raise ConfigError(
            f"--baseline {baseline}: no such regime.{nearest(baseline, plan.regimes)} There are: {there}."
        )
    for name in (name for pair in pairs for name in pair):
        if name not in plan.regimes:
            raise ConfigError(f"--pair {name}: no such regime.{nearest(name, plan.regimes)}")
    progress("reading the corpus")
    corpus = _corpus_of(plan)
    corpus.sentences(split)  # refuses a split that is not there before anything is trained
    for group in groups:
        members_of(group, corpus.languages(split))
    fingerprint = corpus.fingerprint()
    for cell in plan.cells:
        other = _data(cell) != _data(plan.of(plan.regimes[0])[0])  # a start that is not compared itself
        folder.check_begun(cell, _load(cell).fingerprint() if other else fingerprint)
    failures = run_cells(plan, split, jobs=jobs, train=train, progress=progress)
    return _report(
        plan, corpus, split, Tests(baseline, pairs, groups), failures, Path(out), command, progress
    )


def _corpus_of(plan: Plan) -> Corpus:
    """Load the corpus that all regimes share; they may differ in how much of it they train on."""
    cells = [plan.of(regime)[0] for regime in plan.regimes]
    for cell in cells:
        if _data(cell) != _data(cells[0]):
            raise ConfigError(
                f"regime {cell.regime}: reads other data than {cells[0].regime}, so their scores cannot be "
                "compared. Give every regime the same data settings, but for data.limit, or leave it out: --regimes."
            )
    return _load(cells[0])


def _data(cell: Cell) -> DataSettings:
    return cell.recipe.data.model_copy(update={"limit": 0})


def _load(cell: Cell) -> Corpus:
    return load_corpora(_data(cell))


def _report(
    plan: Plan,
    corpus: Corpus,
    split: str,
    tests: Tests,
    failures: list[Failure],
    out: Path,
    command: str,
    progress: Callable[[str], None],
) -> Outcome:
    baseline = tests.baseline
    finished = {regime: _scored(plan.of(regime), split) for regime in plan.regimes}
    finished = {regime: cells for regime, cells in finished.items() if cells}
    if not finished:
        told = "; ".join(f"{failure.cell.name}: {failure.why}" for failure in failures) or "none was begun"
        raise TrainingError(f"{out}: no cell is finished, so there is nothing to compare ({told}).")
    progress("scoring")
    recipe = plan.of(plan.regimes[0])[0].recipe
    metrics = score.main_metrics(recipe)
    reports = {regime: score.report_on(cells, corpus, split) for regime, cells in finished.items()}
    sizes = {r: training_sizes(cells[0].recipe, corpus.sizes()) for r, cells in finished.items()}
    passes = {r: spent(cells[0], sizes[r]).passes for r, cells in finished.items()}
    uneven = flags(passes, baseline)
    systems = {}
    for regime, cells in finished.items():
        system = System.from_report(
            reports[regime],
            seeds=[cell.seed for cell in cells],
            costs=costs_of(cells, sizes[regime]),
            command=f"mere train {cells[0].folder}.yaml --out {cells[0].folder}",
        )
        notes = [uneven[regime]] if regime in uneven else []
        if len(cells) < len(plan.seeds):
            notes.append(f"Only {len(cells)} of {len(plan.seeds)} seeds are finished.")
        others = finished.get(baseline, []) if regime != baseline else []
        systems[regime] = system.model_copy(
            update={
                "description": describe(cells[0]),
                "note": " ".join(notes),
                "time_to_quality": time_to_quality(cells, others, sizes[regime], metrics[0]),
            }
        )
    for regime, words in uneven.items():
        progress(f"{regime}: {words}")
    results = Results(
        experiment=recipe.name,
        description=f"Regimes of training compared, each against {baseline}. {score.CORRECTION}.",
        command=command or f"mere compare --out {out}",
        commit=commit(),
        date=datetime.now(UTC).date(),
        seeds=list(plan.seeds),
        hardware=hardware(),
        software=software(),
        data=Data(name=_data_name(recipe.data.paths), fingerprint=corpus.fingerprint(), sizes=corpus.sizes()),
        split=split,
        budget=str(plan.budget),
        systems=systems,
        comparisons=score.compare_with(baseline, reports, metrics, pairs=tests.pairs, groups=tests.groups),
        failed_attempts=[_attempt(failure) for failure in failures],
    )
    curves = {r: [curves_of(cell, sizes[r], metrics[0]) for cell in cells] for r, cells in finished.items()}
    files = [out / name for name in ("results.json", "results.md", "curves.json", "index.html")]
    results.write(files[0])
    write_markdown(files[1], results, metrics)
    drawn = {regime: [asdict(one) for one in of] for regime, of in curves.items()}
    files[2].write_text(json.dumps(drawn, ensure_ascii=False) + "\n", encoding="utf-8")
    write_page(files[3], results, curves, metrics, baseline)
    return Outcome(results, failures, files)


def _scored(cells: Sequence[Cell], split: str) -> list[Cell]:
    return [c for c in cells if folder.is_finished(c) and folder.predictions_file(c, split).is_file()]


def _attempt(failure: Failure) -> FailedAttempt:
    return FailedAttempt(what=failure.cell.name, outcome=failure.why, note="\n".join(failure.lines))


def _data_name(paths: Sequence[str]) -> str:
    return " + ".join(Path(p).name if p else "quick-start corpus" for p in paths)
