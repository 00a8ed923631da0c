"""The loop and what feeds it: schedules by hand, pure batches, frozen parameters, averages, weights to start from."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mere.config import Recipe, SamplingSettings, StageSettings
from mere.data.examples import ExampleMaker
from mere.data.features import Features
from mere.data.pieces import HashedUnits
from mere.data.targets import TripleTargets
from mere.data.units import Units
from mere.errors import ConfigError, ModelError, TrainingError
from mere.models.model import Model, build
from mere.models.weights import write_tensors
from mere.schema import Labels
from mere.training import run as run_module
from mere.training.initialisation import load_initial_weights
from mere.training.loop import StageLoop, learning_rate
from mere.training.run import Run, train
from mere.training.source import BatchSource, TrainingData
from mere.training.trainable import select_parameters
from tests import tiny
from tests.training.interrupted import cut_off

LABELS = Labels.from_sentences(tiny.SENTENCES)
PIECES = HashedUnits(Units.fit(tiny.SENTENCES), Features(2048))
DATA = TrainingData(tiny.SENTENCES, ExampleMaker(PIECES, LABELS))
LIVELY = {"pieces_per_batch": 60, "group_size": 2, "temperature": 2.0, "mention_replacement": 0.5}


def stage(**changes: Any) -> StageSettings:
    return StageSettings(**{"name": "s", "lr": 1.0, "warmup": 0.2, **changes})


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ("linear", [0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("cosine", [0.5, 1, 1, 0.96194, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.03806]),
    ],
)
def test_learning_rates_by_hand(schedule: str, expected: list[float]) -> None:
    rates = [learning_rate(stage(schedule=schedule), step, 10) for step in range(10)]
    assert rates == pytest.approx(expected, abs=1e-6)


def test_warm_ups_of_nothing_of_everything_and_of_one_step() -> None:
    assert [learning_rate(stage(warmup=0.0, lr=3.0), step, 4) for step in (0, 1)] == [3.0, 3.0]
    assert [learning_rate(stage(warmup=1.0), step, 4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert learning_rate(stage(), 0, 1) == 1.0


def test_groups_that_do_not_exist_or_hold_nothing() -> None:
    model = build(tiny.recipe(), LABELS)
    with pytest.raises(ConfigError, match=r'group "swicher"\. Did you mean "switcher"\?'):
        select_parameters(model, ("heads", "swicher"))
    without = build(tiny.recipe(switcher={"width": 0}, stages=[{"name": "s"}]), LABELS)
    with pytest.raises(ConfigError, match=r"the groups \['switcher'\] hold no parameter in this model"):
        select_parameters(without, ("switcher",))
    with pytest.raises(ConfigError, match=r"the groups \[\] hold no parameter"):
        select_parameters(model, ())


def source(*, epochs: float = 3.0, seed: tuple[int, ...] = (7, 0), **sampling: Any) -> BatchSource:
    return BatchSource(
        DATA,
        sampling=SamplingSettings(**{**LIVELY, **sampling}),
        recipe=tiny.recipe(),
        epochs=epochs,
        seed=seed,
    )


def taught(source: BatchSource, step: int) -> TripleTargets:
    triples = source[step][1].triples
    assert triples is not None
    return triples


def arrays(source: BatchSource, step: int) -> list[Any]:
    return [*vars(source[step][0]).values(), *vars(taught(source, step)).values()]


def same(some: list[Any], others: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(some, others, strict=True))


def test_a_batch_is_the_same_whenever_it_is_asked_for() -> None:
    straight = source()
    in_order = [arrays(straight, step) for step in range(len(straight))]
    assert len(in_order) > 6
    shuffled = source()
    for step in np.random.default_rng(0).permutation(len(in_order)).tolist():
        assert same(arrays(shuffled, step), in_order[step])
        assert same(arrays(shuffled, step), in_order[step])
    other = source(seed=(7, 1))
    assert not all(same(arrays(other, step), in_order[step]) for step in range(3))
    assert not same(in_order[0], in_order[straight._ends[0]]), "epochs differ"


def test_every_step_draws_its_own_negatives() -> None:
    twins = TrainingData([tiny.SENTENCES[0]] * 60, DATA.maker)
    ours = BatchSource(
        twins,
        sampling=SamplingSettings(),
        recipe=tiny.recipe(triples={"negatives": 1}),
        epochs=9,
        seed=[7],
    )
    drawn = {tuple(taught(ours, step).tag_relation.tolist()) for step in range(len(ours))}
    assert len(drawn) == len(ours) == 9


def test_epochs_are_as_many_sentences_as_there_are() -> None:
    ours = source(epochs=2, temperature=1.0, mention_replacement=0.0)
    num_sentences = len(tiny.SENTENCES)
    sizes = [len(ours[step][0].lang_id) for step in range(len(ours))]
    assert sum(sizes) == 2 * num_sentences
    langs = Counter(lang for step in range(len(ours)) for lang in ours[step][0].lang_id.tolist())
    assert langs == Counter({k: 2 * v for k, v in Counter(DATA.lang_ids.tolist()).items()})


def test_epochs_done() -> None:
    ours = source(epochs=2.5)
    done = [ours.epoch_at(step) for step in range(len(ours) + 1)]
    assert (done[0], done[-1]) == (0.0, 2.5)
    assert done == sorted(set(done))
    first, second, third = ours._ends
    assert (done[first], done[second]) == (1.0, 2.0)
    assert third - second == round((source(epochs=3)._ends[2] - second) / 2)
    assert len(source(epochs=0.01)) == 1


def test_concatenation_begins_after_its_share_of_the_stage() -> None:
    ours = source(epochs=4, group_after=0.5, group_share=1.0)
    groups = [ours[step][0].group_size for step in range(len(ours))]
    half = ours._ends[1]
    assert set(groups[:half]) == {1}
    assert 2 in groups[half:]
    for step in range(half, len(ours)):
        batch = ours[step][0]
        rows = batch.lang_id.reshape(-1, batch.group_size)
        assert all(len(set(row)) == batch.group_size for row in rows.tolist())


def loop(recipe: Recipe, index: int = 0, model: Model | None = None) -> StageLoop:
    torch.manual_seed(0)
    settings = recipe.stages[index]
    batches = BatchSource(
        DATA, recipe=recipe, sampling=settings.sampling, epochs=settings.epochs, seed=[0, index]
    )
    return StageLoop(model or build(recipe, LABELS), recipe, settings, batches)


def short(**changes: Any) -> Recipe:
    given = {"name": "s", "epochs": 2, "lr": 0.01, "sampling": {"pieces_per_batch": 80}}
    return tiny.recipe(stages=[{**given, **changes}])


def test_every_step_is_reported() -> None:
    ours = loop(short())
    reports = list(ours.run())
    assert [report.step for report in reports] == list(range(1, len(ours.source) + 1))
    assert reports[-1].epoch == 2.0
    assert sum(report.sentences for report in reports) == 2 * len(tiny.SENTENCES)
    assert all(report.losses.keys() == {"relation", "tag", "pair"} for report in reports)
    assert all(np.isfinite([*report.losses.values(), report.gradient_norm]).all() for report in reports)
    assert reports[0].lr == learning_rate(ours.stage, 0, len(ours.source))
    assert list(ours.run()) == [], "a stage that is done stays done"


def test_a_step_on_switchers_alone_changes_no_other_bit() -> None:
    ours = loop(short(train=["switcher"], use_switcher=True))
    before = {name: tensor.clone() for name, tensor in ours.model.state_dict().items()}
    list(ours.run())
    changed = {n.split(".")[0] for n, t in ours.model.state_dict().items() if not torch.equal(t, before[n])}
    assert changed == {"switcher"}


def test_without_its_switch_a_stage_leaves_the_switchers_alone() -> None:
    ours = loop(short())
    before = {name: tensor.clone() for name, tensor in ours.model.switcher.state_dict().items()}  # type: ignore[union-attr]
    gradients = [
        p.grad for _ in ours.run() for name, p in ours.model.named_parameters() if name.startswith("switcher")
    ]
    assert all(gradient is None or not gradient.any() for gradient in gradients)
    moved = ours.model.switcher.state_dict()  # type: ignore[union-attr]
    assert all(torch.equal(moved[n], before[n]) for n in before if n.endswith(("up", "bias")))


def test_a_stage_may_pass_the_aggregator_by() -> None:
    """Even one that is no longer the identity: what it would add is not in the losses."""
    model = build(tiny.recipe(), LABELS)
    with torch.no_grad():
        model.aggregator.blocks[0].feed_out.bias.add_(1.0)  # type: ignore[union-attr, operator]
    passed, taken = (
        next(loop(short(use_aggregator=use), model=copy.deepcopy(model)).run()).losses
        for use in (False, True)
    )
    bare = build(tiny.recipe(aggregator={"layers": 0}), LABELS)
    rest = {n: t for n, t in model.state_dict().items() if not n.startswith("aggregator.")}
    assert not bare.load_state_dict(rest, strict=False).unexpected_keys
    assert passed == next(loop(short(), model=bare).run()).losses
    assert passed != taken


def test_biases_and_norms_do_not_decay() -> None:
    groups = loop(short(weight_decay=0.1)).optimizer.param_groups
    assert [(group["weight_decay"], {p.ndim > 1 for p in group["params"]}) for group in groups] == [
        (0.1, {True}),
        (0.0, {False}),
    ]


def test_averaged_weights_follow_the_formula() -> None:
    ours = loop(short(ema=0.5))
    name, parameter = next(iter(ours.parameters.items()))
    average = parameter.detach().double().clone()
    for step, _ in enumerate(ours.run(), start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * parameter.detach().double()
        torch.testing.assert_close(ours.weights()[name].double(), average, atol=1e-6, rtol=1e-5)
    assert not torch.equal(ours.weights()[name], parameter)


def test_clipping_bounds_the_first_step() -> None:
    """AdamW's step is free of scale, so the bound shows in the gradients themselves."""
    tight = loop(short(max_grad_norm=1e-3))
    report = next(tight.run())
    assert report.gradient_norm > 1e-3, "what is reported is the norm before the cut"
    gradients = [p.grad.norm() for p in tight.parameters.values() if p.grad is not None]
    assert torch.stack(gradients).norm() == pytest.approx(1e-3, rel=1e-3)
    free = loop(short(max_grad_norm=0.0))
    assert next(free.run()).gradient_norm == pytest.approx(report.gradient_norm)
    gradients = [p.grad.norm() for p in free.parameters.values() if p.grad is not None]
    assert torch.stack(gradients).norm() == pytest.approx(report.gradient_norm, rel=1e-4)


def test_a_loss_that_is_no_number_stops_the_stage() -> None:
    ours = loop(short(lr=0.03))
    with torch.no_grad():
        ours.model.triples.relation_head.bias[0] = float("nan")
    with pytest.raises(TrainingError, match=r"stage s, step 0: the loss is nan. .*--set s.lr=0.01"):
        next(ours.run())


def test_a_loop_goes_on_from_its_state_bit_for_bit() -> None:
    recipe = short(ema=0.9)
    whole = loop(recipe)
    states = [{n: t.clone() for n, t in whole.state().items()} for _ in whole.run()]
    again = loop(recipe)
    again.load_state(states[2])
    assert again.step == 3
    list(again.run())
    assert again.state().keys() == states[-1].keys()
    assert all(torch.equal(tensor, states[-1][name]) for name, tensor in again.state().items())


def test_start_from_takes_everything_but_the_switchers(tmp_path: Path) -> None:
    torch.manual_seed(1)
    given = build(tiny.recipe(switcher={"width": 16}), LABELS)
    write_tensors(tmp_path / "weights.safetensors", given.state_dict())
    model = build(tiny.recipe(), LABELS)
    own = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    load_initial_weights(model, tmp_path / "weights.safetensors")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, (own if name.startswith("switcher") else given.state_dict())[name])
    bare = build(tiny.recipe(switcher={"width": 0}, stages=[{"name": "s"}]), LABELS)
    load_initial_weights(bare, tmp_path / "weights.safetensors")


def test_an_aggregator_begins_as_the_identity_where_the_weights_have_none(tmp_path: Path) -> None:
    torch.manual_seed(1)
    given = build(tiny.recipe(aggregator={"layers": 0}), LABELS)
    write_tensors(tmp_path / "weights.safetensors", given.state_dict())
    model = build(tiny.recipe(), LABELS)
    load_initial_weights(model, tmp_path / "weights.safetensors")
    for name, tensor in model.state_dict().items():
        if not name.startswith(("switcher", "aggregator")):
            assert torch.equal(tensor, given.state_dict()[name])
    x, is_piece = torch.randn(2, 4, model.encoder.dim), torch.ones(2, 4, dtype=torch.bool)
    assert torch.equal(model.eval().aggregator(x, is_piece, 2), x)


def test_start_from_refuses_what_does_not_fit(tmp_path: Path) -> None:
    model, path = build(tiny.recipe(), LABELS), tmp_path / "weights.safetensors"
    with pytest.raises(ModelError, match=r"weights\.safetensors: this file is missing"):
        load_initial_weights(model, path)
    other = Labels(LABELS.relations[1:], (), LABELS.languages)
    write_tensors(path, build(tiny.recipe(), other).state_dict())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(
        ModelError, match=r"of another model \(5 names .*first triples\.entity_tagger\.relation_vectors"
    ):
        load_initial_weights(model, path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    deeper = tiny.recipe(aggregator={"layers": 2, "heads": 4})
    write_tensors(path, build(deeper, LABELS).state_dict())
    with pytest.raises(ModelError, match=r"first aggregator\.blocks\.1\."):
        load_initial_weights(model, path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        load_initial_weights(model, path)


@pytest.fixture
def two_stages(tiny_corpus: Path) -> Recipe:
    """No second evaluation can be better than the first: both find nothing. A checkpoint after every step."""
    stages = [
        {"name": "unified", "epochs": 2, "lr": 1e-9, "evaluations": 2, "sampling": LIVELY},
        {
            "name": "specific",
            "epochs": 2,
            "lr": 1e-9,
            "evaluations": 2,
            "use_switcher": True,
            "sampling": LIVELY,
        },
    ]
    return tiny.recipe(data={"path": str(tiny_corpus)}, stages=stages, checkpoint_minutes=0)


@pytest.mark.parametrize("at", ["between the stages", "before the model is written"])
def test_a_run_cut_off_after_a_stage_was_closed_goes_on(
    two_stages: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """The last checkpoint is then of a step before the close, whose best weights have moved on already."""
    whole = train(two_stages, tmp_path / "whole", progress=False)

    def cut_off(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if at == "between the stages":
            save = run_module.save_checkpoint

            def save_first_stage(path: Path, state: Any, progress: Any) -> None:
                (cut_off if progress.stage_run else save)(path, state, progress)

            patch.setattr(run_module, "save_checkpoint", save_first_stage)
        else:
            patch.setattr(Run, "_write_model", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train(two_stages, tmp_path / "cut", progress=False)
    resumed = train(two_stages, tmp_path / "cut", resume=True, progress=False)
    name = "model.safetensors"
    assert (resumed / name).read_bytes() == (whole / name).read_bytes()


def test_a_run_begun_before_a_setting_existed_can_be_resumed(two_stages: Recipe, tmp_path: Path) -> None:
    ours = tmp_path / "run"
    cut_off(two_stages, ours, 1)
    text = (ours / "run.json").read_text(encoding="utf-8")
    older = text.replace('"start": "",', "", 1)
    assert older != text
    (ours / "run.json").write_text(older, encoding="utf-8")
    assert (train(two_stages, ours, resume=True, progress=False) / "config.json").is_file()
    newer = two_stages.model_copy(update={"start": "weights.safetensors"})
    with pytest.raises(ConfigError, match=r"begun with other settings \(start:  -> weights.safetensors\)"):
        train(newer, ours, resume=True, progress=False)
