"""Does a claim hold? By the 95 % interval of the measurement that answers it, and by nothing else."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from mere.research.record import Record

Verdict = Literal["holds", "fails", "undecided", "not measured"]


class Rule(Record):
    """A claim holds if the whole interval is above (or below) a number, and fails if it is all on the other side."""

    above: float | None = Field(default=None, description="in the unit of the measurement")
    below: float | None = Field(default=None, description="in the unit of the measurement")

    @model_validator(mode="after")
    def _is_one(self) -> Rule:
        if (self.above is None) == (self.below is None):
            raise ValueError("give either above or below")
        return self

    @property
    def number(self) -> float:
        return self.above if self.above is not None else self.below or 0.0

    @property
    def opposite(self) -> Rule:
        return Rule(below=self.above) if self.above is not None else Rule(above=self.below)

    def __str__(self) -> str:
        return f"{'above' if self.above is not None else 'below'} {self.number:g}"

    def verdict(self, low: float | None, high: float | None) -> Verdict:
        """Judge an interval; without one nothing is decided. A side that is None is not bounded."""
        if low is None and high is None:
            return "undecided"
        sign = 1.0 if self.above is not None else -1.0
        ends = [None if end is None else sign * (end - self.number) for end in (low, high)]
        least, most = ends if sign > 0 else ends[::-1]
        if least is not None and least > 0:
            return "holds"
        return "fails" if most is not None and most < 0 else "undecided"
