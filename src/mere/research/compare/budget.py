"""What every regime may spend: equal epochs per language, optimiser steps or seconds of training.

Epochs are the recipe's own; they are verified by what the runs logged (mere.research.compare.costs). Steps
and seconds are a total that covers every language's models, and are split over a regime's stages in proportion
to their epochs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mere.config import Recipe, StageSettings
from mere.errors import ConfigError, nearest

Kind = Literal["epochs", "steps", "seconds"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Budget:
    """What is held equal, and for steps and seconds how many; epochs are as many as the recipe says."""

    kind: Kind = "epochs"
    amount: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `epochs`, `steps=12000` or `seconds=600`.

        Raises:
            ConfigError: it is none of these.
        """
        name, equals, value = text.strip().partition("=")
        kind = next((k for k in KINDS if k == name), None)
        if kind is None:
            raise ConfigError(
                f"--budget {text}: unknown.{nearest(name, KINDS)} Write epochs, steps=N or seconds=N."
            )
        if kind == "epochs":
            if equals:
                raise ConfigError(f"--budget {text}: epochs are the recipe's own: write --budget epochs.")
            return cls()
        try:
            amount = float(value)
        except ValueError:
            amount = 0.0
        if not 0 < amount < float("inf") or (kind == "steps" and amount != int(amount)):
            raise ConfigError(f"--budget {text}: say how many, for each regime in all: --budget {kind}=600.")
        return cls(kind, amount)

    def __str__(self) -> str:
        if self.kind == "epochs":
            return "equal epochs per language, as the recipe says"
        return f"equal {self.kind} of training: {self.amount:,.10g} for each regime and seed, all its models together"


def allotted(stage: StageSettings, budget: Budget) -> float:
    """Return what a stage of a planned recipe may spend; 0 under equal epochs."""
    return {"epochs": 0.0, "steps": float(stage.steps), "seconds": stage.seconds}[budget.kind]


def allot(recipe: Recipe, budget: Budget, spent: float = 0.0) -> Recipe:
    """Split a budget over the stages of a recipe, in proportion to their epochs.

    Args:
        spent: what the stages of other cells, whose weights the recipe starts from, have spent of it.

    Raises:
        ConfigError: too little is left for a stage to train at all.
    """
    if budget.kind == "epochs":
        return recipe
    left = budget.amount - spent
    whole = sum(stage.epochs for stage in recipe.stages)
    ends = [left * sum(s.epochs for s in recipe.stages[: i + 1]) / whole for i in range(len(recipe.stages))]
    if budget.kind == "steps":
        ends = [float(round(end)) for end in ends]
    parts = [end - begin for begin, end in zip([0.0, *ends], ends, strict=False)]
    tree = recipe.model_dump(mode="json")
    for stage, part in zip(tree["stages"], parts, strict=True):
        if part <= 0:
            raise ConfigError(
                f"regime {recipe.regime}: of {budget.amount:g} {budget.kind} nothing is left for stage "
                f"{stage['name']}, {spent:g} are spent before it. Give more: --budget {budget.kind}=N."
            )
        stage[budget.kind] = int(part) if budget.kind == "steps" else part
    return Recipe.from_tree(tree)
