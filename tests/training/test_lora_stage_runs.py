"""Stage runs with LoRA: what they train, that what is evaluated is stored, that a stop in the middle costs nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from mere.config import Recipe
from mere.data.examples import ExampleMaker
from mere.data.features import Features
from mere.data.pieces import HashedUnits
from mere.data.units import Units
from mere.errors import ConfigError
from mere.models.backend import load_predictor, model_of, predictor_of
from mere.models.delta import changed, compact, specialised
from mere.models.model import Model, build
from mere.models.weights import read_tensors, write_tensors
from mere.schema import Labels
from mere.training.loop import StageLoop, StepReport
from mere.training.progress import Bar, Listener
from mere.training.run import Run, train
from mere.training.source import BatchSource, TrainingData
from tests import tiny

LABELS = Labels.from_sentences(tiny.SENTENCES)
MAKER = ExampleMaker(HashedUnits(Units.fit(tiny.SENTENCES), Features(2048)), LABELS)
DATA = TrainingData(tiny.SENTENCES, MAKER)
GERMAN = [sentence for sentence in tiny.SENTENCES if sentence.lang == "de"]
TEXTS = [sentence.text for sentence in tiny.SENTENCES]
LEG = {
    "name": "lora",
    "train": ["encoder", "heads"],
    "per_language": True,
    "lora": 2,
    "epochs": 60,
    "lr": 0.01,
    "evaluations": 2,
    "sampling": {"pieces_per_batch": 80},
}


MATRICES_OF_HEADS = {
    "relation_head.key.weight",
    "entity_tagger.piece.weight",
    "entity_tagger.feature.weight",
    "entity_tagger.out.weight",
    "pair_scorer.edges.weight",
    "pair_scorer.read.weight",
}


def stage_run(**changes: Any) -> Recipe:
    return tiny.recipe(stages=[{**LEG, **changes}])


def loop(recipe: Recipe, model: Model | None = None, *, steps: int = 0) -> StageLoop:
    """A stage_run of all the tiny corpus, after some of its steps."""
    torch.manual_seed(1)
    stage = recipe.stages[0]
    source = BatchSource(DATA, recipe=recipe, sampling=stage.sampling, epochs=stage.epochs, seed=[0, 0])
    ours = StageLoop(model or build(recipe, LABELS), recipe, stage, source)
    for _, _ in zip(range(steps), ours.run(), strict=False):
        pass
    return ours


def snapshot(model: Model) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def differing(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> set[str]:
    return {name for name in some if not torch.equal(some[name], others[name])}


def test_what_is_trained_and_what_is_not() -> None:
    """Matrices by their factors, all small tensors themselves, tables and other groups not at all."""
    model = build(stage_run(), LABELS)
    before = snapshot(model)
    ours = loop(stage_run(), model, steps=3)
    lowered = {n.removeprefix("up.") for n in ours.trainable.factors if n.startswith("up.")}
    assert {
        "encoder.embedding.mix.weight",
        "encoder.context.forwards.0.weight_hh_l0",
        "encoder.context.backwards.0.weight_ih_l0",
        "triples.entity_tagger.feature.weight",
    } <= lowered
    frozen = {"encoder.embedding.table.weight", "triples.pair_scorer.relation.weight"}
    groups = {n for n in before if n.startswith(("encoder.", "triples."))}
    assert lowered | ours.trainable.whole.keys() == groups - frozen
    assert {"triples.crf.transitions", "triples.pair_scorer.out.weight", "encoder.embedding.norm.bias"} <= (
        ours.trainable.whole.keys()
    )
    moved = differing(before, model.state_dict())
    assert lowered <= moved <= groups - frozen


def test_before_the_first_step_the_model_is_its_base_bit_for_bit() -> None:
    model = build(stage_run(), LABELS)
    before = snapshot(model)
    expected = predictor_of(copy.deepcopy(model), MAKER).predict(TEXTS, [None] * len(TEXTS), threshold=0.0)
    ours = loop(stage_run(ema=0.9), model)
    ours.trainable.write()
    assert not differing(before, ours.weights())
    assert compact(before, ours.delta()) == {}, "and a language that gained nothing costs nothing"
    assert predictor_of(model, MAKER).predict(TEXTS, [None] * len(TEXTS), threshold=0.0) == expected


def test_gradients_that_an_earlier_stage_left_count_for_nothing() -> None:
    clean, used = build(stage_run(), LABELS), build(stage_run(), LABELS)
    used.load_state_dict(clean.state_dict())
    for parameter in used.parameters():
        parameter.grad = torch.ones_like(parameter)
    assert not differing(
        loop(stage_run(), clean, steps=2).weights(), loop(stage_run(), used, steps=2).weights()
    )


@pytest.mark.parametrize("rank", [1, 3])
def test_the_change_of_a_matrix_has_no_more_than_its_rank(rank: int) -> None:
    model = build(stage_run(), LABELS)
    before = snapshot(model)
    ours = loop(stage_run(lora=rank), model, steps=40)
    assert ours.trainable.low_rank
    for name in ours.trainable.low_rank:
        change = model.state_dict()[name].double() - before[name].double()
        sizes = torch.linalg.svdvals(change)
        assert sizes[rank - 1] > 1e-4, name
        assert sizes[rank] < 2e-6, name  # what rounding leaves


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_what_is_evaluated_is_what_is_loaded_bit_for_bit(ema: float, tmp_path: Path) -> None:
    model = build(stage_run(), LABELS)
    base = copy.deepcopy(model)
    ours = loop(stage_run(ema=ema), model, steps=10)
    evaluated = snapshot_of(ours)
    write_tensors(tmp_path / "de.safetensors", compact(base.state_dict(), ours.delta()))
    stored = read_tensors(tmp_path / "de.safetensors")
    own = specialised(base, changed(base.state_dict(), stored))
    assert not differing(evaluated, own.state_dict())
    model.load_state_dict(evaluated)
    langs: list[str | None] = [None] * len(TEXTS)
    one, other = (predictor_of(m, MAKER).predict(TEXTS, langs, threshold=0.0) for m in (model, own))
    assert one == other
    assert any(prediction.triples for prediction in one)


def snapshot_of(ours: StageLoop) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in ours.weights().items()}


def test_averages_are_of_the_factors() -> None:
    """The mean of two products has up to twice the rank; the product of two means keeps it."""
    model = build(stage_run(), LABELS)
    name = "encoder.embedding.mix.weight"
    base = model.state_dict()[name].clone()
    ours = loop(stage_run(ema=0.5), model)
    matrix = ours.trainable.low_rank[name]
    up, down = matrix.up.detach().clone(), matrix.down.detach().clone()
    for report in ours.run():
        decay = min(0.5, (1 + report.step) / (10 + report.step))
        up = decay * up + (1 - decay) * matrix.up.detach()
        down = decay * down + (1 - decay) * matrix.down.detach()
        if report.step == 12:
            break
    assert torch.allclose(ours.weights()[name], base + up @ down, atol=1e-6)
    assert not torch.allclose(ours.weights()[name], model.state_dict()[name], atol=1e-4)


def test_the_clip_is_on_what_is_trained() -> None:
    ours = loop(stage_run(max_grad_norm=0.01), steps=2)
    gradients = [p.grad.flatten() for p in ours.parameters.values() if p.grad is not None]
    assert torch.cat(gradients).norm().item() == pytest.approx(0.01, rel=1e-3)
    assert len(gradients) > 20


def test_a_rank_that_saves_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"lora: at rank 60 no matrix .* half as few numbers.*lora=0"):
        loop(stage_run(lora=60))
    with pytest.raises(ConfigError, match="stage lora has a lora rank, which only a stage per_language uses"):
        stage_run(per_language=False)


@pytest.fixture(scope="module")
def stages() -> list[dict[str, Any]]:
    """A first stage that learns too little, and the stage_runs."""
    return [{**tiny.recipe().stages[0].model_dump(), "epochs": 30, "lr": 0.008}, LEG]


@pytest.fixture(scope="module")
def run(stages: list[dict[str, Any]], tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lora") / "run"
    train(tiny.recipe(data={"path": str(tiny_corpus)}, stages=stages), out, progress=False)
    return out


def test_a_language_is_learned_by_heart_through_its_factors(run: Path) -> None:
    predictor = load_predictor(run / "model")
    texts = [sentence.text for sentence in GERMAN]
    gold = [{triple.key for triple in sentence.triples} for sentence in GERMAN]

    def found(lang: str | None) -> list[set[Any]]:
        return [{t.key for t in p.triples} for p in predictor.predict(texts, [lang] * len(texts))]

    assert found("de") == gold
    assert found(None) != gold, "the shared model has not"


def test_the_model_folder_gives_the_leg_s_own_weights(run: Path) -> None:
    shared = read_tensors(run / "unified.safetensors")
    expected = shared | changed(shared, read_tensors(run / "lora.de.safetensors"))
    predictor = load_predictor(run / "model")
    assert not differing(expected, predictor.own["de"].model.state_dict())
    assert not differing(shared, model_of(predictor).state_dict())
    assert differing(shared, expected)


def test_what_a_language_costs(run: Path, stages: list[dict[str, Any]]) -> None:
    """Numbers trained and stored, counted by hand from the shapes in `tiny.recipe`."""
    costs = json.loads((run / "model" / "metrics.json").read_text(encoding="utf-8"))["costs"]
    rank = 2
    mix_and_norm = rank * (32 + 64) + 3 * 32
    lstm = 2 * rank * (128 + 32) + 2 * 128
    encoder = mix_and_norm + 2 * lstm
    model = build(tiny.recipe(stages=stages), LABELS)
    heads = 0
    assert model.triples is not None
    for name, parameter in model.triples.named_parameters():
        shape = tuple(parameter.shape)
        if name in MATRICES_OF_HEADS:
            heads += rank * sum(shape)
        elif name != "pair_scorer.relation.weight":
            heads += parameter.numel()
    assert costs["trained"]["lora.de"] == encoder + heads
    assert costs["trained"]["unified"] == sum(
        p.numel() for n, p in model.named_parameters() if not n.startswith("switcher.")
    )
    assert model.switcher is not None
    switcher = sum(4 * p.numel() for p in model.switcher.of["de"].parameters())
    file = read_tensors(run / "model" / "languages" / "de.safetensors")
    own = sum(4 * tensor.numel() for tensor in file.values())
    assert costs["bytes_per_language"]["de"] == own + switcher
    assert own <= 4 * costs["trained"]["lora.de"]
    everything = sum(4 * p.numel() for p in model.parameters())
    assert costs["bytes_shared"] == everything - switcher * len(LABELS.languages)
    assert (run / "model" / "languages" / "de.safetensors").stat().st_size < everything / 10


class StoppingBar(Bar):
    def __init__(self, last_step: int):
        self.last_step = last_step

    def step(self, report: StepReport) -> None:
        if report.step == self.last_step:
            raise KeyboardInterrupt


class Interrupts(Listener):
    """Stops the run, as Ctrl-C would, after some steps of a stage run."""

    def __init__(self, stage_run: str, steps: int):
        self.stage_run, self.steps = stage_run, steps

    @contextmanager
    def stage(self, name: str, num_steps: int, done: int) -> Iterator[Bar]:
        yield StoppingBar(self.steps) if name == self.stage_run else Bar()


@pytest.mark.parametrize(("steps", "epochs", "evaluations"), [(1, 6, 0), (22, 40, 2)])
def test_stopped_in_a_leg_and_resumed_equals_uninterrupted(
    steps: int, epochs: int, evaluations: int, stages: list[dict[str, Any]], tiny_corpus: Path, tmp_path: Path
) -> None:
    """With all that draws random numbers or has a memory: dropout, swapped mentions, averages, bf16."""
    sampling = {"pieces_per_batch": 80, "mention_replacement": 0.5}
    recipe = tiny.recipe(
        data={"path": str(tiny_corpus), "languages": ["de", "en"]},
        encoder=tiny.recipe().encoder.model_dump() | {"dropout": 0.1, "unit_dropout": 0.1},
        stages=[
            {**stages[0], "epochs": 12},
            {**LEG, "epochs": epochs, "evaluations": evaluations, "ema": 0.9, "sampling": sampling},
        ],
        checkpoint_minutes=0,
        precision="bf16",
    )
    whole = train(recipe, tmp_path / "whole", progress=False)
    with pytest.raises(KeyboardInterrupt):
        Run(recipe, tmp_path / "cut", resume=False, listener=Interrupts("lora.de", steps)).finish()
    resumed = train(recipe, tmp_path / "cut", resume=True, progress=False)
    for name in ("model.safetensors", "languages/de.safetensors", "languages/en.safetensors"):
        assert (whole / name).read_bytes() == (resumed / name).read_bytes()
    factors = [name for name in read_tensors(whole / "languages" / "de.safetensors") if name[:3] == "up."]
    assert factors, "the stage run kept what it trained"
    assert (tmp_path / "whole/log.jsonl").read_text() == (tmp_path / "cut/log.jsonl").read_text()
