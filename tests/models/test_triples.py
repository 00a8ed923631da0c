"""The triples task: losses reach what they should, conflicts are resolved, scores are products."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from seven_languages import ALL, MAKER, SENTENCES, TEXTS, close, example, losses, triples_of
from tests import tiny

from mere.models.model import Model
from mere.models.triples import PieceFact, triple_score, without_conflict


@pytest.mark.parametrize("group", [1, 3])
def test_losses_are_finite_and_reach_every_parameter(model: Model, group: int) -> None:
    examples = MAKER.many(SENTENCES)[0][:12]
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
    examples = [example(text, lang) for text, lang in ALL]  # not covered: nothing is known of any relation
    found = losses(model, examples)
    assert set(found) == {"relation"}
    assert found["relation"] == 0


def test_the_weights_of_the_losses(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = MAKER.many(SENTENCES)[0]
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
    losses(model, MAKER.many([sentence])[0])["relation"].backward()  # type: ignore[no-untyped-call]
    gradient = triples_of(model).relation_head.bias.grad
    assert gradient is not None
    assert [bool(value) for value in gradient] == [True, False, False, True]


def fact(relation: int, subject: tuple[int, int], object_: tuple[int, int], score: float) -> PieceFact:
    return relation, subject, object_, score


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ([], []),
        ([fact(0, (0, 2), (3, 4), 0.5), fact(0, (0, 2), (5, 6), 0.9)], [1, 0]),  # best first
        ([fact(0, (0, 2), (3, 6), 0.9), fact(0, (0, 2), (4, 6), 0.5)], [0]),  # the object begins elsewhere
        ([fact(0, (0, 2), (3, 6), 0.5), fact(0, (0, 2), (4, 6), 0.9)], [1]),
        ([fact(0, (0, 2), (3, 6), 0.9), fact(1, (0, 2), (4, 6), 0.5)], [0, 1]),  # another relation
        ([fact(0, (0, 2), (3, 6), 0.9), fact(0, (4, 6), (0, 2), 0.5)], [0, 1]),  # another role
        ([fact(0, (0, 2), (3, 4), 0.9), fact(0, (2, 3), (4, 5), 0.5)], [0, 1]),  # neighbours
        # The second loses to the first, so it does not stand in the third's way.
        (
            [fact(0, (0, 2), (5, 6), 0.9), fact(0, (1, 3), (5, 6), 0.8), fact(0, (2, 4), (5, 6), 0.7)],
            [0, 2],
        ),
        ([fact(0, (0, 2), (3, 4), 0.5), fact(0, (0, 1), (3, 4), 0.5)], [1]),  # ties: the first in order
    ],
)
def test_without_conflict_by_hand(facts: list[PieceFact], kept: list[int]) -> None:
    assert without_conflict(facts) == [facts[i] for i in kept]


def test_the_score_of_a_triple_is_the_product_of_its_four() -> None:
    assert triple_score(0.5, 0.8, 0.25, 0.1) == pytest.approx(0.01)
