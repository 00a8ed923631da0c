"""Holm's correction for many comparisons (Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure").

The smallest of m p values is multiplied by m, the next by m - 1 and so on, none below the one before it. Rejecting
where the result is at most 0.05 is wrong about any of the family's true hypotheses in at most 5 % of the cases,
however the tests depend on each other.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Return the adjusted p of every test of a family."""
    adjusted: dict[Key, float] = {}
    largest = 0.0
    for rank, (key, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p))
        adjusted[key] = largest
    return {key: adjusted[key] for key in p_values}
