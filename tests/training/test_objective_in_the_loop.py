"""Objectives in the loop: the same step where nothing is to be mended, mended interference, exact resume."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mere.config import Recipe
from mere.data.examples import ExampleMaker
from mere.data.pieces import fit_pieces
from mere.errors import ConfigError
from mere.models.model import build
from mere.schema import Labels
from mere.training.loop import StageLoop
from mere.training.run import train
from mere.training.source import BatchSource, TrainingData
from tests import tiny

LABELS = Labels.from_sentences(tiny.SENTENCES)


def recipe(epochs: float = 2, **objective: object) -> Recipe:
    stage = {
        "name": "s",
        "epochs": epochs,
        "lr": 0.005,
        "sampling": {"pieces_per_batch": 80, "group_size": 2},
    }
    return tiny.recipe(stages=[{**stage, "objective": objective}])


def loop(settings: Recipe) -> StageLoop:
    data = TrainingData(tiny.SENTENCES, ExampleMaker(fit_pieces(settings.encoder, tiny.SENTENCES), LABELS))
    stage = settings.stages[0]
    source = BatchSource(data, recipe=settings, sampling=stage.sampling, epochs=stage.epochs, seed=[0, 0])
    torch.manual_seed(0)
    return StageLoop(build(settings, LABELS), settings, stage, source)


def test_the_parts_of_the_languages_make_the_same_step_as_the_whole() -> None:
    whole, parts = loop(recipe()), loop(recipe(measure=1))
    reports = [(a.losses, b.losses) for a, b in zip(whole.run(), parts.run(), strict=True)]
    assert len(reports) >= 5
    for a, b in reports[:3]:
        assert a == pytest.approx(b, rel=1e-4)
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(parts.model.state_dict()[name], tensor, atol=2e-3, rtol=0)
    assert whole.take_conflict() is None
    measured = parts.take_conflict()
    assert measured is not None
    assert set(measured["languages"]) == {"ar", "de", "en", "ja", "te"}
    assert parts.take_conflict() is None


@pytest.mark.parametrize("name", ["uncertainty", "pcgrad", "gradvac", "mgda"])
def test_every_objective_learns_and_goes_on_where_it_was(name: str) -> None:
    settings = recipe(12, name=name)
    straight = loop(settings)
    reports = list(straight.run())
    assert sum(reports[-1].losses.values()) < 0.6 * sum(reports[0].losses.values())
    broken = loop(settings)
    steps = broken.run()
    for _ in range(7):
        next(steps)
    saved = {key: tensor.clone() for key, tensor in broken.state().items()}
    resumed = loop(settings)
    resumed.load_state(saved)
    list(resumed.run())
    for key, tensor in straight.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[key], tensor), key
    for key, tensor in straight.objective.state_dict().items():
        assert torch.equal(resumed.objective.state_dict()[key], tensor), key


def test_the_objectives_differ() -> None:
    """Or the names would all mean the sum."""
    ends = {}
    for name in ("sum", "pcgrad", "gradvac", "mgda"):
        ours = loop(recipe(6, name=name))
        list(ours.run())
        ends[name] = ours.model.state_dict()["encoder.embedding.mix.weight"]
    names = list(ends)
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            assert not torch.equal(ends[one], ends[other]), f"{one} is {other}"


def test_conflict_is_logged(tmp_path: Path) -> None:
    from tests.conftest import write_corpus

    folder = write_corpus(tiny.SENTENCES, tmp_path)
    settings = recipe(4, measure=2).model_copy(
        update={"data": recipe().data.model_copy(update={"path": str(folder)})}
    )
    train(settings, tmp_path / "run", progress=False)
    events = [
        json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    (conflict,) = [event for event in events if event["event"] == "conflict"]
    assert -1 <= conflict["groups"]["all"]["mean_cosine"] <= 1


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ({"name": "pcgard"}, "Input should be 'sum'"),
        ({"name": "pcgrad", "beta": 0.1}, "beta is a setting of gradvac, not of pcgrad"),
        ({"name": "sum", "scope": "model"}, "sum does not compare gradients"),
    ],
)
def test_wrong_objectives_are_refused(objective: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        recipe(1, **objective)
