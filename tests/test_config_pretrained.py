"""Which encoder a recipe means: one of ours, any of Hugging Face's, or a slip of the pen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from mere.config import CompactSettings, PretrainedSettings, Recipe
from mere.errors import ConfigError


def recipe(encoder: dict[str, Any], *overrides: str) -> Recipe:
    return Recipe.from_tree({"stages": [{"name": "a"}], "encoder": encoder}, overrides)


@pytest.mark.parametrize(
    "name",
    ["xlm-roberta-base", "bert-base-multilingual-cased", "google/mt5-small", "./here", "/abs", "~/x", "elmo"],
)
def test_any_other_name_is_a_pretrained_encoder(name: str) -> None:
    made = recipe({"name": name})
    assert made.encoder == PretrainedSettings(name=name)
    assert yaml.safe_load(made.to_yaml())["encoder"]["kind"] == "pretrained"
    assert Recipe.from_tree(yaml.safe_load(made.to_yaml())) == made


def test_a_folder_is_one_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="unknown encoder"):
        recipe({"name": "compat"})
    (tmp_path / "compat").mkdir()
    assert isinstance(recipe({"name": "compat"}).encoder, PretrainedSettings)
    (tmp_path / "compact").mkdir()
    assert isinstance(recipe({"name": "compact"}).encoder, CompactSettings)
    assert isinstance(recipe({"name": "compact", "kind": "pretrained"}).encoder, PretrainedSettings)


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        ({"name": "compat"}, 'unknown encoder "compat". Did you mean "compact"?'),
        ({"name": "byte-word"}, 'unknown encoder "byte-word". Did you mean "byte-words"?'),
        ({"name": "bytestream"}, 'unknown encoder "bytestream". Did you mean "byte-stream"?'),
        ({"name": "x", "kind": "pretraind"}, 'unknown encoder "pretraind". Did you mean "pretrained"?'),
        ({"name": "pretrained"}, '"encoder.name": the hub name or the folder of an encoder'),
        ({"kind": "pretrained"}, '"encoder.name" is missing'),
        ({"name": "a/b", "word": "first"}, 'unknown key "encoder.word". Did you mean "words"?'),
        ({"name": "a/b", "words": "last"}, "\"encoder.words\": Input should be 'first', 'mean' or 'none'"),
        ({"name": "a/b", "layer_decay": 0}, '"encoder.layer_decay": Input should be greater than 0'),
    ],
)
def test_slips(encoder: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        recipe(encoder)
    assert raised.value.problems[0].startswith(f"recipe: {said}")


def test_another_kind_leaves_the_settings_of_the_former_behind() -> None:
    ours = {"dim": 256, "rows": 4096}
    with pytest.warns(UserWarning, match=r"settings of compact are left behind \(dim, rows\)"):
        made = recipe(ours, "encoder.words=mean", "encoder.name=org/name", "seed=3")
    assert made.encoder == PretrainedSettings(name="org/name", words="mean")
    assert made.seed == 3
    with pytest.warns(UserWarning, match=r"settings of pretrained are left behind \(words\)"):
        back = recipe({"name": "a/b", "words": "none"}, "encoder.name=compact", "encoder.dim=64").encoder
    assert back == CompactSettings(dim=64)
    with (
        pytest.warns(UserWarning, match="left behind"),
        pytest.raises(ConfigError, match=r'unknown key "encoder\.dim"'),
    ):
        recipe(ours, "encoder.name=org/name", "encoder.dim=64")


@pytest.mark.filterwarnings("error")
def test_the_same_kind_keeps_them_and_nothing_is_said_where_there_are_none() -> None:
    kept = recipe({"name": "a/b", "words": "none"}, "encoder.name=c/d").encoder
    assert kept == PretrainedSettings(name="c/d", words="none")
    assert recipe({}, "encoder.name=a/b").encoder == PretrainedSettings(name="a/b")
    assert recipe({"dim": 64}, "encoder.name=compact").encoder == CompactSettings(dim=64)
