"""The triples task: its losses reach what they should."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mere.models.model import Model
from tests import tiny
from tests.models.seven_languages import MAKER, SENTENCES, TEXTS, close, losses, triples_of


@pytest.mark.parametrize("group", [1, 3])
def test_losses_are_finite_and_reach_every_parameter(model: Model, group: int) -> None:
    examples = tiny.many(MAKER, SENTENCES)[0][:12]
    found = losses(model, examples, group)
    assert set(found) == {"relation", "tag", "pair"}
    total = torch.stack(list(found.values())).sum()
    model.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    assert all(torch.isfinite(loss) and loss > 0 for loss in found.values())
    absent = {f"switcher.of.{lang}" for lang in TEXTS} - {f"switcher.of.{s.lang}" for s in SENTENCES[:12]}
    for name, parameter in model.named_parameters():
        gradient = torch.zeros(1) if parameter.grad is None else parameter.grad
        assert torch.isfinite(gradient).all()
        grouped_only = name == "aggregator.own_sentence" and group == 1
        untouched = grouped_only or ".".join(name.split(".")[:3]) in absent
        assert bool(gradient.abs().max() > 0) is not untouched, name


def test_a_batch_that_states_nothing_has_only_a_relation_loss(model: Model) -> None:
    nothing = {"entities": (), "triples": (), "relations_covered": frozenset()}
    examples = tiny.many(MAKER, (replace(sentence, **nothing) for sentence in SENTENCES))[0]
    found = losses(model, examples)
    assert set(found) == {"relation"}
    assert found["relation"] == 0


def test_the_weights_of_the_losses(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = tiny.many(MAKER, SENTENCES)[0]
    once = losses(model, examples)
    weights = {"relation_weight": 2.0, "tag_weight": 0.0, "pair_weight": 1.5}
    monkeypatch.setattr(triples_of(model), "settings", tiny.recipe().triples.model_copy(update=weights))
    weighed = losses(model, examples)
    close(weighed["relation"], 2 * once["relation"])
    assert weighed["tag"] == 0
    close(weighed["pair"], 3 * once["pair"])  # 0.5 by default


def test_what_is_not_covered_teaches_the_relation_head_nothing(model: Model) -> None:
    sentence = replace(SENTENCES[0], relations_covered=frozenset({"birth-place", "wrote"}))
    model.zero_grad()
    losses(model, tiny.many(MAKER, [sentence])[0])["relation"].backward()  # type: ignore[no-untyped-call]
    gradient = triples_of(model).relation_head.bias.grad
    assert gradient is not None
    assert [bool(value) for value in gradient] == [True, False, False, True]
