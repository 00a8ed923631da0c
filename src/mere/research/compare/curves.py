"""Training curves of a cell, from its log: loss and dev F1 over the optimiser steps of all its models together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mere.config import StageSettings
from mere.research.compare import folder
from mere.research.compare.plan import Cell

Point = tuple[float, float]


@dataclass(frozen=True)
class Curves:
    """What one run's log draws; x is optimiser steps so far, the stages that it starts from included.

    Args:
        loss: total training loss of single steps. dev: macro F1 on dev, a fraction.
        stages: name of each stage, and the steps at its end.
    """

    seed: int
    loss: list[Point]
    dev: list[Point]
    stages: list[tuple[str, int]]


def curves_of(cell: Cell, langs: Iterable[str], metric: str) -> Curves:
    """Read a finished cell's log and those of the cells that it starts from."""
    curves, done = Curves(cell.seed, [], [], []), 0
    names = sorted(langs)
    for of, stage in cell.path():
        by_stage_run = records_of(of, stage, names)
        curves.loss.extend((done + x, y) for x, y in _loss(by_stage_run))
        curves.dev.extend((done + x, y) for x, y in _dev(by_stage_run, metric))
        done += sum(_steps(records) for records in by_stage_run.values())
        curves.stages.append((stage.name, done))
    return curves


def records_of(cell: Cell, stage: StageSettings, langs: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what a cell logged of a stage, by stage run: of each language, or of all together."""
    stage_runs = [f"{stage.name}.{lang}" for lang in langs] if stage.per_language else [stage.name]
    return {run: [record for record in folder.log(cell) if record.get("stage") == run] for run in stage_runs}


def _loss(by_stage_run: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Point]:
    """Return the losses of a stage, its runs one after the other."""
    points, before = [], 0
    for records in by_stage_run.values():
        steps = [record for record in records if record["event"] == "step"]
        points += [(float(before + r["step"]), float(sum(r["losses"].values()))) for r in steps]
        before += _steps(records)
    return points


def _dev(by_stage_run: Mapping[str, Sequence[Mapping[str, Any]]], metric: str) -> list[Point]:
    return [(float(sum(steps.values())), macro) for steps, macro in evaluations(by_stage_run, metric)]


def evaluations(
    by_stage_run: Mapping[str, Sequence[Mapping[str, Any]]], metric: str
) -> list[tuple[dict[str, int], float]]:
    """Return each evaluation on dev of a stage: the steps of its stage_runs, and the macro mean, a fraction.

    The models of single languages are taken as if they were trained side by side.
    """
    found = {run: [r for r in records if r["event"] == "evaluation"] for run, records in by_stage_run.items()}
    found = {run: records for run, records in found.items() if records}
    made = []
    for number in range(max(map(len, found.values()), default=0)):
        rows = {run: records[min(number, len(records) - 1)] for run, records in found.items()}
        rows = {run: row for run, row in rows.items() if metric in row}
        if rows:
            macro = fmean(row[metric]["macro"] for row in rows.values()) / 100
            made.append(({run: row["step"] for run, row in rows.items()}, macro))
    return made


def _steps(records: Iterable[Mapping[str, Any]]) -> int:
    return max((record["step"] for record in records if record["event"] == "step"), default=0)
