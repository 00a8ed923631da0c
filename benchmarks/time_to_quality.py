"""How soon a regime is as good on dev as another is at its end (claim C-1), in seconds and steps of training.

A log holds the steps of an evaluation, not its time: within a stage seconds go with steps. The stages that a run
starts from are counted, and so are evaluations on dev.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from mere.config import Recipe, read_tree
from mere.research.compare import folder
from mere.research.compare.costs import spent
from mere.research.compare.curves import evaluations, records_of
from mere.research.compare.plan import CELLS, Cell, Source
from mere.research.results import TimeToQuality


def finished_cell(comparison: Path, regime: str, seed: int) -> Cell:
    """Return a finished cell of a comparison's folder, with those that it started from."""
    folder = comparison / CELLS / regime / f"seed-{seed}"
    recipe = Recipe.from_stored(read_tree(folder / "recipe.yaml"), str(folder))
    start = Path(recipe.start)  # cells/<regime>/seed-<n>/<stage>.safetensors, wherever the folder was
    if CELLS not in start.parts:
        return Cell(regime, seed, recipe, folder)
    other = finished_cell(comparison, start.parts[-3], seed)
    return Cell(regime, seed, recipe, folder, Source(other, start.stem))


def best_on_dev(cell: Cell, langs: Iterable[str], metric: str) -> float | None:
    """Return the macro F1 on dev, a fraction, of the weights that the last stage kept; None: it was not measured."""
    of, stage = list(cell.path())[-1]
    by_stage_run = records_of(of, stage, sorted(langs))
    best = [[macro for _, macro in evaluations({run: found}, metric)] for run, found in by_stage_run.items()]
    return fmean(max(macros) for macros in best) if all(best) else None


def when_reached(cell: Cell, target: float, langs: Iterable[str], metric: str) -> tuple[float, float] | None:
    """Return the seconds and steps of all models until the macro F1 on dev is first at least `target`, or None."""
    seconds, steps, names = 0.0, 0.0, sorted(langs)
    for of, stage in cell.path():
        costs = folder.metrics(of)["costs"]
        by_stage_run = records_of(of, stage, names)
        for at, macro in evaluations(by_stage_run, metric):
            if macro >= target:
                shares = {run: step / costs["steps"][run] for run, step in at.items()}
                seconds += sum(costs["seconds"][run] * share for run, share in shares.items())
                return seconds, steps + sum(at.values())
        seconds += sum(costs["seconds"].get(run, 0.0) for run in by_stage_run)
        steps += sum(costs["steps"].get(run, 0) for run in by_stage_run)
    return None


def time_to_quality(
    cells: Sequence[Cell], baseline: Sequence[Cell], sizes: Mapping[str, int], metric: str
) -> TimeToQuality | None:
    """Return for each seed when the cells are as good on dev as the baseline's of that seed are at their end.

    Args:
        sizes: training sentences per language.
    """
    if not baseline:
        return None
    others = {cell.seed: cell for cell in baseline}
    found = TimeToQuality(
        baseline=baseline[0].regime,
        seeds=[],
        targets=[],
        seconds=[],
        steps=[],
        whole_seconds=[],
        whole_steps=[],
    )
    for cell in cells:
        target = best_on_dev(others[cell.seed], sizes, metric) if cell.seed in others else None
        if target is None:
            continue
        whole, cost = spent(others[cell.seed], sizes), spent(cell, sizes)
        at = when_reached(cell, target, sizes, metric)
        found.seeds.append(cell.seed)
        found.targets.append(round(target, 6))
        found.seconds.append(None if at is None else round(at[0] / whole.seconds, 4))
        found.steps.append(None if at is None else round(at[1] / whole.steps, 4))
        found.whole_seconds.append(round(cost.seconds / whole.seconds, 4))
        found.whole_steps.append(round(cost.steps / whole.steps, 4))
    return found if found.seeds else None
