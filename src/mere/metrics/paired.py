"""Is one system better than another? A paired bootstrap: both scored on the same resamples of sentences.

The p value is two-sided and never 0: the observed data count as one resample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mere.errors import DataError, nearest
from mere.metrics.intervals import DECIMALS, Resampled, percentiles, strata_of
from mere.metrics.scores import SystemScores

_TIE = 1e-12  # differences this close are equal: F1s of equal counts may differ in their last bit


@dataclass(frozen=True, slots=True)
class Difference:
    """The F1 of `a` minus that of `b`, its interval where the test gives one, and the two-sided p value.

    All are None where a system has nothing to be measured by (no gold and no predictions).
    """

    difference: float | None
    low: float | None = None
    high: float | None = None
    p: float | None = None


def paired_bootstrap(
    a: SystemScores,
    b: SystemScores,
    metric: str = "triple_f1/strict",
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    groups: Sequence[str] = (),
) -> dict[str, Difference]:
    """Compare two systems by resampling sentences (the same for both) and the runs of each (independently).

    Args:
        groups: further scopes: `"ja+te"` is the mean over some languages, `"ja+te/en+ru"` is how far the difference
            in one mean is above that in another.

    Returns:
        A difference per language, `"macro"`, `"micro"` and group. p is twice the smaller share of resamples in which
        the difference is not above, or not below, zero.

    Raises:
        DataError: the systems were not scored on the same sentences, or not on a language of a group.
    """
    langs = _check_comparable(a, b)
    members = {group: members_of(group, langs) for group in groups}
    sides = [
        Resampled(
            system.by_language(metric),
            strata_of(system),
            resamples=resamples,
            seed=seed,
            level=level,
            system=number,
        )
        for number, system in enumerate((a, b))
    ]

    def difference(scope: str) -> Difference:
        (value_a, values_a), (value_b, values_b) = (
            side.macro(langs) if scope == "macro" else side.micro(langs if scope == "micro" else [scope])
            for side in sides
        )
        return _with_interval(value_a - value_b, values_a - values_b, level)

    def contrast(parts: Sequence[Sequence[str]]) -> Difference:
        value, values = 0.0, np.zeros(resamples)
        for sign, part in zip((1, -1), parts, strict=False):
            (value_a, values_a), (value_b, values_b) = (side.macro(part) for side in sides)
            value, values = value + sign * (value_a - value_b), values + sign * (values_a - values_b)
        return _with_interval(value, values, level)

    single = {scope: difference(scope) for scope in (*langs, "macro", "micro")}
    return single | {group: contrast(parts) for group, parts in members.items()}


def members_of(group: str, langs: Sequence[str]) -> list[list[str]]:
    """Return the languages of `"ja+te"`, or the two lists of `"ja+te/en+ru"`.

    Raises:
        DataError: it is no such group, or has a language that is not one of `langs`.
    """
    parts = [part.split("+") for part in group.split("/")]
    if len(parts) > 2 or len(parts) == len(parts[0]) == 1:
        raise DataError(f'group "{group}": write languages as in ja+te, or two groups as in ja+te/en+ru.')
    for lang in (lang for part in parts for lang in part):
        if lang not in langs:
            raise DataError(
                f'group "{group}": no language "{lang}" was scored.{nearest(lang, langs)} '
                f"There are: {', '.join(langs)}."
            )
    return parts


def _check_comparable(a: SystemScores, b: SystemScores) -> list[str]:
    """Return the languages that both systems were scored on, the sentences being the same."""
    if a.ids == b.ids:
        return a.languages
    if len(a.ids) != len(b.ids):
        raise DataError(
            f"system a was scored on {len(a.ids)} sentences and system b on {len(b.ids)}: a paired test "
            "needs the same ones in the same order. Score both on the same split."
        )
    s = next(s for s, (one, other) in enumerate(zip(a.ids, b.ids, strict=True)) if one != other)
    (lang_a, id_a), (lang_b, id_b) = a.ids[s], b.ids[s]
    raise DataError(
        f"sentence {s} is {id_a} ({lang_a}) for system a and {id_b} ({lang_b}) for system b: a paired test "
        "needs the same ones in the same order. Score both on the same split."
    )


def _with_interval(value: float, values: NDArray[np.float64], level: float) -> Difference:
    known = values[~np.isnan(values)]
    if math.isnan(value) or not len(known):
        return Difference(None if math.isnan(value) else round(value, DECIMALS))
    low, high = percentiles(known, level)
    tail = min(int((known <= _TIE).sum()), int((known >= -_TIE).sum()))
    p = min(1.0, 2 * (tail + 1) / (len(known) + 1))
    return Difference(round(value, DECIMALS), low, high, round(p, DECIMALS))
