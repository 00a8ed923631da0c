"""The overlap of languages' most informative parameters: their top p % by Fisher information (METHOD §6.1).

    T_L(p) -> the p % of the parameters with the most information of language L
    Jaccard |T_A ∩ T_B| / |T_A ∪ T_B|      share |T_A ∩ T_B| / |T_A|

Two random sets of share p overlap by p in share and p / (2 - p) in Jaccard. A parameter without any information
(a row of an embedding table that the language does not read) is in no top set, so a set may be smaller than p; the
chance level is that of the sets' true sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

PERCENTS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0)
Diagonals = Mapping[str, Mapping[str, Tensor]]
"""Language (or any owner) -> parameter name -> values of its shape; a name that is missing is 0."""
Pair = tuple[str, str]
MONOLINGUAL = " monolingual"
"""Suffix of an owner that is a language's independent model."""
WITHIN = "languages, this model"

_AT_ONCE = 1 << 21
"""Parameters that are compared at a time; their count is exact in float32."""


@dataclass(frozen=True)
class Overlap:
    """The overlap of two sets of parameters.

    Args:
        share: of the first set that is in the second. chance_*: of random sets of the same two sizes.
    """

    jaccard: float
    share: float
    chance_jaccard: float
    chance_share: float

    def to_json(self) -> dict[str, float]:
        return {name: round(value, 5) for name, value in vars(self).items()}


@dataclass(frozen=True)
class OverlapCurves:
    """The overlap of every ordered pair of owners by module ("all" is the whole model) and percent.

    Args:
        sizes: number of parameters of each module.
        where: owner -> module -> share of the owner's top set of the whole model that lies there, by percent.
    """

    owners: tuple[str, ...]
    percents: tuple[float, ...]
    sizes: dict[str, int]
    curves: dict[str, dict[Pair, list[Overlap]]]
    where: dict[str, dict[str, list[float]]]

    def mean(self, module: str = "all", pairs: Iterable[Pair] | None = None) -> list[Overlap]:
        """Return the means over some pairs, by default all, at each percent."""
        chosen = [self.curves[module][pair] for pair in (self.curves[module] if pairs is None else pairs)]
        names = [field.name for field in fields(Overlap)]
        return [
            Overlap(**{name: sum(getattr(o, name) for o in at) / len(at) for name in names})
            for at in zip(*chosen, strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return every pair in the whole model, and the means of each kind of pairs in every module."""
        return {
            "owners": list(self.owners),
            "percents": list(self.percents),
            "parameters": self.sizes,
            "pairs": {
                f"{a} / {b}": [o.to_json() for o in points] for (a, b), points in self.curves["all"].items()
            },
            "mean": {
                kind: {module: [o.to_json() for o in self.mean(module, pairs)] for module in self.curves}
                for kind, pairs in self.kinds().items()
            },
            "where": self.where,
        }

    def kinds(self) -> dict[str, list[Pair]]:
        """Return the pairs of owners by what is compared; a kind that does not occur is left out."""
        single = {
            owner.removesuffix(MONOLINGUAL): owner for owner in self.owners if owner.endswith(MONOLINGUAL)
        }
        languages = [owner for owner in self.owners if not owner.endswith(MONOLINGUAL)]
        within = [(a, b) for a in languages for b in languages if a != b]
        kinds = {
            WITHIN: within,
            "languages, independent models": [
                (single[a], single[b]) for a, b in within if a in single and b in single
            ],
            "one language, this model and its monolingual one": list(single.items()),
        }
        return {kind: pairs for kind, pairs in kinds.items() if pairs}


def module_of(name: str) -> str:
    """Return the module that owns a parameter: "encoder.context.forwards.0" of "….forwards.0.weight_ih_l0"."""
    return name.rpartition(".")[0]


def flat(diagonal: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]) -> Float[Tensor, " Z"]:
    """Return the values of all parameters one after the other, 0 where there are none."""
    parts = [diagonal[n].reshape(-1) if n in diagonal else torch.zeros(s.numel()) for n, s in shapes.items()]
    return torch.cat([part.float() for part in parts])


def top_sets(values: Float[Tensor, " Z"], percents: Sequence[float]) -> list[Bool[Tensor, " Z"]]:
    """Return for each percent which parameters are in the top set; one that is 0 never is."""
    ordered = values.sort(descending=True).values
    sets = []
    for percent in percents:
        size = min(len(values), max(1, round(percent / 100 * len(values))))
        sets.append((values >= ordered[size - 1]) & (values > 0))
    return sets


def overlap(both: int, first: int, second: int, everything: int) -> Overlap:
    """Compare two sets by their numbers: in both, in each, and of all parameters. An empty set shares nothing."""
    expected = first * second / everything
    return Overlap(
        jaccard=both / max(1, first + second - both),
        share=both / max(1, first),
        chance_jaccard=expected / max(1.0, first + second - expected),
        chance_share=second / everything,
    )


def overlaps(
    diagonals: Diagonals, shapes: Mapping[str, torch.Size], *, percents: Sequence[float] = PERCENTS
) -> OverlapCurves:
    """Compare every two owners, in the whole model and in each module with a ranking of its own.

    Args:
        shapes: the parameters that are compared, by name, in the order of the model.
    """
    owners = tuple(diagonals)
    values = {owner: flat(diagonal, shapes) for owner, diagonal in diagonals.items()}
    places: dict[str, list[slice]] = {}
    start = 0
    for name, shape in shapes.items():
        places.setdefault(module_of(name), []).append(slice(start, start + shape.numel()))
        start += shape.numel()
    curves: dict[str, dict[Pair, list[Overlap]]] = {}
    where: dict[str, dict[str, list[float]]] = {owner: {} for owner in owners}
    whole = {owner: top_sets(values[owner], percents) for owner in owners}
    curves["all"] = _pairs(whole)
    for module, slices in places.items():
        part = {o: torch.cat([values[o][s] for s in slices]) for o in owners}
        curves[module] = _pairs({o: top_sets(part[o], percents) for o in owners})
        for owner in owners:
            where[owner][module] = [
                round(sum(int(chosen[s].sum()) for s in slices) / max(1, int(chosen.sum())), 5)
                for chosen in whole[owner]
            ]
    sizes = {"all": start} | {m: sum(s.stop - s.start for s in slices) for m, slices in places.items()}
    return OverlapCurves(owners, tuple(percents), sizes, curves, where)


def _pairs(sets: Mapping[str, list[Bool[Tensor, " Z"]]]) -> dict[Pair, list[Overlap]]:
    """Compare every two owners' sets, given by percent."""
    owners = list(sets)
    pairs: dict[Pair, list[Overlap]] = {(a, b): [] for a in owners for b in owners if a != b}
    for members in zip(*sets.values(), strict=True):
        everything = len(members[0])
        counts = torch.zeros(len(owners), len(owners), dtype=torch.float64)
        for start in range(0, everything, _AT_ONCE):
            part = torch.stack([m[start : start + _AT_ONCE] for m in members]).float()
            counts += (part @ part.T).double()
        for (a, b), points in pairs.items():
            i, j = owners.index(a), owners.index(b)
            points.append(overlap(int(counts[i, j]), int(counts[i, i]), int(counts[j, j]), everything))
    return pairs
