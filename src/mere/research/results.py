"""The results file: one schema for every experiment of the project, validated when read.

A figure in the docs comes out of such a file with the command, seeds, commit and
hardware that made it, and with the attempts that failed. Scores are fractions, not percentages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, model_validator

from mere.errors import DataError, nearest
from mere.metrics.intervals import Measured
from mere.metrics.report import Report
from mere.metrics.scores import ENTITY_RECALLS, RECALLS
from mere.research.record import Data, Experiment, Record

ByScope = dict[str, Measured]  # a language code, "macro" (mean over languages) or "micro" -> F1


class Costs(Record):
    """What a system took to train and takes to keep; null where it was not measured."""

    train_seconds: float | None = Field(default=None, ge=0, description="wall clock, mean over seeds")
    steps: int | None = Field(default=None, ge=0, description="optimiser steps, all stages together")
    epochs_per_language: dict[str, float] = Field(
        default_factory=dict, description="passes over its sentences"
    )
    parameters_trained: int | None = Field(
        default=None, ge=0, description="in the stage that trains most, all languages' models together"
    )
    parameters_by_stage: dict[str, int] = Field(
        default_factory=dict, description="trained in each stage, all languages' models together"
    )
    parameters_total: int | None = Field(default=None, ge=0)
    bytes_stored: int | None = Field(default=None, ge=0, description="of all model folders of the system")
    bytes_per_language: dict[str, int] = Field(
        default_factory=dict, description="of what a language has for itself; empty where nothing is"
    )
    peak_memory_mb: float | None = Field(default=None, ge=0, description="resident, while training")
    threads: int | None = Field(default=None, ge=1)


class TimeToQuality(Record):
    """When a system was as good on dev as a baseline at its end, seed by seed; null: it never was.

    Args:
        targets: macro F1 on dev of the weights that the baseline kept.
        seconds, steps: until then, as a share of the baseline's whole training; all models of a system together.
        whole_seconds, whole_steps: of the system's own whole training, likewise.
    """

    baseline: str
    seeds: list[int]
    targets: list[float]
    seconds: list[float | None]
    steps: list[float | None]
    whole_seconds: list[float]
    whole_steps: list[float]


class System(Record):
    """One system's scores and costs.

    Args:
        metrics: F1 per metric, and per language, "macro" and "micro".
        per_source: F1 per metric and "language/source".
        per_relation: F1 per metric and relation.
        recall: strict recall of gold triples that training states ("seen") or not ("unseen"); of mentions, where
            the data has no triples.
    """

    metrics: dict[str, ByScope]
    per_source: dict[str, dict[str, Measured]] = Field(default_factory=dict)
    per_relation: dict[str, dict[str, Measured]] = Field(default_factory=dict)
    recall: dict[Literal["seen", "unseen"], ByScope] = Field(default_factory=dict)
    costs: Costs | None = None
    time_to_quality: TimeToQuality | None = Field(
        default=None, description="when it was as good as the baseline"
    )
    command: str | None = Field(default=None, description="that trained it")
    seeds: list[int] = Field(min_length=1)
    description: str = Field(default="", description="what the system is, in a sentence")
    note: str = Field(default="", description="what a reader of its figures must know")

    @classmethod
    def from_report(
        cls, report: Report, *, seeds: Sequence[int], costs: Costs | None = None, command: str | None = None
    ) -> System:
        """Take the scores of a report over one run per seed.

        Raises:
            DataError: the report is over another number of runs than there are seeds.
        """
        if len(seeds) != report.num_runs:
            raise DataError(
                f"{len(seeds)} seeds given for a report over {report.num_runs} runs. Give one seed per run."
            )
        scored = {n: s for n, s in report.metrics.items() if n not in (*RECALLS, *ENTITY_RECALLS)}
        of = "triple_recall" if RECALLS[0] in report.metrics else "entity_recall"
        return cls(
            metrics={name: scores.measured() for name, scores in scored.items()},
            per_source={
                name: {source: score.f1 for source, score in scores.source.items()}
                for name, scores in scored.items()
            },
            per_relation={
                name: {relation: score.f1 for relation, score in scores.relation.items()}
                for name, scores in scored.items()
            },
            recall={
                part: report.metrics[f"{of}/{part}"].measured()
                for part in ("seen", "unseen")
                if f"{of}/{part}" in report.metrics
            },
            costs=costs,
            command=command,
            seeds=list(seeds),
        )


class Comparison(Record):
    """The metric of system `a` minus that of system `b` on the same sentences."""

    a: str
    b: str
    metric: str
    scope: str = Field(
        default="macro", description='a language code, "macro", "micro" or a group of languages'
    )
    difference: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = Field(default=None, ge=0, le=1, description="two-sided")
    p_holm: float | None = Field(
        default=None, ge=0, le=1, description="p corrected by Holm's method over its family of tests"
    )
    family: int | None = Field(default=None, ge=1, description="how many tests p_holm is corrected for")
    test: Literal["paired bootstrap"] = "paired bootstrap"


class FailedAttempt(Record):
    """Something that was tried and did not help: what, what came out, and what was learnt."""

    what: str
    outcome: str
    note: str = ""


class Results(Experiment):
    """The results of one experiment."""

    data: Data
    split: str = Field(default="", description="that was scored")
    budget: str = Field(default="", description="what every system was allowed to spend")
    systems: dict[str, System]
    comparisons: list[Comparison] = Field(default_factory=list)
    failed_attempts: list[FailedAttempt] = Field(default_factory=list)

    @model_validator(mode="after")
    def _comparisons_name_systems(self) -> Results:
        for number, comparison in enumerate(self.comparisons):
            for side, name in (("a", comparison.a), ("b", comparison.b)):
                if name not in self.systems:
                    raise ValueError(
                        f'comparisons.{number}.{side} is "{name}", which is no system of this file.'
                        f"{nearest(name, self.systems)}"
                    )
        return self
