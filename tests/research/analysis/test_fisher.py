"""Fisher information against the loop that it stands for: a batch of one, a backward, the gradient squared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from analysis_examples import (
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
from torch import Tensor, nn

from mere.config import Recipe
from mere.data.examples import Annotated
from mere.data.pieces import fit_pieces
from mere.data.targets import Targets
from mere.errors import ModelError
from mere.models.tensors import targets_to_tensors
from mere.research.analysis.fisher import fisher
from mere.research.analysis.per_example_gradients import Totals, add_row_squares, summing_squares
from mere.research.analysis.recurrent import gate_gradients
from mere.research.analysis.single_sentence import is_cut
from mere.research.analysis.subject import CPU, Network


def loop(
    net: Network,
    chosen: Sequence[Annotated],
    seed: int,
    targets: Callable[[Sequence[Annotated], np.random.Generator], Targets] = targets,
) -> dict[str, Tensor]:
    """The mean squared gradient, one sentence and one parameter at a time."""
    sums: dict[str, Tensor] = {}
    for place, example in enumerate(chosen):
        wanted = targets_to_tensors(targets([example], np.random.default_rng([seed, place])), CPU)
        net.model.zero_grad(set_to_none=True)
        losses = net.model.losses(net.batch([example]), wanted)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        for name, parameter in net.model.named_parameters():
            if parameter.grad is not None:
                sums[name] = sums.get(name, torch.zeros_like(parameter)) + parameter.grad.square()
    return {name: total.detach() / len(chosen) for name, total in sums.items()}


@pytest.mark.parametrize("use_switcher", [False, True], ids=["universal", "switchers"])
@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_is_the_loop_of_batches_of_one(encoder: str, use_switcher: bool) -> None:
    model, maker = model_of(recipe(encoder))
    net = network(model, use_switcher=use_switcher)
    chosen = examples(maker, "de")
    assert len({len(example.pieces) for example in chosen}) > 2, "batches of one length would prove little"
    with Double():
        found = fisher(model, chosen, lang="de", batch_of=net.batch, targets_of=targets, seed=3)
        wanted = loop(net, chosen, seed=3)
    assert found.sentences == len(chosen)
    assert found.diagonal.keys() <= wanted.keys()
    for name, values in wanted.items():
        if name in found.diagonal:
            near(found.diagonal[name], values)
        else:
            assert not values.any(), name
    reached = [name for name in found.diagonal if name.startswith("switcher.")]
    assert all(name.startswith("switcher.of.de.") for name in reached)
    assert bool(reached) == use_switcher


@pytest.mark.parametrize("kind", ["adapters", "lora"])
def test_switchers_inside_the_encoder_are_refused_and_the_universal_path_is_not(kind: str) -> None:
    model, maker = model_of(recipe("transformer", switcher={"kind": kind, "width": 4, "rank": 2}))
    chosen = examples(maker, "de")
    with Double():
        found = fisher(model, chosen, lang="de", batch_of=network(model).batch, targets_of=targets)
        wanted = loop(network(model), chosen, seed=0)
    assert not [name for name in found.diagonal if name.startswith("switcher.")]
    for name, values in found.diagonal.items():
        near(values, wanted[name])
    routed = network(model, use_switcher=True)
    with pytest.raises(
        ModelError, match=r"through switchers inside the encoder .* does not use them: --stage"
    ):
        fisher(model, chosen, lang="de", batch_of=routed.batch, targets_of=targets)


@pytest.mark.parametrize("decoder", ["crf", "types"])
def test_the_entities_task_alone(decoder: str) -> None:
    model, maker = model_of(recipe("words", task="entities", entities={"decoder": decoder}))
    net, chosen = network(model), examples(maker, "de", "en", "te")
    with Double():
        found = fisher(model, chosen, lang="", batch_of=net.batch, targets_of=targets)
        wanted = loop(net, chosen, seed=0)
    for name, values in wanted.items():
        if values.any():
            near(found.diagonal[name], values)


def test_the_decoder_of_spans() -> None:
    spans = {"window": 8, "overlap": 4, "dim": 8, "layers": 2}
    encoder = {"name": "bytes", "dim": 16}
    given = {"encoder": encoder, "task": "entities", "entities": {"decoder": "spans", "spans": spans}}
    model, maker = model_of(recipe("stream", aggregator={"layers": 0}, **given))
    net, chosen = network(model), examples(maker, "de", "te")
    with Double():
        found = fisher(model, chosen, lang="", batch_of=net.batch, targets_of=windows).diagonal
        wanted = loop(net, chosen, 0, windows)
    assert {name for name, values in wanted.items() if values.any()} <= found.keys()
    for name, values in found.items():
        near(values, wanted[name])


def test_the_pipeline_whose_relations_have_an_encoder_of_their_own() -> None:
    settings = recipe("bilstm", triples={"hidden": 16, "shared": False})
    model, maker = model_of(settings)
    net, chosen = network(model), examples(maker, "de")
    with Double():
        found = fisher(model, chosen, lang="de", batch_of=net.batch, targets_of=targets).diagonal
        wanted = loop(net, chosen, 0)
    assert any(name.startswith("triples.classifier.") for name in found)
    assert {name for name, values in wanted.items() if values.any()} <= found.keys()
    for name, values in found.items():
        near(values, wanted[name])


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "modernbert", "distilbert"])
def test_a_pretrained_encoder(family: str, tmp_path: Path) -> None:
    """Its sentences are longer than its windows, some of them; positions are one row for all."""
    model, maker = model_of(pretrained(family, tmp_path))
    net, chosen = network(model), examples(maker, "de", "en")
    cut = [is_cut(model.encoder, example) for example in chosen]
    assert any(cut)
    assert not all(cut)
    with Double():
        found = fisher(model, chosen, lang="", batch_of=net.batch, targets_of=targets).diagonal
        wanted = loop(net, chosen, 0)
    assert {name for name, values in wanted.items() if values.any()} <= found.keys()
    for name, values in found.items():
        near(values, wanted[name])


@pytest.mark.parametrize("family", ["deberta-v2", "t5"])
def test_what_has_no_rule_is_refused_and_not_left_out(family: str, tmp_path: Path) -> None:
    model, maker = model_of(pretrained(family, tmp_path))
    net = network(model)
    with pytest.raises(ModelError, match="not implemented for this encoder"):
        fisher(model, examples(maker, "de"), lang="de", batch_of=net.batch, targets_of=targets)


def pretrained(family: str, folder: Path) -> Recipe:
    """A recipe whose encoder reads at a time as many subwords as half of the sentences have, or fewer."""
    pytest.importorskip("transformers")
    from tests import checkpoints

    made = checkpoints.make(family, folder / family, positions=128)
    encoder = {"name": str(made), "dropout": 0.0, "attention": "eager"}
    settings = recipe("bilstm", encoder=encoder)
    pieces = fit_pieces(settings.encoder, SENTENCES)
    described = [pieces.describe(s.text, pieces.cut(s.text)) for s in SENTENCES if s.lang in ("de", "en")]
    middle = int(np.median([(numbers > 0).sum() for numbers in described]))
    return recipe("bilstm", encoder=encoder | {"max_pieces": middle + 2})


def test_single_precision_is_near_enough() -> None:
    model, maker = model_of(recipe("bilstm"))
    chosen = examples(maker, "en")
    exact = loop(network(model), chosen, seed=0)
    model.float()
    net = network(model)
    found = fisher(model, chosen, lang="en", batch_of=net.batch, targets_of=targets, seed=0).diagonal
    for name, values in exact.items():
        if values.any():
            torch.testing.assert_close(found[name].double(), values, rtol=1e-3, atol=1e-4 * values.max())


def test_the_model_is_left_as_it_was() -> None:
    model, maker = model_of(recipe("bilstm"))
    before = {name: (p.detach().clone(), p.requires_grad) for name, p in model.named_parameters()}
    net = network(model)
    for _ in range(2):
        fisher(model, examples(maker, "ja"), lang="ja", batch_of=net.batch, targets_of=targets)
    for name, parameter in model.named_parameters():
        value, required = before[name]
        assert torch.equal(parameter, value)
        assert parameter.requires_grad == required
        assert parameter.grad is None
    assert not any(module._forward_hooks for module in model.modules())


def test_dropping_at_random_is_refused() -> None:
    model, maker = model_of(recipe("bilstm"))
    net = network(model.train())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="training mode"):
        fisher(model, examples(maker, "ja"), lang="ja", batch_of=net.batch, targets_of=targets)


@pytest.mark.parametrize("bias", [True, False])
def test_gate_gradients_are_autograds(bias: bool) -> None:
    torch.manual_seed(1)
    lstm = nn.LSTM(5, 4, batch_first=True, bias=bias).double()
    x, weight = torch.randn(1, 9, 5).double(), torch.randn(1, 9, 4).double()
    h = lstm(x)[0]
    (h * weight).sum().backward()
    dz, before = gate_gradients(lstm, x, h.detach(), weight)
    near(torch.einsum("bpz,bpe->ze", dz, x), lstm.weight_ih_l0.grad, 1e-10)
    near(torch.einsum("bpz,bph->zh", dz, before), lstm.weight_hh_l0.grad, 1e-10)
    if bias:
        near(dz.sum((0, 1)), lstm.bias_ih_l0.grad, 1e-10)


def test_rows_that_a_sentence_reads_twice_are_added_before_they_are_squared() -> None:
    ids = torch.tensor([[2, 2, 0], [2, 3, 3]])
    gradient = torch.tensor([[[1.0], [2.0], [9.0]], [[4.0], [5.0], [-5.0]]])
    found = torch.zeros(5, 1)
    add_row_squares(found, ids, gradient, num=2, padding=0)
    assert found[:, 0].tolist() == [0.0, 0.0, (1 + 2) ** 2 + 4**2, (5 - 5) ** 2, 0.0]
    add_row_squares(found, ids, gradient, num=2, padding=None)
    assert found[:, 0].tolist() == [81.0, 0.0, 2 * 25.0, 0.0, 0.0]


class _Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) * self.scale


def test_a_parameter_without_a_rule_is_refused() -> None:
    module, totals = _Scaled(), Totals()
    with pytest.raises(ModelError, match="scale"), summing_squares(module, totals, 2):
        module(torch.randn(2, 4, 3)).sum().backward()


def test_a_module_that_runs_twice_is_refused() -> None:
    module, totals = nn.Sequential(nn.Linear(3, 3)), Totals()
    with pytest.raises(ModelError, match="twice"), summing_squares(module, totals, 2):
        module(module(torch.randn(2, 4, 3))).sum().backward()


def test_sources_of_both_kinds_are_among_the_sentences() -> None:
    """Or the marginal likelihood would not be tested above."""
    covered = {sentence.types_covered for sentence in SENTENCES if sentence.lang == "de"}
    assert covered == {frozenset({"PER"}), frozenset({"PER", "LOC"})}
