"""The plan of a comparison: regimes times seeds are cells, and a cell is one run of `mere train`.

OUT/cells/<regime>/seed-<n>/            the cell's run folder (mere.training.folder)
OUT/cells/<regime>/seed-<n>.yaml        its resolved recipe
OUT/cells/<regime>/seed-<n>.log         the output of its processes

A regime may begin with another regime's weights of the same seed: `start: cells/<regime>/<stage>`. That cell runs
first, and what its stages cost up to there is charged to both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mere.config import Recipe, StageSettings, read_tree
from mere.errors import ConfigError, nearest
from mere.research.compare.budget import Budget, allot, allotted

CELLS = "cells"
_NAME = re.compile(r"[\w.+-]+")


@dataclass(frozen=True)
class Source:
    """The stage of another cell whose weights a cell begins with."""

    cell: Cell
    stage: str


@dataclass(frozen=True)
class Cell:
    """One run: a regime with a seed.

    Args:
        recipe: all its settings, resolved.
        folder: its run folder.
        source: where its first weights come from, if not from chance or a file.
    """

    regime: str
    seed: int
    recipe: Recipe
    folder: Path
    source: Source | None = None

    @property
    def name(self) -> str:
        return f"{self.regime}, seed {self.seed}"

    def path(self) -> Iterator[tuple[Cell, StageSettings]]:
        """Yield every stage that led to the cell's model, those of other cells first."""
        if self.source is not None:
            for cell, stage in self.source.cell.path():
                yield cell, stage
                if cell is self.source.cell and stage.name == self.source.stage:
                    break
        for stage in self.recipe.stages:
            yield self, stage


@dataclass(frozen=True)
class Plan:
    """What is to be run, in order, and what of it is compared.

    Args:
        regimes: the names that are compared.
        cells: every cell that is needed, a seed after the other, sources before what starts from them.
    """

    regimes: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: Budget
    cells: tuple[Cell, ...]

    def of(self, regime: str) -> list[Cell]:
        """Return the cells of a regime, one per seed."""
        return [cell for cell in self.cells if cell.regime == regime]


def make_plan(
    recipe: str | Path,
    out: Path,
    *,
    overrides: Sequence[str] = (),
    regimes: Sequence[str] = (),
    seeds: Sequence[int] = (),
    budget: Budget | None = None,
) -> Plan:
    """Resolve every cell of a comparison.

    Args:
        recipe: a recipe file with `regimes`. out: the comparison's folder.
        overrides: `key=value` settings on top of every regime; one that names a stage holds where it occurs.
        regimes: names to compare; all if empty. seeds: the recipe's own if empty.

    Raises:
        ConfigError: the recipe has no regimes, lacks one that was named, or a regime is wrong.
    """
    where, tree = str(recipe), read_tree(recipe)
    known = tree.get("regimes")
    if not isinstance(known, dict) or not known:
        raise ConfigError(
            f"{where}: has no `regimes`, so there is nothing to compare. See recipes/compare-quickstart.yaml."
        )
    for name in (*regimes, *known):
        if name not in known:
            raise ConfigError(
                f'{where}: no regime "{name}".{nearest(name, known)} There are: {", ".join(known)}.'
            )
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError(
                f"{where}: the regime {name!r} names a folder: use letters, digits, . + _ or -."
            )
    if any(override.partition("=")[0].strip() in ("seed", "regime") for override in overrides):
        raise ConfigError("--set seed and --set regime: say --seeds 1,2,3 and --regimes a,b.")
    maker = _Maker(where, tree, out, tuple(overrides), budget or Budget())
    chosen = tuple(dict.fromkeys(regimes or known))
    wanted = tuple(dict.fromkeys(seeds)) or (maker.recipe_of(chosen[0], None).seed,)
    for seed in wanted:
        for name in chosen:
            maker.cell(name, seed)
    return Plan(chosen, wanted, maker.budget, tuple(maker.cells.values()))


class _Maker:
    """Makes cells, each after the one that it starts from."""

    def __init__(
        self, where: str, tree: dict[str, Any], out: Path, overrides: tuple[str, ...], budget: Budget
    ):
        self.where, self.tree, self.out, self.overrides, self.budget = where, tree, out, overrides, budget
        self.cells: dict[tuple[str, int], Cell] = {}
        self.stage_names = {regime: _stage_names(tree, regime) for regime in tree["regimes"]}

    def recipe_of(self, regime: str, seed: int | None, start: Path | None = None) -> Recipe:
        every_stage = {name for names in self.stage_names.values() for name in names}
        stages = self.stage_names[regime]
        fitting = [o for o in self.overrides if _applies(o, stages, every_stage)]
        fixed = [f"regime={regime}", "threads=1"]
        fixed += [] if seed is None else [f"seed={seed}"]
        fixed += [] if start is None else [f'start="{start}"']
        return Recipe.from_tree(self.tree, [*fitting, *fixed], where=f"{self.where}, regime {regime}")

    def cell(self, regime: str, seed: int, before: tuple[str, ...] = ()) -> Cell:
        if (regime, seed) in self.cells:
            return self.cells[regime, seed]
        if regime in before:
            raise ConfigError(
                f"{self.where}: regimes start from each other: {' -> '.join((*before, regime))}."
            )
        recipe = self.recipe_of(regime, seed)
        source = self._source(recipe, regime, seed, (*before, regime))
        if source is not None:
            weights = source.cell.folder / f"{source.stage}.safetensors"
            recipe = self.recipe_of(regime, seed, weights)
        folder = self.out / CELLS / regime / f"seed-{seed}"
        cell = Cell(regime, seed, recipe, folder, source)
        spent = sum(allotted(stage, self.budget) for of, stage in cell.path() if of is not cell)
        cell = Cell(regime, seed, allot(recipe, self.budget, spent), folder, source)
        self.cells[regime, seed] = cell
        return cell

    def _source(self, recipe: Recipe, regime: str, seed: int, before: tuple[str, ...]) -> Source | None:
        if not recipe.start.startswith(f"{CELLS}/"):
            return None
        _, _, rest = recipe.start.partition("/")
        name, _, stage_name = rest.partition("/")
        if name not in self.tree["regimes"]:
            near = nearest(name, self.tree["regimes"])
            raise ConfigError(f'{self.where}, regime {regime}: start: no regime "{name}".{near}')
        cell = self.cell(name, seed, before)
        shared = [stage.name for stage in cell.recipe.stages if not stage.per_language]
        if stage_name not in shared:
            there = ", ".join(shared) or "none"
            raise ConfigError(
                f'{self.where}, regime {regime}: start: regime {name} has no stage "{stage_name}" for all languages '
                f"together.{nearest(stage_name, shared)} There are: {there}."
            )
        return Source(cell, stage_name)


def _stage_names(tree: Mapping[str, Any], regime: str) -> list[str]:
    on_top = tree["regimes"][regime] or {}
    stages = on_top.get("stages", tree.get("stages", [])) if isinstance(on_top, dict) else []
    return [str(stage.get("name")) for stage in stages if isinstance(stage, dict)]


def _applies(override: str, stages: Sequence[str], every: set[str]) -> bool:
    """Whether a setting applies to a regime: not if it names a stage that only others have."""
    group, dot, _ = override.partition("=")[0].strip().partition(".")
    if not dot or group in stages:
        return True
    if group.startswith("stage") and group[5:].isdigit():
        return int(group[5:]) <= len(stages)
    return group not in every
