"""The whole model: a mixed batch is its languages one by one, and nothing about a batch changes an answer."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from tests import tiny
from torch import nn

from mere.config import ParameterGroup, Recipe
from mere.data.batching import collate, targets
from mere.data.examples import LONGEST, Example, ExampleMaker
from mere.data.features import Features
from mere.data.units import Units
from mere.errors import DataError
from mere.models.predictor import PieceFact, TriplePredictor, triple_score, without_conflict
from mere.models.tensors import targets_to_tensors, to_tensors
from mere.models.triples import GROUPS, Refined, TripleModel, build
from mere.schema import Labels
from mere.training.loop import select_parameters
from mere.types import Prediction

KEYS = Path(__file__).parent / "keys.txt"
CPU = torch.device("cpu")

TEXTS = {
    "ar": ["وُلد سامر الحلو في بلدة الزهراء.", "لم يحدث شيء.", "القاهرة 2024 — Cairo!"],
    "de": [
        "Hans Reinhold wurde in Rostock geboren.",
        "Ja.",
        "Ulm liegt in Weidenau, und Weidenau in Nordmark.",
    ],
    "en": ["Clara Whitfield was born in Dunmore.", "👩‍👩‍👧 Tales, by Owen Hart", "No."],
    "ja": ["山口花子は青葉市で生まれた。", "スーパー", "青葉市は緑県にある。"],
    "ru": ["Анна Белова родом из города Тверь.", "Нет!", "Иван Лесной написал книгу."],
    "te": ["రవి కుమార్ నందపురంలో జన్మించాడు.", "సీత", "సీత రాజు మాధవపురంలో జన్మించింది."],
    "zh": ["李明出生在河岸市。", "没有。", "王小云写了《春雨》。"],
}
LABELS = Labels(("birth-place", "has-occupation", "is-where", "wrote"), (), tuple(TEXTS))
MAKER = ExampleMaker(Units(frozenset({"లో"})), Features(2048), LABELS)
ALL = [(text, lang) for lang, texts in TEXTS.items() for text in texts]


def settings(context: str = "bilstm", **changes: object) -> Recipe:
    return tiny.recipe(encoder=tiny.recipe().encoder.model_dump() | {"context": context}, **changes)


def randomised(recipe: Recipe) -> TripleModel:
    """A model far from its start, where aggregator and switchers are the identity."""
    torch.manual_seed(5)
    model = build(recipe, LABELS)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(torch.randn(parameter.shape) * (0.3 if name.startswith("switcher") else 0.1))
    return model.eval()


@pytest.fixture(scope="module", params=["bilstm", "transformer"])
def model(request: pytest.FixtureRequest) -> TripleModel:
    return randomised(settings(request.param))


@pytest.fixture(scope="module")
def predictor(model: TripleModel) -> TriplePredictor:
    return TriplePredictor(model, MAKER, candidates=4)


def example(text: str, lang: str | None) -> Example:
    made = MAKER.text(text, lang)[1]
    assert made is not None
    return made


def run(model: TripleModel, examples: list[Example]) -> Refined:
    with torch.no_grad():
        return model(to_tensors(collate(examples), CPU))


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_mixed_batch_of_seven_languages_is_seven_batches_of_one(model: TripleModel, mode: str) -> None:
    assert len(TEXTS) == 7
    model.train(mode == "train")  # without dropout the modes are the same
    mixed = run(model, [example(text, lang) for text, lang in ALL])
    assert mixed.pieces.abs().max() > 1
    for index, (lang, texts) in enumerate(TEXTS.items()):
        examples = [example(text, lang) for text in texts]
        own = run(model, examples)
        rows = slice(3 * index, 3 * index + 3)
        close(mixed.relations[rows], own.relations)
        close(mixed.read[rows], own.read)
        for row, one in enumerate(examples):
            length = len(one.pieces)
            close(mixed.pieces[3 * index + row, :length], own.pieces[row, :length])
    model.eval()


def assert_same_facts(some: list[PieceFact], others: list[PieceFact]) -> None:
    assert {fact[:3] for fact in some} == {fact[:3] for fact in others}
    scores = {fact[:3]: fact[3] for fact in others}
    assert all(abs(fact[3] - scores[fact[:3]]) < 1e-5 for fact in some)


def test_the_facts_of_a_mixed_batch_are_those_of_its_languages(predictor: TriplePredictor) -> None:
    mixed = predictor.facts([example(text, lang) for text, lang in ALL])
    apart = [
        facts for la, texts in TEXTS.items() for facts in predictor.facts([example(t, la) for t in texts])
    ]
    assert sum(map(len, mixed)) > 50, "an untrained model that finds nothing would prove nothing"
    for some, others in zip(mixed, apart, strict=True):
        assert_same_facts(some, others)


def test_the_language_matters(predictor: TriplePredictor) -> None:
    """Or the tests above would hold for a model that ignores it."""
    text = TEXTS["de"][0]
    german, english = (run(predictor.model, [example(text, lang)]) for lang in ("de", "en"))
    assert (german.relations - english.relations).abs().max() > 1e-2


def assert_same_predictions(some: list[Prediction], others: list[Prediction]) -> None:
    for one, other in zip(some, others, strict=True):
        scores = {triple.key: triple.score or 0.0 for triple in other.triples}
        assert {triple.key for triple in one.triples} == scores.keys()
        assert all(abs((triple.score or 0.0) - scores[triple.key]) < 1e-5 for triple in one.triples)
        assert [entity.span for entity in one.entities] == [entity.span for entity in other.entities]


def test_batch_size_and_order_change_nothing(predictor: TriplePredictor) -> None:
    rows = [*ALL, *((text, None) for text, _ in ALL), ("", "de"), (" \n", None)]
    texts, langs = [text for text, _ in rows], [lang for _, lang in rows]
    whole = predictor.predict(texts, langs, batch_size=64, threshold=0.0)
    assert sum(len(prediction.triples) for prediction in whole) > 100
    assert whole[-2:] == [Prediction(), Prediction()]
    for batch_size in (1, 5):
        assert_same_predictions(predictor.predict(texts, langs, batch_size=batch_size, threshold=0.0), whole)
    order = np.random.default_rng(0).permutation(len(rows)).tolist()
    shuffled = predictor.predict([texts[i] for i in order], [langs[i] for i in order], threshold=0.0)
    assert_same_predictions(shuffled, [whole[i] for i in order])
    assert predictor.predict([], []) == []


def test_offsets_slice_to_the_mentions(predictor: TriplePredictor) -> None:
    texts, langs = zip(*ALL, strict=True)
    for text, prediction in zip(texts, predictor.predict(texts, langs, threshold=0.0), strict=True):
        for entity in prediction.entities:
            assert text[entity.start : entity.end] == entity.text
        for triple in prediction.triples:
            assert {triple.subject.span, triple.object.span} <= {
                entity.span for entity in prediction.entities
            }
            assert 0 <= (triple.score or 0.0) <= 1


def test_a_threshold_is_its_languages_or_the_universal_ones(model: TripleModel) -> None:
    texts = [text for text, _ in ALL]
    every, none = TriplePredictor(model, MAKER, thresholds={"": 0.0}), {"": 0.0, "de": 2.0}
    picky = TriplePredictor(model, MAKER, thresholds=none)
    found = {lang: every.predict(texts, [lang] * len(texts)) for lang in ("de", "en", "xx")}
    assert all(any(prediction.triples for prediction in found[lang]) for lang in found)
    for lang in ("en", "xx"):
        assert picky.predict(texts, [lang] * len(texts)) == found[lang]
    assert picky.predict(texts, ["de"] * len(texts)) == [Prediction()] * len(texts)
    assert picky.predict(texts, ["de"] * len(texts), threshold=0.0) == found["de"]


def test_an_unknown_language_takes_the_path_without_switchers(model: TripleModel) -> None:
    recipe = settings("bilstm" if hasattr(model.encoder.context, "forwards") else "transformer")
    bare = build(
        recipe.model_copy(update={"switcher": recipe.switcher.model_copy(update={"width": 0})}), LABELS
    )
    assert bare.switcher is None
    shared = {name: p for name, p in model.state_dict().items() if not name.startswith("switcher.")}
    bare.load_state_dict(shared, strict=True)
    examples = [example(text, "xx") for text, _ in ALL]
    assert [one.lang_id for one in examples] == [0] * len(ALL)
    for ours, theirs in zip(run(model, examples), run(bare.eval(), examples), strict=True):
        assert torch.equal(ours, theirs)
    texts = [text for text, _ in ALL]
    free = TriplePredictor(bare, MAKER).predict(texts, [lang for _, lang in ALL], threshold=0.0)
    with_switchers = TriplePredictor(model, MAKER)
    for langs in (["xx"] * len(ALL), [None] * len(ALL)):
        assert with_switchers.predict(texts, langs, threshold=0.0) == free


def test_a_text_that_is_too_long_is_refused(predictor: TriplePredictor) -> None:
    with pytest.raises(
        DataError, match=r"text 2 \('Ada Ada.* …\) has 2,049 words and signs; .*at most 2,048"
    ):
        predictor.predict(["Ada", "Ada " * (LONGEST + 1)], ["de", "de"])


SENTENCES = [sentence for sentence in tiny.SENTENCES if sentence.lang in TEXTS]


def losses(
    model: TripleModel, examples: list[Example], recipe: Recipe, group: int = 1
) -> dict[str, torch.Tensor]:
    batch = to_tensors(collate(examples, group), CPU)
    wanted = targets(examples, np.random.default_rng(0), negatives=2, incomplete_negative=0.5)
    return model.losses(batch, targets_to_tensors(wanted, CPU), recipe.triples)


@pytest.mark.parametrize("group", [1, 3])
def test_losses_are_finite_and_reach_every_parameter(model: TripleModel, group: int) -> None:
    examples = MAKER.many(SENTENCES)[0][:12]
    found = losses(model, examples, settings(), group)
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


def test_a_batch_that_states_nothing_has_only_a_relation_loss(model: TripleModel) -> None:
    examples = [example(text, lang) for text, lang in ALL]  # not covered: nothing is known of any relation
    found = losses(model, examples, settings())
    assert set(found) == {"relation"}
    assert found["relation"] == 0


def test_the_weights_of_the_losses(model: TripleModel) -> None:
    examples = MAKER.many(SENTENCES)[0]
    once = losses(model, examples, settings())
    weights = {"relation_weight": 2.0, "tag_weight": 0.0, "pair_weight": 1.5}
    weighed = losses(model, examples, settings(triples=tiny.recipe().triples.model_dump() | weights))
    close(weighed["relation"], 2 * once["relation"])
    assert weighed["tag"] == 0
    close(weighed["pair"], 3 * once["pair"])  # 0.5 by default


def test_what_is_not_covered_teaches_the_relation_head_nothing(model: TripleModel) -> None:
    from dataclasses import replace

    sentence = replace(SENTENCES[0], relations_covered=frozenset({"birth-place", "wrote"}))
    model.zero_grad()
    losses(model, MAKER.many([sentence])[0], settings())["relation"].backward()  # type: ignore[no-untyped-call]
    gradient = model.relation_head.bias.grad
    assert gradient is not None
    assert [bool(value) for value in gradient] == [True, False, False, True]


def test_groups_cover_every_parameter_once(model: TripleModel) -> None:
    modules = [module for group in GROUPS.values() for module in group]
    assert sorted(modules) == sorted({name.split(".")[0] for name, _ in model.named_parameters()})
    assert set(get_args(ParameterGroup)) == {"all", *GROUPS}
    everything = dict(model.named_parameters()).keys()
    assert select_parameters(model, ("all",)).keys() == everything
    parts = [select_parameters(model, (group,)).keys() for group in GROUPS]
    assert sum(map(len, parts)) == len(everything)
    assert set().union(*parts) == everything


@pytest.mark.parametrize("groups", [("switcher",), ("switcher", "heads"), ("encoder", "aggregator", "heads")])
def test_what_is_not_selected_is_frozen(groups: tuple[str, ...]) -> None:
    model = randomised(settings())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    chosen = select_parameters(model, groups)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.stack(list(losses(model, MAKER.many(SENTENCES)[0], settings()).values())).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    prefixes = tuple(f"{module}." for group in groups for module in GROUPS[group])
    assert all(name.startswith(prefixes) for name in chosen)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed <= chosen.keys()
    assert len(changed) > 0.5 * len(chosen)


def keys(model: nn.Module) -> list[str]:
    return sorted(model.state_dict())


def test_the_names_in_a_checkpoint_are_a_contract() -> None:
    """Saved models are read by these names. If a change is meant, raise `mere.models.folder.FORMAT` with it.

    keys.txt holds the names of the tiny recipe's model, both contexts, with the languages de and te.
    """
    labels = Labels(("birth-place",), (), ("de", "te"))
    found = {key for context in ("bilstm", "transformer") for key in keys(build(settings(context), labels))}
    assert KEYS.read_text(encoding="utf-8").split() == sorted(found)


def test_the_shapes_follow_labels_and_settings() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in build(settings(), LABELS).state_dict().items()}
    assert shapes["encoder.embedding.table.weight"] == (2048, 16)
    assert shapes["relation_head.weight"] == (4, 64)
    assert shapes["switcher.of.te.down"] == (64, 8)
    assert shapes["crf.transitions"] == (2, 3, 3)


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
