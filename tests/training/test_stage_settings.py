"""Settings of a stage beside its length: a rate for what is new, frozen layers, dropout; and an encoder's layers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from mere.config import Recipe
from mere.errors import ConfigError
from mere.models.model import Model, build
from mere.nn.dropout import SharedDropout, set_dropout
from mere.schema import Labels
from mere.training.trainable import rate_scale, select_parameters
from tests import checkpoints, tiny
from tests.training.one_stage import loop

LABELS = Labels.from_sentences(tiny.SENTENCES)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoints.make("bert", tmp_path_factory.mktemp("checkpoints") / "bert")


def pretrained(folder: Path) -> Model:
    recipe = tiny.recipe(encoder={"name": str(folder), "words": "none"})
    return build(recipe, LABELS, checkpoints.encoder(folder)[1])


def test_what_stands_above_the_encoder_has_a_rate_of_its_own() -> None:
    made = loop(1, lr=0.002, head_lr=0.01, warmup=0.0, schedule="constant")
    next(made.run())
    names = {id(parameter): name for name, parameter in made.parameters.items()}
    for group in made.optimizer.param_groups:
        for parameter in group["params"]:
            expected = 0.002 if names[id(parameter)].startswith("encoder.") else 0.01
            assert group["lr"] == pytest.approx(expected)


@pytest.mark.parametrize("freeze", [0, 1, 2])
def test_a_stage_freezes_the_lowest_layers(freeze: int, bert: Path) -> None:
    model = pretrained(bert)
    chosen = select_parameters(model, ("all",), freeze)
    frozen = {name for name, _ in model.named_parameters() if name not in chosen}
    assert all(name.startswith("encoder.") for name in frozen)
    assert any("embeddings" in name for name in frozen)
    assert {name.split(".")[4] for name in frozen if ".layer." in name} == {str(i) for i in range(freeze)}
    assert not any(parameter.requires_grad for name, parameter in model.named_parameters() if name in frozen)
    assert rate_scale(model, "triples.x", freeze, head_scale=3.0) == 3.0


def test_layers_that_are_not_there_cannot_be_frozen(bert: Path) -> None:
    with pytest.raises(ConfigError, match=r"^freeze: .*bert has 2 layers, found 3"):
        select_parameters(pretrained(bert), ("all",), 3)
    with pytest.raises(
        ConfigError, match=r"stage s freezes layers of a pretrained encoder, and compact is none"
    ):
        Recipe.from_tree({"stages": [{"name": "s", "freeze": 0}]})


def test_dropout_of_a_stage_and_back(bert: Path) -> None:
    model = pretrained(bert)

    def found() -> set[float]:
        return {m.p for m in model.modules() if isinstance(m, nn.Dropout | SharedDropout)}

    before = found()
    assert before - {0.0}
    set_dropout(model, 0.0)
    assert found() == {0.0}
    set_dropout(model, 0.5)
    assert found() <= {0.0, 0.5}
    set_dropout(model, None)
    assert found() == before


@pytest.mark.parametrize("family", checkpoints.FAMILIES)
def test_the_lowest_layers_alone(family: str, tmp_path: Path) -> None:
    """They give what the whole encoder's first layer gives, but for the norm that some families have above."""
    folder = checkpoints.make(family, tmp_path / family)
    whole, pieces = checkpoints.encoder(folder)
    lowest, _ = checkpoints.encoder(folder, layers=1)
    assert len(lowest.layers()) == 1
    assert lowest.state_dict().keys() < whole.state_dict().keys()
    for name, tensor in lowest.state_dict().items():
        assert torch.equal(tensor, whole.state_dict()[name])
    read: list[torch.Tensor] = []
    for made in (whole, lowest):
        first = next(iter(made.layers().values()))
        handle = first.register_forward_hook(
            lambda _, __, output: read.append(output[0] if isinstance(output, tuple) else output)
        )
        with torch.no_grad():
            made(*checkpoints.padded(pieces, list(checkpoints.TEXTS)))
        handle.remove()
    assert torch.equal(read[0], read[1])
    with pytest.raises(ConfigError, match=r"encoder\.layers: .* has 2 layers, found 3"):
        checkpoints.encoder(folder, layers=3)
    lowest.save(tmp_path / "saved")
    (tmp_path / "saved" / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    again, _ = checkpoints.encoder(tmp_path / "saved")
    assert again.state_dict().keys() == lowest.state_dict().keys()
