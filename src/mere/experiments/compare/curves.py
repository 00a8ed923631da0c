"""Training curves of a cell, from its log: loss and dev F1 over the optimiser steps of all its models together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from mere.experiments.compare import folder
from mere.experiments.compare.plan import Cell

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
        legs = [f"{stage.name}.{lang}" for lang in names] if stage.per_language else [stage.name]
        by_leg = {leg: [record for record in folder.log(of) if record.get("stage") == leg] for leg in legs}
        curves.loss.extend((done + x, y) for x, y in _loss(by_leg))
        curves.dev.extend((done + x, y) for x, y in _dev(by_leg, metric))
        done += sum(_steps(records) for records in by_leg.values())
        curves.stages.append((stage.name, done))
    return curves


def _loss(by_leg: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Point]:
    """The legs of a stage one after the other."""
    points, before = [], 0
    for records in by_leg.values():
        steps = [record for record in records if record["event"] == "step"]
        points += [(float(before + r["step"]), float(sum(r["losses"].values()))) for r in steps]
        before += _steps(records)
    return points


def _dev(by_leg: Mapping[str, Sequence[Mapping[str, Any]]], metric: str) -> list[Point]:
    """The macro mean at each evaluation; the models of single languages as if they were trained side by side."""
    found = [[r for r in records if r["event"] == "evaluation"] for records in by_leg.values()]
    found = [evaluations for evaluations in found if evaluations]
    points = []
    for number in range(max((len(evaluations) for evaluations in found), default=0)):
        rows = [evaluations[min(number, len(evaluations) - 1)] for evaluations in found]
        rows = [row for row in rows if metric in row]
        if rows:
            steps = float(sum(row["step"] for row in rows))
            points.append((steps, fmean(row[metric]["macro"] for row in rows) / 100))
    return points


def _steps(records: Iterable[Mapping[str, Any]]) -> int:
    return max((record["step"] for record in records if record["event"] == "step"), default=0)
