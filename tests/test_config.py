"""Recipes: every problem at once, each with its key and the nearest right one; what is read can be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mere.config import ByteStreamSettings, ByteWordsSettings, CompactSettings, Recipe, Settings
from mere.errors import ConfigError
from tests.recipe_trees import problems, tree

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))


def settings_of(path: Path) -> list[list[str]]:
    """What leads to each regime of a recipe; a recipe without regimes is one."""
    regimes = yaml.safe_load(path.read_text(encoding="utf-8")).get("regimes", {})
    return [[f"regime={regime}"] for regime in regimes] or [[]]


@pytest.mark.parametrize(
    ("path", "overrides"), [(path, one) for path in RECIPES for one in settings_of(path)]
)
def test_every_recipe_that_ships_is_valid(path: Path, overrides: list[str]) -> None:
    recipe = Recipe.read(path, overrides)
    assert recipe.name == path.stem
    assert Recipe.from_tree(yaml.safe_load(recipe.to_yaml())) == recipe


def test_there_are_recipes() -> None:
    assert {path.stem for path in RECIPES} >= {"facts", "quickstart"}


def kinds_of_settings(kind: type[Settings] = Settings) -> list[type[Settings]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in kinds_of_settings(sub))]


@pytest.mark.parametrize("kind", kinds_of_settings()[1:], ids=lambda kind: kind.__name__)
def test_every_setting_is_described(kind: type[Settings]) -> None:
    assert kind.__doc__
    for name, field in kind.model_fields.items():
        is_group = isinstance(field.annotation, type) and issubclass(field.annotation, Settings)
        assert is_group or field.description, f"{kind.__name__}.{name} has no description"


def test_settings_are_frozen_and_complete() -> None:
    recipe = Recipe.from_tree(tree())
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3  # type: ignore[misc]
    assert [stage.name for stage in recipe.stages] == ["unified", "specific"]
    assert recipe.stages[0].train == ("all",)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"encoder": {"dimm": 8}}, 'recipe: unknown key "encoder.dimm". Did you mean "dim"?'),
        ({"agregator": {}}, 'recipe: unknown key "agregator". Did you mean "aggregator"?'),
        (
            {"stages": [{"name": "a"}, {"name": "b", "sampling": {"tempratur": 2}}]},
            'recipe: unknown key "stage2.sampling.tempratur". Did you mean "temperature"?',
        ),
        (
            {"stages": [{"name": "a", "epoch": 1}]},
            'recipe: unknown key "stage1.epoch". Did you mean "epochs"?',
        ),
        ({"zzz": 1}, 'recipe: unknown key "zzz".'),
        ({"encoder": 5}, 'recipe: "encoder": Input should be a valid dictionary'),
        ({"seed": -1}, 'recipe: "seed": Input should be greater than or equal to 0, found -1.'),
        (
            {"precision": "fp16"},
            "recipe: \"precision\": Input should be 'auto', 'fp32' or 'bf16', found 'fp16'.",
        ),
        ({"encoder": {"dim": 30}}, "recipe: encoder.dim 30 must be even and divisible by aggregator.heads."),
        ({"encoder": {"dim": 33}, "aggregator": {"layers": 0}}, "recipe: encoder.dim 33 must be even"),
        ({"stages": []}, 'recipe: "stages": Tuple should have at least 1 item'),
        ({"stages": 5}, 'recipe: "stages": Input should be a valid tuple, found 5.'),
        ({"stages": [{}]}, 'recipe: "stage1.name" is missing.'),
        (
            {"stages": [{"name": "a"}, {"name": "a"}]},
            "recipe: \"stages\": stages need different names, found ['a', 'a'].",
        ),
        (
            {"stages": [{"name": "a", "use_switcher": True}], "switcher": {"width": 0}},
            "recipe: stage a uses the switcher, but switcher.width is 0.",
        ),
        (
            {"switcher": {"kind": "lora"}},
            "recipe: switcher.kind lora needs an encoder of Transformer layers: a pretrained one, or compact with "
            "encoder.context=transformer; else take switcher.kind=bottleneck.",
        ),
        (
            {"switcher": {"kind": "adapters"}, "encoder": {"name": "byte-words", "dim": 64}},
            "recipe: switcher.kind adapters needs an encoder of Transformer layers",
        ),
        (
            {"switcher": {"modules": ["query"]}},
            "recipe: switcher.modules says where adapters or lora go; a bottleneck stands after the aggregator.",
        ),
        (
            {"switcher": {"kind": "lora", "modules": []}, "encoder": {"context": "transformer"}},
            "recipe: switcher.modules is empty: name modules of the encoder, or leave it out.",
        ),
        (
            {
                "switcher": {"kind": "lora", "rank": 0},
                "stages": [{"name": "a", "use_switcher": True}],
            },
            "recipe: stage a uses the switcher, but switcher.rank is 0.",
        ),
        (
            {"stages": [{"name": "a", "use_aggregator": False, "sampling": {"group_size": 2}}]},
            "recipe: stage a concatenates sentences, but passes the aggregator by.",
        ),
        (
            {"stages": [{"name": "a", "train": ["encoder", "heds"]}]},
            "recipe: \"stage1.train.2\": Input should be 'all', 'encoder', 'aggregator', 'switcher' or 'heads', "
            "found 'heds'.",
        ),
        (
            {"stages": [{"name": "a", "train": []}]},
            'recipe: "stage1.train": Tuple should have at least 1 item',
        ),
        ({"data": {"languages": []}}, 'recipe: "data.languages": Tuple should have at least 1 item'),
        (
            {"data": {"path": []}},
            'recipe: "data.path": name a folder or a file; "" is the quick-start corpus',
        ),
    ],
)
def test_one_problem(more: dict[str, Any], said: str) -> None:
    found = problems(tree(**more))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_an_empty_list_is_told_beside_other_problems_of_its_group() -> None:
    """What is wrong inside a list empties it for pydantic; that alone is no problem of its own."""
    stages = [{"name": "a", "train": []}, {"name": "b", "train": ["heds"], "epoch": 1}]
    assert [problem.partition(":")[2].split()[0] for problem in problems(tree(stages=stages))] == [
        '"stage1.train":',
        '"stage2.train.1":',
        "unknown",
    ]


def test_what_does_not_go_with_a_sharded_encoder_is_said_with_the_way_out() -> None:
    stages: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "per_language": True}]
    stages[0]["objective"] = {"measure": 5}
    stages[1]["objective"] = {"name": "pcgrad"}
    given = tree(sharding="full", triples={"shared": False}, stages=stages)
    assert problems(given)[0].removeprefix("recipe: ").removesuffix(".").split("; ") == [
        "sharding full is for pretrained encoders, and compact is none, or sharding none",
        "sharding full knows of one encoder: triples.shared true, or sharding none",
        "stage a: sharding full adds the languages' gradients up at once: objective.measure 0, or sharding none",
        "stage b: sharding full adds the languages' gradients up at once: objective.name sum, or sharding none",
        "stage b: sharding full trains one model: per_language false, or sharding none",
    ]
    assert Recipe.from_tree(tree(sharding="full", encoder={"name": "org/name"})).sharding == "full"


def test_switchers_go_into_encoders_of_layers() -> None:
    for encoder in ({"name": "org/name"}, {"context": "transformer"}):
        for kind in ("adapters", "lora"):
            assert Recipe.from_tree(tree(encoder=encoder, switcher={"kind": kind})).switcher.kind == kind
    sizes = [{"kind": "lora", "rank": 0}, {"kind": "adapters", "width": 0}, {"width": 0}]
    assert [Recipe.from_tree(tree(switcher=given)).switcher.size for given in sizes] == [0, 0, 0]


def test_no_stages_at_all() -> None:
    assert problems({}) == ['recipe: "stages" is missing.']


def test_all_problems_at_once() -> None:
    wrong = tree(
        sed=1,
        encoder={"rowz": 3, "dim": "wide"},
        stages=[{"name": "a", "lr": -1}, {"name": "b", "sampling": {"group_size": 0}}],
    )
    found = problems(wrong, "aggregator.dropout=1.5")
    assert [line.removeprefix("recipe: ").split(":")[0] for line in found] == [
        '"encoder.dim"',
        'unknown key "encoder.rowz". Did you mean "rows"?',
        '"aggregator.dropout"',
        '"stage1.lr"',
        '"stage2.sampling.group_size"',
        'unknown key "sed". Did you mean "seed"?',
    ]


def test_what_does_not_fit_together_is_said_at_once_too() -> None:
    wrong = tree(encoder={"dim": 33}, switcher={"width": 0})
    (said,) = problems(wrong, "stage1.use_switcher=true", "specific.use_switcher=true")
    assert said.count(";") == 2
    assert "encoder.dim 33" in said
    assert "stage unified uses the switcher" in said
    assert "stage specific uses the switcher" in said


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**40),
    name=st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=8),
    lr=st.floats(1e-9, 10),
    epochs=st.floats(1e-3, 1e3),
    languages=st.none() | st.lists(st.sampled_from(["de", "no", "y"]), min_size=1, max_size=3),
    train=st.lists(st.sampled_from(["encoder", "heads", "all"]), min_size=1, max_size=3),
)
def test_what_is_written_is_read_again(
    seed: int, name: str, lr: float, epochs: float, languages: list[str] | None, train: list[str]
) -> None:
    stage = {"name": f"s{name}", "lr": lr, "epochs": epochs, "train": train}
    recipe = Recipe.from_tree(
        {"seed": seed, "name": name, "data": {"languages": languages}, "stages": [stage]}
    )
    assert Recipe.from_tree(yaml.safe_load(recipe.to_yaml())) == recipe


def test_a_stage_that_trains_a_switcher_must_use_it() -> None:
    stage = {"name": "specific", "train": ["switcher"]}
    with pytest.raises(ConfigError, match="stage specific trains the switcher, but does not use it"):
        Recipe.from_tree({"stages": [stage]})


ALONE = {"name": "own", "per_language": True}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"stages": [ALONE, {"name": "b"}]},
            "recipe: stage own is per language, so it must be the last one.",
        ),
        (
            {"stages": [{"name": "a", "lora": 4}]},
            "recipe: stage a has a lora rank, which only a stage per_language uses.",
        ),
        ({"task": []}, 'recipe: "task": Tuple should have at least 1 item'),
        (
            {"task": ["entities", "triple"]},
            "recipe: \"task.2\": Input should be 'entities' or 'triples', found 'triple'.",
        ),
        (
            {"task": "relations"},
            "recipe: \"task.1\": Input should be 'entities' or 'triples', found 'relations'.",
        ),
        (
            {"encoder": {"name": "byte-word"}},
            'recipe: unknown encoder "byte-word". Did you mean "byte-words"? There are: compact, byte-words, ',
        ),
        (
            {"encoder": {"name": "byte-stream", "byte_dimm": 8}},
            'recipe: unknown key "encoder.byte_dimm". Did you mean "byte_dim"?',
        ),
        (
            {"encoder": {"name": "byte-words", "width": 0}},
            'recipe: "encoder.width": Input should be greater than or equal to 1, found 0.',
        ),
        ({"encoder": {"name": "byte-words", "min_count": 2}}, 'recipe: unknown key "encoder.min_count".'),
        ({"entities": {"decodr": "crf"}}, 'recipe: unknown key "entities.decodr". Did you mean "decoder"?'),
        (
            {"data": {"types": {"PER": 3}}},
            'recipe: "data.types.PER": Input should be a valid string, found 3.',
        ),
    ],
)
def test_one_problem_of_tasks_encoders_and_regimes(more: dict[str, Any], said: str) -> None:
    (found,) = problems(tree(**more))
    assert found.startswith(said)


def test_tasks_encoders_and_corpora_are_told_by_name() -> None:
    assert Recipe.from_tree(tree()).task == ("triples",)
    assert Recipe.from_tree(tree(task="entities")).task == ("entities",)
    both = Recipe.from_tree(
        tree(), ["task=[entities, triples]", "data.path=[a, b]", "data.types={PERS: PER}"]
    )
    assert (both.task, both.data.path) == (("entities", "triples"), ("a", "b"))
    assert both.data.types == {"PERS": "PER"}
    for name, kind in (
        ("compact", CompactSettings), ("byte-words", ByteWordsSettings), ("byte-stream", ByteStreamSettings)
    ):  # fmt: skip
        recipe = Recipe.from_tree(tree(encoder={"name": name}))
        assert type(recipe.encoder) is kind
        assert Recipe.from_tree(yaml.safe_load(recipe.to_yaml())) == recipe
    assert (
        type(Recipe.from_tree(tree(), ["encoder.name=byte-words", "encoder.width=8"]).encoder)
        is ByteWordsSettings
    )
    assert Recipe.from_tree({"stages": [ALONE]}).stages[0].per_language, "the only stage may be, too"


def test_former_names_are_read_and_answered_with_the_present_ones() -> None:
    stage = {"name": "a", "clip": 2.0, "sampling": {"units_per_batch": 300, "concat": 2}}
    with pytest.warns(UserWarning, match="is called") as told:
        recipe = Recipe.from_tree({"stages": [stage]}, ["a.sampling.mention_swap=0.5"], where="r.yaml")
    assert recipe.stages[0].max_grad_norm == 2.0
    sampling = recipe.stages[0].sampling
    assert (sampling.pieces_per_batch, sampling.group_size, sampling.mention_replacement) == (300, 2, 0.5)
    assert 'r.yaml: "clip" is called "max_grad_norm" now, and was read as that.' in {
        str(w.message) for w in told
    }
