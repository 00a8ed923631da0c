"""The plan: which cells, in which order, with what budget; by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mere.config import Recipe
from mere.errors import ConfigError
from mere.research.compare.budget import Budget, allot
from mere.research.compare.describe import describe
from mere.research.compare.plan import Cell, Plan, make_plan
from tests.research.compare.compare_examples import OWN, REGIMES, SHARED, write_recipe

ROOT = Path(__file__).parents[3]


def planned(folder: Path, **options: Any) -> Plan:
    return make_plan(write_recipe(folder), folder / "out", **options)


def cell_of(plan: Plan, regime: str, seed: int) -> Cell:
    return next(cell for cell in plan.of(regime) if cell.seed == seed)


def test_cells_are_regimes_times_seeds_a_seed_after_the_other(tmp_path: Path) -> None:
    plan = planned(tmp_path, seeds=[3, 5], regimes=["naive", "lora"])
    assert plan.regimes == ("naive", "lora")
    order = [(cell.regime, cell.seed) for cell in plan.cells]
    assert order == [(r, seed) for seed in (3, 5) for r in ("naive", "finetuned", "lora")]
    for cell in plan.cells:
        assert cell.folder == tmp_path / "out" / "cells" / cell.regime / f"seed-{cell.seed}"
        assert (cell.recipe.seed, cell.recipe.regime, cell.recipe.threads) == (cell.seed, cell.regime, 1)
        written = Recipe.from_tree({"stages": REGIMES[cell.regime]["stages"]}).stages
        assert cell.recipe.stages == written


def test_a_start_is_that_cells_weights_of_the_same_seed_and_is_charged(tmp_path: Path) -> None:
    plan = planned(tmp_path, seeds=[3, 5])
    lora = cell_of(plan, "lora", 5)
    source = cell_of(plan, "finetuned", 5)
    assert lora.recipe.start == str(source.folder / "shared.safetensors")
    assert [(of.regime, stage.name) for of, stage in lora.path()] == [
        ("finetuned", "shared"),
        ("lora", "lora"),
    ]
    assert plan.cells.index(source) < plan.cells.index(lora)


def test_the_recipes_own_seed_and_all_regimes_without_a_choice(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    assert (plan.regimes, plan.seeds) == (tuple(REGIMES), (2,))


def test_a_setting_that_names_a_stage_holds_where_it_occurs(tmp_path: Path) -> None:
    plan = planned(tmp_path, overrides=["own.epochs=3", "stage2.lr=0.5", "encoder.dim=32"])
    epochs = {cell.regime: [stage.epochs for stage in cell.recipe.stages] for cell in plan.cells}
    assert epochs == {"monolingual": [8], "naive": [8], "finetuned": [6, 3], "lora": [2]}
    assert cell_of(plan, "finetuned", 2).recipe.stages[1].lr == 0.5
    assert {cell.recipe.encoder.dim for cell in plan.cells} == {32}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"regimes": ["naiv"]}, 'no regime "naiv". Did you mean "naive"?'),
    ({"overrides": ["seed=3"]}, "say --seeds 1,2,3"),
    ({"overrides": ["encodr.dim=3"]}, 'unknown key "encodr"'),
]


@pytest.mark.parametrize(("options", "message"), WRONG)
def test_what_is_wrong_is_said(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        planned(tmp_path, **options)


WRONG_STARTS = [
    ("cells/finetund/shared", 'start: no regime "finetund". Did you mean "finetuned"?'),
    ("cells/finetuned/own", 'has no stage "own" for all languages together.'),
    ("cells/lora/lora", "regimes start from each other: lora -> lora."),
]


@pytest.mark.parametrize(("start", "message"), WRONG_STARTS)
def test_a_start_that_is_no_shared_stage_is_refused(tmp_path: Path, start: str, message: str) -> None:
    regimes = {**REGIMES, "lora": {"start": start, "stages": [OWN]}}
    with pytest.raises(ConfigError) as error:
        make_plan(write_recipe(tmp_path, regimes), tmp_path)
    assert message in str(error.value)


def test_a_recipe_without_regimes_is_refused() -> None:
    with pytest.raises(ConfigError, match="has no `regimes`, so there is nothing to compare"):
        make_plan(ROOT / "recipes" / "quickstart.yaml", Path("out"))


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names a folder"):
        make_plan(write_recipe(tmp_path, {"../x": {"stages": [SHARED]}}), tmp_path)


@pytest.mark.parametrize("recipe", ["compare-quickstart", "ner-conll"])
def test_the_recipes_that_ship_can_be_compared_under_every_budget(recipe: str) -> None:
    for budget in ("epochs", "steps=9000", "seconds=600"):
        plan = make_plan(
            ROOT / "recipes" / f"{recipe}.yaml", Path("out"), budget=Budget.parse(budget), seeds=[1, 2]
        )
        assert len(plan.cells) == 2 * len(plan.regimes)
        for cell in plan.cells:
            spent = [(stage.steps, stage.seconds) for _, stage in cell.path()]
            if budget != "epochs":
                assert [sum(column) for column in zip(*spent, strict=True)] == pytest.approx(
                    [9000, 0] if "steps" in budget else [0, 600]
                )
            assert describe(cell).endswith(".")


def stages_of(*epochs: float) -> Recipe:
    return Recipe.from_tree({"stages": [{"name": f"s{i}", "epochs": e} for i, e in enumerate(epochs)]})


@pytest.mark.parametrize(
    ("epochs", "amount", "spent", "steps"),
    [
        ((6, 2), 1000, 0, [750, 250]),  # in proportion to epochs
        ((1, 1, 1), 100, 0, [33, 34, 33]),  # whole steps that add up: ends at 33.3, 66.7 and 100
        ((2,), 1000, 750, [250]),  # what is left by the stage that it starts from
        ((12, 3, 1), 17, 1, [12, 3, 1]),
    ],
)
def test_steps_are_split_by_hand(
    epochs: tuple[float, ...], amount: int, spent: float, steps: list[int]
) -> None:
    made = allot(stages_of(*epochs), Budget("steps", amount), spent)
    assert [stage.steps for stage in made.stages] == steps


def test_seconds_are_split_by_hand() -> None:
    made = allot(stages_of(6, 2), Budget("seconds", 90), 10)
    assert [stage.seconds for stage in made.stages] == [60, 20]
    assert [stage.steps for stage in made.stages] == [0, 0]


def test_equal_epochs_leave_the_recipe_as_it_is() -> None:
    recipe = stages_of(6, 2)
    assert allot(recipe, Budget()) is recipe


def test_a_budget_that_is_spent_before_a_stage_is_refused() -> None:
    with pytest.raises(ConfigError, match="of 10 steps nothing is left for stage s0, 10 are spent before it"):
        allot(stages_of(2), Budget("steps", 10), 10)


@pytest.mark.parametrize(
    "text", ["epoch", "steps", "steps=0", "steps=1.5", "seconds=x", "seconds=inf", "epochs=3"]
)
def test_a_budget_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"--budget {text}: "):
        Budget.parse(text)


@pytest.mark.parametrize(
    ("switcher", "said"),
    [
        (
            {"width": 48},
            "a switcher of width 48 for each language and the heads shared by all, the rest frozen",
        ),
        (
            {"kind": "adapters", "width": 128},
            "a switcher of width 128 in each layer of the encoder for each language and the heads",
        ),
        (
            {"kind": "lora", "rank": 4},
            "a low-rank change of the encoder, rank 4, for each language and the heads",
        ),
    ],
)
def test_every_kind_of_switcher_in_a_sentence(switcher: dict[str, Any], said: str, tmp_path: Path) -> None:
    own = {"name": "own", "train": ["switcher", "heads"], "use_switcher": True}
    regimes = {
        "switchers": {"stages": [SHARED, own], "switcher": switcher, "encoder": {"context": "transformer"}}
    }
    (cell,) = make_plan(write_recipe(tmp_path, regimes), tmp_path).cells
    assert f"then {said}" in describe(cell)


def test_a_regime_in_a_sentence(tmp_path: Path) -> None:
    said = {cell.regime: describe(cell) for cell in planned(tmp_path).cells}
    assert said["monolingual"] == "A model for each language alone, 8 epochs."
    assert said["naive"] == "One model for all languages, 8 epochs."
    assert said["lora"] == (
        "One model for all languages, 6 epochs; then for each language a change of rank 1 of everything, 2 epochs."
    )
