"""What a check found: findings in order of weight, and the corpus's figures beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console

Weight = Literal["error", "warning", "note"]

MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One kind of fault or one thing worth knowing, with its count, its places and what to do.

    Args:
        code: a short stable name, for `--json` and for reading the docs.
        weight: "error" (training refuses), "warning" (the score or the model suffers), "note".
        title: what was counted: "sentences that repeat another of the split".
        count: how many.
        by: the count by place (a language, a split, a source or a file), most first.
        of: how many there are in each place of `by`, where a share makes sense.
        meaning: why it matters and what to do, in one or two sentences.
        examples: up to five, each with its file and id.
    """

    code: str
    weight: Weight
    title: str
    count: int
    by: Mapping[str, int] = field(default_factory=dict)
    of: Mapping[str, int] = field(default_factory=dict)
    meaning: str = ""
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "by": dict(self.by), "of": dict(self.of), "examples": list(self.examples)}


@dataclass
class Tally:
    """A finding while it is being counted."""

    by: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, place: str, example: str = "", count: int = 1) -> None:
        """Count something found at `place`; the first examples from different places are kept."""
        if example and self.wants(place):
            self.examples.append(example)
        self.by[place] += count

    def wants(self, place: str) -> bool:
        """Whether an example from `place` would be kept."""
        return len(self.examples) < MAX_EXAMPLES and (self.by[place] == 0 or len(self.examples) < 2)

    @property
    def count(self) -> int:
        return self.by.total()


@dataclass(frozen=True)
class SourceRow:
    """What one source gives to one language; shares are from 0 to 1.

    Args:
        sentences: sentences by split.
        complete: share of sentences whose every fact is annotated.
        without_triple: share of sentences that have no triple.
        triples: number of triples.
        relations: number of relations that occur.
        covered: number of relations that were annotated, None where all were.
        chars: mean length of a sentence in code points.
        tokenised: of the sentences with a comma or full stop, the share that has a space before it.
    """

    lang: str
    source: str
    sentences: Mapping[str, int]
    complete: float
    without_triple: float
    triples: int
    relations: int
    covered: int | None
    chars: float
    tokenised: float

    def to_json(self) -> dict[str, Any]:
        shares = ("complete", "without_triple", "tokenised", "chars")
        record = {**vars(self), "sentences": dict(self.sentences)}
        return record | {name: round(record[name], 4) for name in shares}


# label name -> split -> language -> how many triples or entities bear it
Histogram = Mapping[str, Mapping[str, Mapping[str, int]]]


@dataclass(frozen=True)
class CheckReport:
    """Everything `mere check` says.

    Args:
        files: the files read.
        sizes: number of sentences by split and language.
        findings: errors first, then warnings and notes, the weightiest first.
        relations: triples by relation, split and language.
        types: entities by type, split and language; entities without a type are not counted.
        sources: one row per language and source.
    """

    files: tuple[str, ...]
    sizes: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]
    relations: Histogram
    types: Histogram
    sources: tuple[SourceRow, ...]

    def _of(self, weight: Weight) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.weight == weight)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return self._of("error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return self._of("warning")

    @property
    def notes(self) -> tuple[Finding, ...]:
        return self._of("note")

    @property
    def exit_status(self) -> int:
        """1 where there are errors, else 0."""
        return 1 if self.errors else 0

    def finding(self, code: str) -> Finding | None:
        """Return the finding of that code, or None where there was nothing to find."""
        return next((finding for finding in self.findings if finding.code == code), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "files": list(self.files),
            "sizes": self.sizes,
            "errors": [finding.to_json() for finding in self.errors],
            "warnings": [finding.to_json() for finding in self.warnings],
            "notes": [finding.to_json() for finding in self.notes],
            "relations": self.relations,
            "types": self.types,
            "sources": [row.to_json() for row in self.sources],
        }

    def render(self, console: Console) -> None:
        """Print the report as text and tables, what matters most first."""
        from mere.data.check.render import render

        render(self, console)
