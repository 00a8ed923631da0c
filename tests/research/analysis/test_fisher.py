"""Fisher information against finite differences of the loss, for every encoder, switcher and head that is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mere.config import Recipe
from mere.data.examples import Annotated
from mere.data.targets import Targets
from mere.models.tensors import targets_to_tensors
from mere.research.analysis.analysed_run import CPU, Network
from mere.research.analysis.fisher import Fisher, fisher
from tests.research.analysis.analysis_examples import (
    ENCODERS,
    SENTENCES,
    Double,
    examples,
    model_of,
    near,
    network,
    recipe,
    targets,
    windows,
)

STEP = 1e-3  # some losses are of single precision
CHECKED = 6
MakeTargets = Callable[[Sequence[Annotated], np.random.Generator], Targets]


def measured(
    net: Network, chosen: Sequence[Annotated], *, seed: int = 3, make: MakeTargets = targets
) -> Fisher:
    with Double():
        return fisher(net.model, chosen, lang="de", batch_of=net.batch, targets_of=make, seed=seed)


def differences(
    net: Network, chosen: Sequence[Annotated], name: str, place: int, *, make: MakeTargets, seed: int = 3
) -> float:
    """The mean squared central difference of one number of one parameter, sentence by sentence."""
    values = net.model.get_parameter(name).detach().view(-1)
    squares = []
    with Double(), torch.no_grad():
        for number, example in enumerate(chosen):
            wanted = targets_to_tensors(make([example], np.random.default_rng([seed, number])), CPU)
            ends = []
            for step in (STEP, -2 * STEP):
                values[place] += step
                ends.append(sum(float(v) for v in net.model.losses(net.batch([example]), wanted).values()))
            values[place] += STEP
            squares.append(((ends[0] - ends[1]) / (2 * STEP)) ** 2)
    return float(np.mean(squares))


def agree(net: Network, chosen: Sequence[Annotated], *, make: MakeTargets = targets) -> Fisher:
    """Compare the largest value of some parameters with its finite difference; what is left out has none."""
    found = measured(net, chosen, make=make)
    parameters = list(net.model.named_parameters())
    for name, parameter in parameters[:: max(1, len(parameters) // CHECKED)]:
        values = found.diagonal.get(name, torch.zeros_like(parameter)).reshape(-1)
        place = int(values.argmax())
        wanted = differences(net, chosen, name, place, make=make)
        assert float(values[place]) == pytest.approx(wanted, rel=2e-2, abs=1e-6), name
    return found


@pytest.mark.parametrize("use_switcher", [False, True], ids=["universal", "switchers"])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_is_the_mean_squared_derivative(encoder: str, use_switcher: bool) -> None:
    model, maker = model_of(recipe(encoder))
    chosen = examples(maker, "de")
    found = agree(network(model, use_switcher=use_switcher), chosen)
    assert found.sentences == len(chosen)
    reached = [name for name in found.diagonal if name.startswith("switcher.")]
    assert all(name.startswith("switcher.of.de.") for name in reached)
    assert bool(reached) == use_switcher


@pytest.mark.parametrize("kind", ["adapters", "lora"])
def test_switchers_inside_the_encoder(kind: str) -> None:
    model, maker = model_of(recipe("transformer", switcher={"kind": kind, "width": 4, "rank": 2}))
    chosen = examples(maker, "de")
    found = agree(network(model, use_switcher=True), chosen)
    assert any(".de." in name for name in found.diagonal if name.startswith("switcher."))
    universal = measured(network(model), chosen)
    assert not [name for name in universal.diagonal if name.startswith("switcher.")]


ENTITIES: dict[str, Any] = {
    "crf": recipe("words", task="entities", entities={"decoder": "crf"}),
    "types": recipe("words", task="entities", entities={"decoder": "types"}),
    "spans": recipe(
        "stream",
        aggregator={"layers": 0},
        encoder={"name": "bytes", "dim": 16},
        task="entities",
        entities={"decoder": "spans", "spans": {"window": 8, "overlap": 4, "dim": 8, "layers": 2}},
    ),
}


@pytest.mark.parametrize("decoder", ENTITIES)
def test_the_entities_task_alone(decoder: str) -> None:
    model, maker = model_of(ENTITIES[decoder])
    make = windows if decoder == "spans" else targets
    agree(network(model), examples(maker, "de", "te"), make=make)


def test_the_pipeline_whose_relations_have_an_encoder_of_their_own() -> None:
    model, maker = model_of(recipe("bilstm", triples={"hidden": 16, "shared": False}))
    found = agree(network(model), examples(maker, "de"))
    assert any(name.startswith("triples.classifier.") for name in found.diagonal)


@pytest.mark.parametrize("family", ["bert", "deberta-v2", "t5"])
def test_a_pretrained_encoder(family: str, tmp_path: Path) -> None:
    model, maker = model_of(pretrained(family, tmp_path))
    agree(network(model), examples(maker, "de")[:2])


def pretrained(family: str, folder: Path) -> Recipe:
    pytest.importorskip("transformers")
    from tests import checkpoints

    made = checkpoints.make(family, folder / family, positions=128)
    return recipe("bilstm", encoder={"name": str(made), "dropout": 0.0, "attention": "eager"})


def test_it_is_the_mean_over_sentences() -> None:
    model, maker = model_of(recipe("bilstm", triples={"hidden": 16}))
    net, chosen = network(model), examples(maker, "de")

    def make(of: Sequence[Annotated], rng: np.random.Generator) -> Targets:
        return targets(of, np.random.default_rng(0))  # the negatives do not depend on a sentence's place

    whole = measured(net, chosen, make=make).diagonal
    single = [measured(net, [example], make=make).diagonal for example in chosen]
    for name, values in whole.items():
        near(values, sum(one[name] for one in single if name in one) / len(chosen))  # type: ignore[arg-type]


def test_the_model_is_left_as_it_was() -> None:
    model, maker = model_of(recipe("bilstm"))
    for parameter in list(model.parameters())[::2]:
        parameter.requires_grad_(False)
    before = {name: (p.detach().clone(), p.requires_grad) for name, p in model.named_parameters()}
    measured(network(model), examples(maker, "ja"))
    for name, parameter in model.named_parameters():
        value, required = before[name]
        assert torch.equal(parameter, value)
        assert parameter.requires_grad == required
        assert parameter.grad is None


def test_dropout_is_refused() -> None:
    model, maker = model_of(recipe("bilstm"))
    with pytest.raises(ValueError, match=r"training mode.*model\.eval"):
        measured(network(model.train()), examples(maker, "ja"))  # type: ignore[arg-type]


def test_sources_of_both_kinds_are_among_the_sentences() -> None:
    """Or the marginal likelihood would not be tested above."""
    covered = {sentence.types_covered for sentence in SENTENCES if sentence.lang == "de"}
    assert covered == {frozenset({"PER"}), frozenset({"PER", "LOC"})}
