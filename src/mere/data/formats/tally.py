"""What reading and writing corpus files did beside what was asked: counts, by kind, in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What became of the rows of corpus files on reading.

    Args:
        repaired: rows or tags that were read otherwise than they are written, by kind.
        left_out: rows that could not be used although the file could, by reason.
        lost: what the files hold and the sentences do not keep, by kind.
    """

    repaired: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        parts = [("repaired", self.repaired), ("left out", self.left_out)]
        return "; ".join(f"{name}: {told(counts)}" for name, counts in parts if +counts)

    def add(self, other: Tally) -> None:
        """Add the counts of another tally to this one."""
        self.repaired.update(other.repaired)
        self.left_out.update(other.left_out)
        self.lost.update(other.lost)


@dataclass
class Written:
    """What became of the sentences given to a writer.

    Args:
        sentences: how many were written.
        left_out: sentences that the format cannot hold, by reason.
        lost: what the written sentences no longer say (triples, types, …), by kind.
    """

    sentences: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)


def told(counts: Counter[str]) -> str:
    """Return the counts in words, the largest first; "nothing" for none."""
    return "; ".join(f"{kind}: {count:,}" for kind, count in (+counts).most_common()) or "nothing"
