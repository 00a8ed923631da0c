"""What was measured for a question, taken out of the files of benchmarks/results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.claims.declared import DifferenceOf, OrderOf, Question, TimeToQualityOf
from benchmarks.claims.measurements import Measurements
from benchmarks.claims.order import kendall
from benchmarks.reading import read

from mere.research.results import Costs, Results


class NotMeasuredError(Exception):
    """Nothing answers the question, and why."""


@dataclass(frozen=True)
class Evidence:
    """A measurement.

    Args:
        effect, low, high: in `unit`; an end that is None is not bounded.
        remark: what must be said beside what the question asks for.
    """

    unit: str
    effect: float | None
    low: float | None
    high: float | None
    seeds: list[int]
    command: str
    commit: str | None
    p: float | None = None
    p_holm: float | None = None
    interval: str = "95 % interval"
    remark: str = ""
    costs: str = ""


def evidence_for(question: Question, folder: Path) -> Evidence:
    """Take the measurement of a question out of its file.

    Raises:
        NotMeasuredError: there is no such file, or it has no such measurement.
        DataError: the file does not fit its schema.
    """
    if question.not_measured is not None:
        raise NotMeasuredError(question.not_measured)
    path = folder / question.file
    if not path.is_file():
        raise NotMeasuredError(f"There is no {question.file} yet.")
    if question.measurement is not None:
        return _measurement(question.measurement, read(Measurements, path), question.file)
    results = read(Results, path)
    if question.difference is not None:
        return _difference(question.difference, results, question.file)
    if question.time_to_quality is not None:
        return _time_to_quality(question.time_to_quality, results, question.file)
    assert question.order is not None
    other = folder / question.order.other
    if not other.is_file():
        raise NotMeasuredError(f"There is no {question.order.other} yet.")
    return _order(question.order, results, read(Results, other))


def _difference(asked: DifferenceOf, results: Results, file: str) -> Evidence:
    for number in results.comparisons:
        turned = {(asked.a, asked.b): 1, (asked.b, asked.a): -1}.get((number.a, number.b))
        if turned is None or (number.metric, number.scope) != (asked.metric, asked.scope):
            continue
        if number.difference is None:
            break
        ends = [None if end is None else 100 * turned * end for end in (number.low, number.high)]
        low, high = ends[::turned]
        pair = [results.systems[name] for name in (asked.a, asked.b)]
        return Evidence(
            unit="points",
            effect=100 * turned * number.difference,
            low=low,
            high=high,
            seeds=sorted(set(pair[0].seeds) & set(pair[1].seeds)),
            command=results.command,
            commit=results.commit,
            p=number.p,
            p_holm=number.p_holm,
            costs="; ".join(_costs(name, results.systems[name].costs) for name in (asked.a, asked.b)),
        )
    raise NotMeasuredError(f"{file} has no {asked}.")


def _costs(name: str, costs: Costs | None) -> str:
    """Say how many numbers a system's last stage trains, and how many steps it took."""
    trained = list(costs.parameters_by_stage.values())[-1:] if costs else []
    parts = [f"{number:,} numbers trained last" for number in trained]
    parts += [f"{costs.steps:,} steps in all"] if costs and costs.steps is not None else []
    return f"{name}: {', '.join(parts) or 'not measured'}"


def _time_to_quality(asked: TimeToQualityOf, results: Results, file: str) -> Evidence:
    found = results.systems[asked.system].time_to_quality if asked.system in results.systems else None
    if found is None:
        raise NotMeasuredError(f"{file} does not say when {asked.system} is as good as the baseline.")
    shares: list[float | None] = getattr(found, asked.counted)
    wholes: list[float] = getattr(found, f"whole_{asked.counted}")
    known = [share for share in shares if share is not None]
    never = len(shares) - len(known)
    return Evidence(
        unit="times",
        effect=None if never else fmean(known),
        low=min(share if share is not None else whole for share, whole in zip(shares, wholes, strict=True)),
        high=None if never else max(known),
        seeds=found.seeds,
        command=results.command,
        commit=results.commit,
        interval="range over the seeds",
        remark=f"never with {never} of {len(shares)} seeds" if never else "",
    )


def _order(asked: OrderOf, results: Results, other: Results) -> Evidence:
    scores = [
        {
            name: system.metrics[asked.metric][asked.scope]
            for name, system in file.systems.items()
            if asked.scope in system.metrics.get(asked.metric, {})
        }
        for file in (results, other)
    ]
    common = [name for name in scores[0] if name in scores[1]]
    if len(common) < 3:
        raise NotMeasuredError(f"Only {len(common)} regimes are in both files, too few for an order.")
    tau = kendall(*([of[name] for name in common] for of in scores))
    return Evidence(
        unit="tau",
        effect=tau.value,
        low=tau.low,
        high=tau.high,
        seeds=sorted(set(results.seeds) & set(other.seeds)),
        command=results.command,
        commit=results.commit,
        remark=f"{len(common)} regimes in {results.experiment} and {other.experiment}",
    )


def _measurement(name: str, file: Measurements, path: str) -> Evidence:
    if name not in file.measurements:
        raise NotMeasuredError(f"{path} has no measurement {name}.")
    found = file.measurements[name]
    return Evidence(
        unit=found.unit,
        effect=found.mean.value,
        low=found.mean.low,
        high=found.mean.high,
        seeds=file.seeds,
        command=file.command,
        commit=file.commit,
        interval="95 % t interval over seeds",
    )
