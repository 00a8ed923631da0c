"""The two-model pipeline: a classifier of relations and a tagger told their names share no weight and no gradient."""

from __future__ import annotations

import pytest
import torch

from mere.models.backend import predictor_of
from mere.models.model import Model, build
from tests import tiny
from tests.models.seven_languages import ALL, MAKER, SENTENCES, losses, randomised, run, settings, triples_of

RECIPE = settings(triples=tiny.recipe().triples.model_dump() | {"shared": False})
CLASSIFIER = ("triples.classifier.", "triples.relation_head.")


@pytest.fixture
def pipeline() -> Model:
    return randomised(RECIPE)


def reached(model: Model, loss: torch.Tensor) -> set[bool]:
    """Whether the loss reaches parameters of the classifier (True) or of the tagger (False)."""
    model.zero_grad()
    loss.backward(retain_graph=True)  # type: ignore[no-untyped-call]
    return {
        name.startswith(CLASSIFIER)
        for name, parameter in model.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().max() > 0
    }


def test_each_loss_reaches_its_own_model_only(pipeline: Model) -> None:
    found = losses(pipeline, tiny.many(MAKER, SENTENCES)[0])
    assert {name: reached(pipeline, loss) for name, loss in found.items()} == {
        "relation": {True},
        "tag": {False},
        "pair": {False},
    }  # fmt: skip


def test_the_tagger_knows_of_the_classifier_the_names_of_relations_only(pipeline: Model) -> None:
    before = losses(pipeline, tiny.many(MAKER, SENTENCES)[0])
    with torch.no_grad():
        for name, parameter in pipeline.named_parameters():
            if name.startswith("triples.classifier."):
                parameter.add_(1.0)
    after = losses(pipeline, tiny.many(MAKER, SENTENCES)[0])
    assert (after["tag"], after["pair"]) == (before["tag"], before["pair"])
    assert after["relation"] != before["relation"]


def test_the_classifiers_encoder_is_of_the_recipes_kind_with_weights_of_its_own(pipeline: Model) -> None:
    classifier = triples_of(pipeline).classifier
    assert type(classifier) is type(pipeline.encoder)
    ours = {name: p.shape for name, p in pipeline.encoder.named_parameters()}
    theirs = {name: p.shape for name, p in (classifier or pipeline).named_parameters()}
    assert ours == theirs
    shared = build(settings(), MAKER.labels)
    assert triples_of(shared).classifier is None
    extra = sum(p.numel() for p in pipeline.parameters()) - sum(p.numel() for p in shared.parameters())
    assert extra == sum(p.numel() for p in pipeline.encoder.parameters())


def test_a_tagger_that_is_not_told_the_relation_says_the_same_of_each() -> None:
    untold = randomised(settings(triples=tiny.recipe().triples.model_dump() | {"tell_relation": False}))
    told = randomised(settings())
    told.load_state_dict(untold.state_dict())  # the same weights, used otherwise
    examples = tiny.many(MAKER, SENTENCES)[0]
    item, relation = torch.tensor([0, 0, 0]), torch.tensor([0, 1, 2])
    for model, is_same in ((untold, True), (told, False)):
        with torch.no_grad():
            emissions = run(model, examples).tags(item, relation)
        assert torch.equal(emissions[0], emissions[1]) is torch.equal(emissions[1], emissions[2]) is is_same


def test_a_batch_is_predicted_as_its_sentences_one_by_one(pipeline: Model) -> None:
    predictor = predictor_of(pipeline, MAKER)
    texts, langs = [text for text, _ in ALL], [lang for _, lang in ALL]
    together = predictor.predict(texts, langs, threshold=0.0)
    alone = [predictor.predict([text], [lang], threshold=0.0)[0] for text, lang in ALL]
    assert [[t.key for t in p.triples] for p in together] == [[t.key for t in p.triples] for p in alone]
    assert any(p.triples for p in together)
