"""`--set a.b=c` changes one setting and says where it cannot; a file that is no recipe is told with its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mere.config import Recipe
from mere.errors import ConfigError
from tests.recipe_trees import problems, tree


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=7", ("seed",), 7),
        ("stage1.lr=1e-3", ("stages", 0, "lr"), 0.001),
        ("specific.lr=5e-4", ("stages", 1, "lr"), 0.0005),
        ("stage2.epochs=3", ("stages", 1, "epochs"), 3.0),
        ("unified.sampling.temperature=2.5", ("stages", 0, "sampling", "temperature"), 2.5),
        ("stage1.train=[encoder, heads]", ("stages", 0, "train"), ["encoder", "heads"]),
        ("data.path=corpus/mine", ("data", "path"), "corpus/mine"),
        ("data.path='2024'", ("data", "path"), "2024"),
        ("data.path=a=b", ("data", "path"), "a=b"),
        ("data.languages=[de, en]", ("data", "languages"), ["de", "en"]),
        ("data.languages=null", ("data", "languages"), None),
        ("encoder.dim= 64 ", ("encoder", "dim"), 64),
        ("aggregator.across_sentences=false", ("aggregator", "across_sentences"), False),
        ("name=Große Sache", ("name",), "Große Sache"),
    ],
)
def test_overrides(override: str, path: tuple[str | int, ...], value: Any) -> None:
    node: Any = Recipe.from_tree(tree(), [override]).model_dump(mode="json")
    for part in path:
        node = node[part]
    assert node == value
    assert type(node) is type(value)


def test_the_last_override_of_a_key_wins_and_the_tree_is_left_alone() -> None:
    given = tree()
    assert Recipe.from_tree(given, ["seed=1", "seed=2", "stage1.lr=1"]).seed == 2
    assert given == tree()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seed", '--set seed: write it as key=value, for example "--set stage1.lr=1e-3".'),
        ("=5", "--set =5: write it as key=value"),
        ("stage3.lr=1", "--set stage3.…: the recipe has 2 stages."),
        ("stages.lr=1", '--set stages.lr: write "stage1.…" or "<stage name>.…" for a stage.'),
        ("stages.1.lr=1", '--set stages.1.lr: write "stage1.…"'),
        ("unified=1", '--set unified: is a stage. Name a setting of it, for example "unified.lr=1e-3".'),
        ("name.x=1", 'recipe: "name": Input should be a valid string.'),
        ("unifed.lr=1", 'recipe: unknown key "unifed". Did you mean "unified"?'),
        ("encodr.dim=8", 'recipe: unknown key "encodr". Did you mean "encoder"?'),
        ("stage1.lrr=8", 'recipe: unknown key "stage1.lrr". Did you mean "lr"?'),
        ("stage1.lr=fast", 'recipe: "stage1.lr": Input should be a valid number'),
        ("stage1.lr=[1", 'recipe: "stage1.lr": Input should be a valid number'),
        ("stage1.lr=nan", 'recipe: "stage1.lr": Input should be greater than 0, found nan.'),
    ],
)
def test_overrides_that_lead_nowhere(override: str, said: str) -> None:
    (found,) = problems(tree(), override)
    assert found.startswith(said)


def test_a_value_is_no_group() -> None:
    said = problems(tree(data={"path": "x"}), "data.path.deep.er=1")
    assert said == ['--set data.path.deep.er: "path" is a value, not a group of settings.']


def test_overrides_of_a_recipe_without_stages() -> None:
    assert problems({"stages": 5}, "stage1.lr=1") == ["--set stage1.…: the recipe has 0 stages."]
    assert problems({"stages": 5}, "seed=1") == ['recipe: "stages": Input should be a valid tuple, found 5.']


def read(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as raised:
        Recipe.read(path, overrides)
    return str(raised.value)


def test_files_that_are_no_recipes(tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_text("stages: [{name: a}]\n", encoding="utf-8")
    assert read(tmp_path / "fact.yaml") == (
        f'{tmp_path / "fact.yaml"}: there is no such recipe. Did you mean "facts.yaml"?'
    )
    assert read(tmp_path / "no" / "x.yaml") == f"{tmp_path / 'no' / 'x.yaml'}: there is no such recipe."
    assert "there is no such recipe" in read(tmp_path)
    broken = tmp_path / "broken.yaml"
    broken.write_text("seed: 1\nstages: [{name: a\n", encoding="utf-8")
    said = read(broken)
    assert said.startswith(f"{broken}: not readable as YAML:")
    assert "line 3" in said
    broken.write_bytes(b"name: gr\xfcn\n")
    assert read(broken).startswith(f"{broken}: not readable as YAML: 'utf-8' codec can't decode byte 0xfc")
    for text, kind in (("", "NoneType"), ("[1, 2]", "list"), ("facts", "str")):
        broken.write_text(text, encoding="utf-8")
        assert read(broken) == f"{broken}: a recipe is a mapping of settings, found {kind}."
    broken.write_text("stages: [{name: a}]\nsed: 1\n", encoding="utf-8")
    assert read(broken) == f'{broken}: unknown key "sed". Did you mean "seed"?'
