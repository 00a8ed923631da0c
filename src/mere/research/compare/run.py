"""A comparison from recipe to report: OUT/results.json, results.md, curves.json and index.html."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mere.config import DataSettings
from mere.data.corpora import load_corpora
from mere.data.corpus import Corpus
from mere.errors import ConfigError, TrainingError, nearest
from mere.metrics.paired import members_of
from mere.research.compare import folder, score
from mere.research.compare.costs import costs_of, flags, spent, training_sizes
from mere.research.compare.curves import curves_of
from mere.research.compare.describe import describe
from mere.research.compare.plan import Cell, Plan
from mere.research.compare.report import page_of
from mere.research.compare.runner import Failure, run_cells
from mere.research.provenance import origin
from mere.research.record import Data
from mere.research.results import FailedAttempt, Results, System

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """The results of a comparison, the cells that failed, and the files that were written."""

    results: Results
    failures: list[Failure]
    files: list[Path]


@dataclass(frozen=True)
class Tests:
    """What is scored and tested.

    Args:
        split: that is scored.
        baseline: the regime that the others are tested against; the first if empty.
        pairs: further tests, (a, b) for a against b.
        groups: languages whose mean is tested too (mere.metrics.paired), as in "ja+te" or "ja+te/en+ru".
    """

    split: str = "test"
    baseline: str = ""
    pairs: Sequence[tuple[str, str]] = ()
    groups: Sequence[str] = ()


def compare(
    plan: Plan,
    out: Path,
    tests: Tests,
    *,
    jobs: int = 1,
    train: bool = True,
    command: str = "",
    progress: Progress = lambda message: None,
) -> Outcome:
    """Run every cell of a plan, score them on the same sentences, test them, and write the report.

    Finished cells are kept, interrupted ones are resumed, and a cell that fails is reported while the others go on.

    Args:
        out: the comparison's folder.
        jobs: processes at a time, of one thread each.
        train: False reports on the cells that are finished, and trains none.
        command: that the report names. progress: called with a message at each step.

    Raises:
        ConfigError, DataError: a name or the corpus is wrong, or `out` holds cells of another run.
        TrainingError: no cell was finished.
    """
    tests = replace(tests, baseline=tests.baseline or plan.regimes[0])
    for option, name in (
        ("--baseline", tests.baseline),
        *(("--pair", n) for pair in tests.pairs for n in pair),
    ):
        if name not in plan.regimes:
            known = ", ".join(plan.regimes)
            hint = nearest(name, plan.regimes)
            raise ConfigError(f"{option} {name}: no such regime.{hint} There are: {known}.")
    progress("reading the corpus")
    corpus = _corpus_of(plan)
    corpus.sentences(tests.split)  # refuses a missing split before anything is trained
    for group in tests.groups:
        members_of(group, corpus.languages(tests.split))
    fingerprint = corpus.fingerprint()
    for cell in plan.cells:
        other = _data(cell) != _data(plan.of(plan.regimes[0])[0])  # a start that is not compared itself
        folder.check_same_run(cell, _load(cell).fingerprint() if other else fingerprint)
    failures = run_cells(plan, tests.split, jobs=jobs, train=train, progress=progress)
    finished = {regime: _scored(plan.of(regime), tests.split) for regime in plan.regimes}
    finished = {regime: cells for regime, cells in finished.items() if cells}
    if not finished:
        reasons = (
            "; ".join(f"{failure.cell.name}: {failure.why}" for failure in failures) or "none was started"
        )
        raise TrainingError(f"{out}: no cell is finished, so there is nothing to compare ({reasons}).")
    progress("scoring")
    scored = _Scored(plan, corpus, tests, finished)
    for regime, note in scored.uneven.items():
        progress(f"{regime}: {note}")
    results = scored.results(failures, command or f"mere compare --out {out}")
    return Outcome(results, failures, scored.write(results, out))


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


class _Scored:
    """The finished cells of a comparison, scored."""

    def __init__(self, plan: Plan, corpus: Corpus, tests: Tests, finished: Mapping[str, Sequence[Cell]]):
        self.plan, self.corpus, self.tests, self.finished = plan, corpus, tests, finished
        self.recipe = plan.of(plan.regimes[0])[0].recipe
        self.metrics = score.main_metrics(self.recipe)
        self.sizes = {r: training_sizes(cells[0].recipe, corpus.sizes()) for r, cells in finished.items()}
        self.reports = {r: score.report_on(cells, corpus, tests.split) for r, cells in finished.items()}
        passes = {r: spent(cells[0], self.sizes[r]).passes for r, cells in finished.items()}
        self.uneven = flags(passes, tests.baseline)

    def results(self, failures: Sequence[Failure], command: str) -> Results:
        """Return the results file."""
        tests, recipe, corpus = self.tests, self.recipe, self.corpus
        data = Data(
            name=_data_name(recipe.data.paths), fingerprint=corpus.fingerprint(), sizes=corpus.sizes()
        )
        return Results(
            experiment=recipe.name,
            description=f"Regimes of training compared, each against {tests.baseline}. {score.CORRECTION}.",
            command=command,
            **origin(),
            seeds=list(self.plan.seeds),
            data=data,
            split=tests.split,
            budget=str(self.plan.budget),
            systems={regime: self._system(regime) for regime in self.finished},
            comparisons=score.compare_with(
                tests.baseline, self.reports, self.metrics, pairs=tests.pairs, groups=tests.groups
            ),
            failed_attempts=[_attempt(failure) for failure in failures],
        )

    def _system(self, regime: str) -> System:
        cells, sizes = self.finished[regime], self.sizes[regime]
        system = System.from_report(
            self.reports[regime],
            seeds=[cell.seed for cell in cells],
            costs=costs_of(cells, sizes),
            command=f"mere train {cells[0].folder}.yaml --out {cells[0].folder}",
        )
        notes = [self.uneven[regime]] if regime in self.uneven else []
        if len(cells) < len(self.plan.seeds):
            notes.append(f"Only {len(cells)} of {len(self.plan.seeds)} seeds are finished.")
        return system.model_copy(update={"description": describe(cells[0]), "note": " ".join(notes)})

    def write(self, results: Results, out: Path) -> list[Path]:
        """Write the report's files and return them."""
        curves = {
            regime: [curves_of(cell, self.sizes[regime], self.metrics[0]) for cell in cells]
            for regime, cells in self.finished.items()
        }
        files = [out / name for name in ("results.json", "results.md", "curves.json", "index.html")]
        results.write(files[0])
        page = page_of(results, curves, self.metrics, self.tests.baseline)
        files[1].write_text(page.markdown(), encoding="utf-8")
        points = {regime: [asdict(one) for one in of] for regime, of in curves.items()}
        files[2].write_text(json.dumps(points, ensure_ascii=False) + "\n", encoding="utf-8")
        files[3].write_text(page.html(), encoding="utf-8")
        return files


def _scored(cells: Sequence[Cell], split: str) -> list[Cell]:
    return [c for c in cells if folder.is_finished(c) and folder.predictions_file(c, split).is_file()]


def _attempt(failure: Failure) -> FailedAttempt:
    return FailedAttempt(what=failure.cell.name, outcome=failure.why, note="\n".join(failure.lines))


def _data_name(paths: Sequence[str]) -> str:
    return " + ".join(Path(p).name if p else "quick-start corpus" for p in paths)
