"""The list of claims: what each says, which measurements answer it, and what they must come to.

A claim has a question for every corpus that it is asked of. A question is answered by one of

    difference         a regime minus another on a metric and a scope, in points (a comparison)
    order              Kendall's tau of the regimes' order in two comparisons
    time_to_quality    training until a regime is as good as the baseline, relative to the baseline's (a comparison)
    measurement        a figure of a file of measurements, in its own unit

or by the reason why it is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from benchmarks.claims.analyses import FIGURES
from benchmarks.claims.verdict import Rule
from pydantic import Field, ValidationError, model_validator

from mere.errors import DataError
from mere.research.record import Record

KINDS = ("difference", "order", "time_to_quality", "measurement", "not_measured")


class DifferenceOf(Record):
    """Regime a minus regime b."""

    a: str
    b: str
    metric: str
    scope: str = Field(
        default="macro", description="as in a comparison: macro, a language, ja+te, ja+te/en+ru"
    )

    def __str__(self) -> str:
        return f"{self.a} − {self.b}, {self.metric}, {scope_in_words(self.scope)}"


class OrderOf(Record):
    """The regimes' order by a metric in the question's file, against that in another."""

    other: str = Field(description="a results file")
    metric: str
    scope: str = "macro"

    def __str__(self) -> str:
        return f"Kendall's tau between two orders of the same regimes, {self.metric}, {scope_in_words(self.scope)}"


class TimeToQualityOf(Record):
    """When a regime is as good on dev as the baseline, monolingual models, at its end."""

    system: str
    counted: Literal["seconds", "steps"] = "seconds"

    def __str__(self) -> str:
        return (
            f"{self.counted} of training until {self.system} is on dev as good as the monolingual models at their "
            "end, as a share of what all those take"
        )


class Question(Record):
    """A claim on one corpus."""

    corpus: str
    file: str = Field(default="", description="in benchmarks/results; none where nothing was measured")
    holds: Rule | None = None
    seeds: int = Field(default=3, ge=1, description="that are asked for")
    note: str = Field(default="", description="what a reader of the answer must know")
    difference: DifferenceOf | None = None
    order: OrderOf | None = None
    time_to_quality: TimeToQualityOf | None = None
    measurement: str | None = None
    not_measured: str | None = Field(default=None, description="why")

    @model_validator(mode="after")
    def _has_one_measurement(self) -> Question:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)}, found {', '.join(given) or 'none'}")
        if self.not_measured is None and (not self.file or self.holds is None):
            raise ValueError("give the file that answers it, and what it must come to: holds: {above: 0}")
        return self

    @property
    def asked(self) -> str:
        """What is to be measured, in words."""
        if self.measurement is not None:
            figure = FIGURES.get(self.measurement)
            return figure.what if figure is not None else self.measurement
        return str(self.difference or self.order or self.time_to_quality or "")


def scope_in_words(scope: str) -> str:
    """Say "mean over languages", "de", "mean of ja and te", "mean of ja and te above that of en and ru"."""
    if scope == "macro":
        return "mean over languages"
    parts = [" and ".join(part.split("+")) for part in scope.split("/")]
    mean = f"mean of {parts[0]}" if "+" in scope or len(parts) > 1 else parts[0]
    return mean if len(parts) == 1 else f"{mean} above that of {parts[1]}"


class Claim(Record):
    """What a paper, or we, say; and the questions that test it."""

    id: str = Field(pattern=r"^[A-C]-\d+$")
    paper: str = Field(description="and the place in it")
    claim: str
    questions: list[Question] = Field(min_length=1)


class ClaimList(Record):
    """All claims."""

    claims: list[Claim]

    @model_validator(mode="after")
    def _ids_are_unlike(self) -> ClaimList:
        ids = [claim.id for claim in self.claims]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"declared twice: {', '.join(twice)}")
        return self

    @classmethod
    def read(cls, path: str | Path) -> ClaimList:
        """Read the list.

        Raises:
            DataError: it is no YAML, or does not fit; names every key at fault.
        """
        try:
            return cls.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        except (OSError, yaml.YAMLError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from None
        except ValidationError as error:
            problems = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
            raise DataError("\n".join(problems)) from None
