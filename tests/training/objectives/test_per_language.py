"""Per-language gradients of a real model: both ways, unused parameters, real switchers, planted conflict."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mere.nn.switcher import Switcher
from mere.training.objectives import (
    OBJECTIVES,
    ConflictTracker,
    backward,
    make_objective,
    separate_forwards,
)
from tests.training.objectives.gradient_examples import LANGUAGES, gradients_of

LANGS = ("de", "fr", "ko")


class Tiny(nn.Module):
    """An encoder, the real switcher, a head, and a part that nobody uses."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
        self.switcher = Switcher(dim=8, width=3, languages=LANGS)
        self.head = nn.Linear(8, 2)
        self.unused = nn.Linear(8, 2)
        for parameter in self.switcher.parameters():
            nn.init.normal_(parameter, std=0.3)

    def forward(self, x: Tensor, lang_id: Tensor) -> Tensor:
        return self.head(self.switcher(self.encoder(x), lang_id)).pow(2).sum((-1, -2))  # (B,)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(7, 5, 4, generator=rng), torch.tensor([1, 2, 3, 1, 1, 3, 2])


def losses_by_language(model: nn.Module, x: Tensor, lang_id: Tensor) -> dict[str, Tensor]:
    rows = model(x, lang_id)
    return {lang: rows[lang_id == number].sum() / len(rows) for number, lang in enumerate(LANGS, 1)}


def test_one_forward_and_one_forward_per_language_agree(batch):
    model = Tiny()
    parameters = dict(model.named_parameters())
    x, lang_id = batch

    def loss_of(lang: str) -> Tensor:
        own = lang_id == LANGS.index(lang) + 1
        return model(x[own], lang_id[own]).sum() / len(x)

    losses = losses_by_language(model, x, lang_id)
    shared = gradients_of(losses, parameters)
    separately, separate = separate_forwards(loss_of, LANGS, parameters)
    assert shared.languages == separate.languages == LANGS
    torch.testing.assert_close({lang: loss.detach() for lang, loss in losses.items()}, separately)
    assert not any(loss.requires_grad for loss in separately.values())
    assert list(shared.stacked) == list(separate.stacked)
    torch.testing.assert_close(dict(shared.stacked), dict(separate.stacked))


def test_rows_are_what_backward_leaves_in_grad(batch):
    model = Tiny()
    given = gradients_of(losses_by_language(model, *batch), dict(model.named_parameters()))
    for place, lang in enumerate(LANGS):
        model.zero_grad(set_to_none=True)
        losses_by_language(model, *batch)[lang].backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                torch.testing.assert_close(given.stacked[name][place], parameter.grad)


def test_what_nobody_uses_is_left_out_and_its_grad_stays_none(batch):
    model = Tiny()
    parameters = dict(model.named_parameters())
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)  # of an earlier step
    given = backward(
        make_objective("pcgrad", LANGS),
        [losses_by_language(model, *batch)],
        parameters,
        np.random.default_rng(0),
    )
    assert given is not None
    assert set(parameters) - set(given.stacked) == {"unused.weight", "unused.bias"}
    assert model.unused.weight.grad is None
    assert model.encoder[0].weight.grad is not None


def test_a_parameter_that_one_language_does_not_use_has_zeros_for_it():
    shared, only_fr = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))

    def losses() -> dict[str, Tensor]:
        return {"de": shared.sum(), "fr": (shared * only_fr).sum()}

    given = gradients_of(losses(), {"encoder.w": shared, "head.w": only_fr})
    assert given.stacked["head.w"].tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert given.shared == {"encoder.w"}
    turned = gradients_of(losses(), {"head.w": only_fr, "encoder.w": shared})
    assert list(turned.stacked) == ["head.w", "encoder.w"]


def test_a_language_whose_loss_has_no_graph_has_zeros():
    weight = nn.Parameter(torch.ones(2))
    given = gradients_of({"de": torch.tensor(0.0), "fr": weight.sum()}, {"encoder.w": weight})
    assert given.stacked["encoder.w"].tolist() == [[0.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("name", ["pcgrad", "gradvac", "mgda"])
def test_real_switchers_are_private_and_pass_unchanged(batch, name):
    model = Tiny()
    parameters = dict(model.named_parameters())
    given = backward(
        make_objective(name, LANGS), [losses_by_language(model, *batch)], parameters, np.random.default_rng(0)
    )
    assert given is not None
    assert not any(name.startswith("switcher") for name in given.shared)
    assert set(given.by_group) == {"encoder", "head"}
    for place, lang in enumerate(LANGS):
        own = f"switcher.of.{lang}.up"
        assert given.stacked[own][place].abs().sum() > 0
        assert torch.equal(parameters[own].grad, given.stacked[own][place])


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_answers_add_up_to_the_ordinary_gradient_when_nothing_conflicts(name):
    weight = nn.Parameter(torch.tensor([1.0, 2.0]))
    losses = {"de": weight[0] ** 2, "fr": weight[1] ** 2}  # orthogonal
    backward(make_objective(name, LANGUAGES), [losses], {"encoder.w": weight}, np.random.default_rng(0))
    expected = [2.0, 4.0] if name != "mgda" else [1.6, 0.8]  # MGDA: weights 4/5, 1/5
    torch.testing.assert_close(weight.grad, torch.tensor(expected))


def planted(sign: float) -> dict[str, Tensor]:
    """German wants y = x·w, French y = sign * x·w."""
    rng = torch.Generator().manual_seed(2)
    x = torch.randn(64, 3, generator=rng)
    y = x @ torch.tensor([1.0, -2.0, 0.5])
    return {"x": x, "de": y, "fr": sign * y}


@pytest.mark.parametrize(("sign", "cosine"), [(-1.0, -1.0), (1.0, 1.0)])
def test_planted_conflict_is_measured(sign, cosine):
    data = planted(sign)
    linear = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(linear.weight)
    losses = {lang: (linear(data["x"])[:, 0] - data[lang]).pow(2).mean() for lang in ("de", "fr")}
    tracker = ConflictTracker(("de", "fr"))
    tracker.update(gradients_of(losses, {"encoder.weight": linear.weight}))
    found = tracker.to_json()["groups"]["encoder"]
    assert found["mean_cosine"] == pytest.approx(cosine, abs=1e-5)
    assert found["share_conflicting"] == (1.0 if cosine < 0 else 0.0)


def test_planted_conflict_through_training_and_what_own_heads_mend():
    """With one head the languages stay in conflict and fail; with a head each, both are learned."""
    data = planted(-1.0)
    errors, shares = {}, {}
    for heads in ("one", "own"):
        torch.manual_seed(0)
        encoder = nn.Linear(3, 4, bias=False)
        head = nn.ModuleDict({lang: nn.Linear(4, 1, bias=False) for lang in ("de", "fr")})
        if heads == "one":
            head["fr"] = head["de"]
        model = nn.ModuleDict({"encoder": encoder, "head": head})
        parameters = dict(model.named_parameters())
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        objective, tracker = make_objective("sum", ("de", "fr")), ConflictTracker(("de", "fr"))
        for step in range(300):
            losses = {
                lang: (head[lang](encoder(data["x"]))[:, 0] - data[lang]).pow(2).mean()
                for lang in ("de", "fr")
            }
            given = backward(objective, [losses], parameters, np.random.default_rng(step), measure=True)
            tracker.update(given)
            optimizer.step()
        errors[heads] = sum(loss.item() for loss in losses.values())
        shares[heads] = tracker.to_json()["groups"]["encoder"]["share_conflicting"]
    assert errors["own"] < 0.01 < 5 < errors["one"]
    assert shares["one"] > 0.95
    assert shares["own"] < shares["one"]
