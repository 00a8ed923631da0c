"""What fine-tuning changes, and whether it changes the parameters that languages share (METHOD §6.4).

    Δ = fine-tuned weights - shared weights

Every parameter is of one of four kinds by the top-p % sets of Fisher information in the shared model: `shared` is
in the top set of the language and of another one, `specific` only in that of the language, `others` only in those of
other languages, `none` in none. The most changed parameters are counted by kind, beside the share that each kind has
of all parameters; `lift` is the quotient, 1 by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mere.research.analysis.overlap import Diagonals, flat, module_of, top_sets

KINDS = ("shared", "specific", "others", "none")


@dataclass(frozen=True)
class WeightChange:
    """How one language's fine-tuning changed the shared weights.

    Args:
        relative: module -> |Δ| / |W|, Euclidean norms, W the shared weights.
        squared_share: module -> its share of |Δ|².
        changed: share of the parameters that changed at all.
        kinds: kind -> share of the most changed parameters, and of all of them.
    """

    lang: str
    percent: float
    relative: dict[str, float]
    squared_share: dict[str, float]
    changed: float
    kinds: dict[str, tuple[float, float]]

    def to_json(self) -> dict[str, Any]:
        kinds = {
            kind: {"most_changed": changed, "all": every, "lift": changed / every if every else None}
            for kind, (changed, every) in self.kinds.items()
        }
        return {**vars(self), "kinds": kinds}


def weight_change(
    lang: str,
    shared: Mapping[str, Tensor],
    tuned: Mapping[str, Tensor],
    diagonals: Diagonals,
    *,
    percent: float = 10.0,
) -> WeightChange:
    """Compare a language's fine-tuned weights with the shared ones.

    Args:
        shared, tuned: parameters by name; compared are those in both that some language has information in.
        diagonals: Fisher information in the shared model, by language; `lang` is among them.
        percent: size of the top sets and of the set of the most changed parameters.
    """
    informed = {name for diagonal in diagonals.values() for name in diagonal}
    names = [name for name in shared if name in tuned and name in informed]
    shapes = {name: shared[name].shape for name in names}
    change = {name: (tuned[name] - shared[name]).float() for name in names}
    sizes: dict[str, list[float]] = {}
    for name in names:
        sums = sizes.setdefault(module_of(name), [0.0, 0.0])
        sums[0] += float(change[name].double().square().sum())
        sums[1] += float(shared[name].double().square().sum())
    total = sum(square for square, _ in sizes.values())
    distance = flat(change, shapes).abs()
    return WeightChange(
        lang,
        percent,
        relative={module: (d / w) ** 0.5 if w else 0.0 for module, (d, w) in sizes.items()},
        squared_share={module: d / total if total else 0.0 for module, (d, _) in sizes.items()},
        changed=float((distance > 0).double().mean()),
        kinds=_by_kind(lang, distance, {k: flat(v, shapes) for k, v in diagonals.items()}, percent),
    )


def _by_kind(
    lang: str, distance: Float[Tensor, " Z"], values: Mapping[str, Float[Tensor, " Z"]], percent: float
) -> dict[str, tuple[float, float]]:
    top_change = top_sets(distance, [percent])[0]
    mine = top_sets(values[lang], [percent])[0]
    theirs = torch.zeros_like(mine)
    for other, information in values.items():
        if other != lang:
            theirs |= top_sets(information, [percent])[0]
    kinds: dict[str, Bool[Tensor, " Z"]] = {
        "shared": mine & theirs,
        "specific": mine & ~theirs,
        "others": ~mine & theirs,
        "none": ~mine & ~theirs,
    }
    number = max(1, int(top_change.sum()))
    return {
        kind: (int((top_change & members).sum()) / number, float(members.double().mean()))
        for kind, members in kinds.items()
    }
