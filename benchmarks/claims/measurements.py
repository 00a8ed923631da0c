"""A file of measurements that are no scores of systems: each with its value for every seed, and their mean.

What `mere analyze` found is brought into this form by benchmarks.claims.analyses.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from pydantic import Field
from scipy import stats

from mere.metrics.intervals import Measured
from mere.research.record import Data, Experiment, Record


class Measurement(Record):
    """One figure: what it is, in which unit, and its value for each seed of the file."""

    what: str
    unit: str
    values: list[float]
    mean: Measured = Field(description="with a 95 % t interval over the seeds, if there are several")

    @classmethod
    def over(cls, what: str, unit: str, values: Sequence[float]) -> Measurement:
        """Take the mean over seeds."""
        return cls(what=what, unit=unit, values=[round(v, 6) for v in values], mean=over_seeds(values))


class Measurements(Experiment):
    """What was measured on one corpus, and where that comes from."""

    data: Data
    measurements: dict[str, Measurement]


def over_seeds(values: Sequence[float]) -> Measured:
    """Return the mean with its 95 % interval by Student's t; one value has none."""
    mean = fmean(values)
    if len(values) == 1:
        return Measured(value=round(mean, 6))
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return Measured(value=round(mean, 6), low=round(mean - half, 6), high=round(mean + half, 6))
