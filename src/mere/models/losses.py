"""Losses item by item, each knowing its sentence: so that a batch has one loss, or one per language."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class ItemLosses:
    """What N items of a batch cost (sentences, tagging items, pairs, pieces …); their mean is the batch's loss.

    Args:
        values: weighted losses. row: which sentence of the batch each item is of.
        whole: how many items the whole batch has, if these are those of a share of it; None: they are all.
    """

    values: Float[Tensor, " N"]
    row: Int[Tensor, " N"]
    whole: int | None = None

    def mean(self) -> Float[Tensor, ""]:
        """Return the batch's loss, or what a share of the batch contributes to it."""
        return self.values.mean() if self.whole is None else self.values.sum() / self.whole

    def part(self, is_own: Bool[Tensor, " B"]) -> Float[Tensor, ""]:
        """Return what some sentences contribute to the batch's loss; parts that cover it add up to it."""
        return (self.values * is_own[self.row]).sum() / (self.whole or len(self.values))
