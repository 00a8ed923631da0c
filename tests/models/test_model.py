"""The whole model: a mixed batch is its languages one by one, and nothing about a batch changes an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from mere.config import ParameterGroup
from mere.data.examples import Annotated
from mere.decoding.facts import PieceFact
from mere.errors import DataError
from mere.inference.predictor import Predictor
from mere.models.backend import model_of, predictor_of
from mere.models.model import GROUPS, Model, build
from mere.schema import UNIVERSAL, Labels
from mere.training.trainable import select_parameters
from mere.types import Prediction
from tests import tiny
from tests.models.seven_languages import (
    ALL,
    LABELS,
    MAKER,
    PIECES,
    SENTENCES,
    TEXTS,
    close,
    example,
    losses,
    numbers,
    randomised,
    run,
    settings,
)

KEYS = Path(__file__).parent / "keys.txt"


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_mixed_batch_of_seven_languages_is_seven_batches_of_one(model: Model, mode: str) -> None:
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


def facts(predictor: Predictor, examples: list[Annotated]) -> list[list[PieceFact]]:
    return [found for _, found in predictor.found(examples)]


def assert_same_facts(some: list[PieceFact], others: list[PieceFact]) -> None:
    assert {fact[:3] for fact in some} == {fact[:3] for fact in others}
    scores = {fact[:3]: fact[3] for fact in others}
    assert all(abs(fact[3] - scores[fact[:3]]) < 1e-5 for fact in some)


def test_the_facts_of_a_mixed_batch_are_those_of_its_languages(predictor: Predictor) -> None:
    mixed = facts(predictor, [example(text, lang) for text, lang in ALL])
    apart = [
        found for la, texts in TEXTS.items() for found in facts(predictor, [example(t, la) for t in texts])
    ]
    assert sum(map(len, mixed)) > 50, "an untrained model that finds nothing would prove nothing"
    for some, others in zip(mixed, apart, strict=True):
        assert_same_facts(some, others)


def test_the_language_matters(predictor: Predictor) -> None:
    """Or the tests above would hold for a model that ignores it."""
    text = TEXTS["de"][0]
    german, english = (run(model_of(predictor), [example(text, lang)]) for lang in ("de", "en"))
    assert (german.relations - english.relations).abs().max() > 1e-2


def assert_same_predictions(some: list[Prediction], others: list[Prediction]) -> None:
    for one, other in zip(some, others, strict=True):
        scores = {triple.key: triple.score or 0.0 for triple in other.triples}
        assert {triple.key for triple in one.triples} == scores.keys()
        assert all(abs((triple.score or 0.0) - scores[triple.key]) < 1e-5 for triple in one.triples)
        assert [entity.span for entity in one.entities] == [entity.span for entity in other.entities]


def test_batch_size_and_order_change_nothing(predictor: Predictor) -> None:
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


def test_offsets_slice_to_the_mentions(predictor: Predictor) -> None:
    texts, langs = zip(*ALL, strict=True)
    for text, prediction in zip(texts, predictor.predict(texts, langs, threshold=0.0), strict=True):
        for entity in prediction.entities:
            assert text[entity.start : entity.end] == entity.text
        for triple in prediction.triples:
            assert {triple.subject.span, triple.object.span} <= {
                entity.span for entity in prediction.entities
            }
            assert 0 <= (triple.score or 0.0) <= 1


def test_a_threshold_is_its_languages_or_the_universal_ones(model: Model) -> None:
    texts = [text for text, _ in ALL]
    every, none = predictor_of(model, MAKER, thresholds={UNIVERSAL: 0.0}), {UNIVERSAL: 0.0, "de": 2.0}
    picky = predictor_of(model, MAKER, thresholds=none)
    found = {lang: every.predict(texts, [lang] * len(texts)) for lang in ("de", "en", "xx")}
    assert all(any(prediction.triples for prediction in found[lang]) for lang in found)
    for lang in ("en", "xx"):
        assert picky.predict(texts, [lang] * len(texts)) == found[lang]
    assert picky.predict(texts, ["de"] * len(texts)) == [Prediction()] * len(texts)
    assert picky.predict(texts, ["de"] * len(texts), threshold=0.0) == found["de"]


def test_an_unknown_language_takes_the_path_without_switchers(model: Model) -> None:
    recipe = settings("bilstm" if hasattr(model.encoder.context, "forwards") else "transformer")
    bare = build(
        recipe.model_copy(update={"switcher": recipe.switcher.model_copy(update={"width": 0})}), LABELS
    )
    assert bare.switcher is None
    shared = {name: p for name, p in model.state_dict().items() if not name.startswith("switcher.")}
    bare.load_state_dict(shared, strict=True)
    examples = [example(text, "xx") for text, _ in ALL]
    assert [one.lang_id for one in examples] == [0] * len(ALL)
    for ours, theirs in zip(numbers(run(model, examples)), numbers(run(bare.eval(), examples)), strict=True):
        assert torch.equal(ours, theirs)
    texts = [text for text, _ in ALL]
    free = predictor_of(bare, MAKER).predict(texts, [lang for _, lang in ALL], threshold=0.0)
    with_switchers = predictor_of(model, MAKER)
    for langs in (["xx"] * len(ALL), [None] * len(ALL)):
        assert with_switchers.predict(texts, langs, threshold=0.0) == free


def test_a_text_that_is_too_long_is_refused(predictor: Predictor) -> None:
    longest = PIECES.longest
    said = rf"text 2 \('Ada Ada.* …\) has {longest + 1:,} pieces; .*at most {longest:,} at a time"
    with pytest.raises(DataError, match=said):
        predictor.predict(["Ada", "Ada " * (longest + 1)], ["de", "de"])


def test_groups_cover_every_parameter_once() -> None:
    model = build(settings(task=["entities", "triples"]), Labels(("birth-place",), ("PER",), ("de",)))
    model.begin_text()
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
    torch.stack(list(losses(model, tiny.many(MAKER, SENTENCES)[0]).values())).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    prefixes = tuple(f"{module}." for group in groups for module in GROUPS[group])
    assert all(name.startswith(prefixes) for name in chosen)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed <= chosen.keys()
    assert len(changed) > 0.5 * len(chosen)


BOTH = ["entities", "triples"]
EVERY_MODULE: tuple[dict[str, Any], ...] = (
    {"encoder": {"context": "bilstm", "layers": 1}, "entities": {"hidden": 8}},
    {"encoder": {"context": "transformer", "layers": 1}},
    {"encoder": {"name": "byte-words", "dim": 64}},
    {"encoder": {"name": "byte-stream", "dim": 64, "layers": 1}, "entities": {"decoder": "types"}},
    *(
        {
            "encoder": {"name": "bytes", "dim": 64},
            "entities": {"decoder": "spans", "spans": {"layers": 1, "pointer": pointer}},
            "task": ["entities"],
        }
        for pointer in (False, True)
    ),
    *(
        {
            "encoder": {"context": "transformer", "layers": 1},
            "switcher": {"kind": kind},
        }
        for kind in ("adapters", "lora")
    ),
)


def test_the_names_in_a_checkpoint_are_a_contract() -> None:
    """Saved models are read by these names. If a change is meant, raise `mere.store.folder.FORMAT` with it.

    keys.txt holds the names of models with every encoder that is trained from scratch, every head, every kind of
    switcher, de and te.
    """
    labels = Labels(("birth-place",), ("PER",), ("de", "te"))
    models = [build(tiny.recipe(**{"task": BOTH, **given}), labels) for given in EVERY_MODULE]
    found = {name for model in models for name in model.state_dict()}
    assert KEYS.read_text(encoding="utf-8").split() == sorted(found)


def test_the_shapes_follow_labels_and_settings() -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in build(settings(), LABELS).state_dict().items()}
    assert shapes["encoder.embedding.table.weight"] == (2048, 16)
    assert shapes["triples.relation_head.weight"] == (4, 64)
    assert shapes["switcher.of.te.down"] == (64, 8)
    assert shapes["triples.crf.transitions"] == (2, 3, 3)
