"""A language added to a finished model: it is learned, and every other one gives what it gave, bit for bit."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mere.data.batching import collate
from mere.data.formats import jsonl
from mere.errors import DataError, TrainingError, UserError
from mere.languages.add_language import Added, add_language
from mere.languages.defaults import Choices
from mere.languages.verify import verify_unchanged
from mere.models.backend import load_predictor, model_of
from mere.models.tensors import to_tensors
from mere.store.card import split_front_matter
from mere.store.files import write_json
from mere.store.folder import ModelFolder
from mere.training.run import train
from mere.types import Sentence, Triple
from tests import tiny
from tests.command import mere, refused, worked
from tests.store.folders import resum, write_model

ROWS = [
    ("uk", "Олена Коваль народилася у Липовці.", [("Олена Коваль", "birth-place", "Липовці")]),
    ("uk", "Тарас Бондар народився у Яворові.", [("Тарас Бондар", "birth-place", "Яворові")]),
    ("uk", "Липовець лежить на Поділлі.", [("Липовець", "is-where", "Поділлі")]),
    ("uk", "Леся Гнатюк написала «Вітер».", [("Леся Гнатюк", "wrote", "Вітер")]),
    ("uk", "Увечері в Яворові тихо.", []),
]
UKRAINIAN = tuple(tiny.sentence(100 + i, *row) for i, row in enumerate(ROWS))
OTHERS = (None, "ar", "de", "en", "ja", "te")
TEXTS = [sentence.text for sentence in (*tiny.SENTENCES, *UKRAINIAN)]


def corpus(folder: Path, sentences: Sequence[Sentence] = UKRAINIAN, *splits: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split in splits or ("train", "dev"):
        jsonl.write(sentences, folder / f"uk.{split}.jsonl")
    return folder


def add(model: Path, folder: Path, data: Path | None = None, **choices: Any) -> Added:
    given = Choices(**{"epochs": 60.0, "lr": 0.02, **choices})
    return add_language(model, data or corpus(folder / "data"), "uk", folder / "plus-uk", given)


@pytest.fixture(scope="module")
def added(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Added]:
    """Return a function that gives what came of adding Ukrainian, with biases of its own or not; made once each."""
    return cache(lambda head_bias: add(tiny_model, tmp_path_factory.mktemp("added"), head_bias=head_bias))


def vectors(model: Path, lang: str | None) -> list[bytes]:
    """The numbers that the heads read, sentence by sentence, as bytes."""
    predictor = load_predictor(model)
    backend: Any = predictor.own.get(predictor.labels.path(lang), predictor.backend)
    own = backend.model.eval()
    examples = [predictor.maker.text(text, lang)[1] for text in TEXTS]
    with torch.inference_mode():
        return [own(to_tensors(collate([e]), torch.device("cpu"))).numpy().tobytes() for e in examples if e]


def found(model: Path, lang: str | None, threshold: float | None = None) -> list[Any]:
    return load_predictor(model).predict(TEXTS, [lang] * len(TEXTS), threshold=threshold)


def num_right(model: Path) -> int:
    predicted = load_predictor(model).predict([s.text for s in UKRAINIAN], ["uk"] * len(UKRAINIAN))
    return sum(
        {t.key for t in gold.triples} == {t.key for t in ours.triples}
        for gold, ours in zip(UKRAINIAN, predicted, strict=True)
    )


@pytest.mark.parametrize("head_bias", [False, True])
def test_the_language_is_learned_and_no_other_changes(
    tiny_model: Path, added: Callable[[bool], Added], head_bias: bool
) -> None:
    done = added(head_bias)
    for lang in OTHERS:
        assert vectors(tiny_model, lang) == vectors(done.folder, lang)
        assert found(tiny_model, lang) == found(done.folder, lang)
        assert found(tiny_model, lang, 0.0) == found(done.folder, lang, 0.0)
    assert vectors(tiny_model, "uk") != vectors(done.folder, "uk")
    assert num_right(tiny_model) < num_right(done.folder)
    stored, was = load_file(done.folder / "model.safetensors"), load_file(tiny_model / "model.safetensors")
    assert {n for n in stored if n not in was} == {n for n in stored if n.startswith("switcher.of.uk.")}
    assert all(torch.equal(was[name], stored[name]) for name in was)
    own = done.folder / "languages" / "uk.safetensors"
    assert own.is_file() == head_bias
    if head_bias:
        assert load_file(own)
        assert all(
            "bias" in n and n.startswith(("whole.triples.", "rows.", "values.")) for n in load_file(own)
        )


def test_the_folder_says_what_it_is(tiny_model: Path, tmp_path: Path) -> None:
    done = add(tiny_model, tmp_path, epochs=2.0, start="universal")
    labels = ModelFolder.read(done.folder).labels
    before = ModelFolder.read(tiny_model).labels
    assert labels.languages == (*before.languages, "uk"), "the others keep their numbers"
    assert (labels.relations, labels.types) == (before.relations, before.types)
    metrics = json.loads((done.folder / "metrics.json").read_text(encoding="utf-8"))
    was = json.loads((tiny_model / "metrics.json").read_text(encoding="utf-8"))
    dev, dev_was = (m["dev"]["triple_f1/strict"] for m in (metrics, was))
    languages = [dev[lang] for lang in labels.languages]
    assert {lang: dev[lang] for lang in before.languages} == {
        lang: dev_was[lang] for lang in before.languages
    }
    assert dev["macro"] == pytest.approx(sum(languages) / 6, abs=0.01)
    assert metrics["added"][0]["from"] == "universal"
    bottleneck = 64 + 64 * 8 + 8 + 8 * 64 + 64
    assert metrics["costs"]["trained"]["add-uk"] == bottleneck
    assert metrics["costs"]["bytes_per_language"]["uk"] == 4 * bottleneck
    assert metrics["costs"]["bytes_shared"] == was["costs"]["bytes_shared"]
    card = (done.folder / "README.md").read_text(encoding="utf-8")
    assert "6 languages (ar, de, en, ja, te, uk)" in card
    assert "- **uk**: 5 training sentences" in card
    front, _ = split_front_matter(card)
    assert front["language"] == ["ar", "de", "en", "ja", "te", "uk"]
    results = {
        result["dataset"]["config"]: result["metrics"] for result in front["model-index"][0]["results"]
    }
    assert results["uk"] == [{"type": "f1", "name": "triple_f1/strict", "value": dev["uk"]}]
    assert results["de"][0]["value"] == dev["de"]


def test_languages_one_after_the_other(added: Callable[[bool], Added], tmp_path: Path) -> None:
    """The one that was added, with biases of its own, is one of the others for the next."""
    first = added(True)
    polish = [dataclasses.replace(sentence, lang="pl") for sentence in UKRAINIAN]
    jsonl.write(polish, tmp_path / "pl.train.jsonl")
    second = add_language(
        first.folder, tmp_path / "pl.train.jsonl", "pl", tmp_path / "plus-pl", Choices(start="uk", epochs=2.0)
    )
    assert second.verification.languages == 6
    for lang in (*OTHERS, "uk"):
        assert vectors(first.folder, lang) == vectors(second.folder, lang)
        assert found(first.folder, lang, 0.0) == found(second.folder, lang, 0.0)
    assert (first.folder / "languages/uk.safetensors").read_bytes() == (
        second.folder / "languages/uk.safetensors"
    ).read_bytes()


def test_the_same_twice(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        add(tiny_model, tmp_path / name, corpus(tmp_path / "data"), epochs=3.0)
    one, two = (tmp_path / name / "plus-uk" / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_start_is_where_training_begins(tiny_model: Path, tmp_path: Path) -> None:
    """At a rate of almost nothing, Ukrainian is what it began as."""
    for start in ("universal", "de"):
        done = add(tiny_model, tmp_path / start, start=start, epochs=1.0, lr=1e-12)
        ours, theirs = (
            load_predictor(done.folder).predict(TEXTS, [lang] * len(TEXTS), threshold=0.0)
            for lang in ("uk", None if start == "universal" else start)
        )
        for one, other in zip(ours, theirs, strict=True):
            assert [t.key for t in one.triples] == [t.key for t in other.triples]
            scores = [[t.score for t in p.triples] for p in (one, other)]
            assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_auto_finds_the_switcher_that_knows_the_sentences(
    added: Callable[[bool], Added], tmp_path: Path
) -> None:
    """Ukrainian sentences, and a model with one switcher that has learned them and others that have not."""
    learned = added(False)
    again = [dataclasses.replace(sentence, lang="rue") for sentence in UKRAINIAN]
    jsonl.write(again, tmp_path / "rue.train.jsonl")
    done = add_language(
        learned.folder, tmp_path / "rue.train.jsonl", "rue", tmp_path / "both", Choices(epochs=1.0)
    )
    assert "begins from uk, of the lowest loss" in done.notes[0]


def test_a_hundred_sentences_by_the_command_with_nothing_said(tiny_model: Path, tmp_path: Path) -> None:
    hundred = [dataclasses.replace(s, id=f"{i}.{s.id}") for i in range(20) for s in UKRAINIAN]
    data = corpus(tmp_path / "data", hundred)
    done = worked(
        mere("add-language", tiny_model, data, "--lang", "uk", "--out", tmp_path / "new", "--quiet")
    )
    assert done.stdout == f"{tmp_path / 'new'}\n"
    assert "5 languages and the universal path × 5 sentences: identical, bit for bit" in done.stderr
    assert "uk: dev triple_f1/strict " in done.stderr
    assert num_right(tmp_path / "new") > num_right(tiny_model)
    thresholds = ModelFolder.read(tmp_path / "new").thresholds
    was = ModelFolder.read(tiny_model).thresholds
    assert {lang: thresholds[lang] for lang in was} == was
    assert "uk" in thresholds, "100 dev sentences are enough for a threshold of its own"
    worked(mere("evaluate", tmp_path / "new", data, "--split", "dev", "--no-intervals"))


def test_without_dev_sentences_the_universal_threshold_counts(tiny_model: Path, tmp_path: Path) -> None:
    done = add(tiny_model, tmp_path, corpus(tmp_path / "data", UKRAINIAN, "train"), epochs=1.0)
    assert done.dev == {}
    assert "uk" not in ModelFolder.read(done.folder).thresholds
    assert any("no dev sentences" in note for note in done.notes)


@pytest.mark.parametrize("rank", [0, 2])
def test_a_model_without_switchers_gets_own_weights(tiny_corpus: Path, tmp_path: Path, rank: int) -> None:
    stage = {**tiny.recipe().stages[0].model_dump(), "epochs": 40, "lr": 0.008, "evaluations": 0}
    recipe = tiny.recipe(data={"path": str(tiny_corpus)}, stages=[stage], switcher={"width": 0})
    model = train(recipe, tmp_path / "run", progress=False)
    done = add(model, tmp_path, lora=rank, epochs=40.0)
    for lang in OTHERS:
        assert vectors(model, lang) == vectors(done.folder, lang)
        assert found(model, lang, 0.0) == found(done.folder, lang, 0.0)
    assert num_right(model) < num_right(done.folder)
    assert (model / "model.safetensors").read_bytes() == (done.folder / "model.safetensors").read_bytes()
    own = load_file(done.folder / "languages" / "uk.safetensors")
    assert any(name.startswith("up.") for name in own) == bool(rank)
    assert "the model has no switchers" in done.notes[0]
    with pytest.raises(UserError, match="Leave --head-bias out"):
        add_language(model, tmp_path / "data", "uk", tmp_path / "x", Choices(head_bias=True))
    with pytest.raises(UserError, match="leave --from de out"):
        add_language(model, tmp_path / "data", "uk", tmp_path / "x", Choices(start="de"))


def test_entities_and_own_models_beside_them(typed_corpus: Path, tmp_path: Path) -> None:
    """A model of entities whose languages have weights of their own gets the same for the new one."""
    stage = {**tiny.recipe().stages[0].model_dump(), "epochs": 30, "lr": 0.008, "evaluations": 0}
    per_language = {
        **stage,
        "name": "alone",
        "epochs": 4,
        "per_language": True,
        "train": ["heads"],
        "lora": 2,
    }
    recipe = tiny.recipe(
        task=["entities"],
        data={"path": str(typed_corpus)},
        stages=[stage, per_language],
        switcher={"width": 0},
        entities={"hidden": 32},
    )
    model = train(recipe, tmp_path / "run", progress=False)
    typed = [tiny.typed(sentence) for sentence in UKRAINIAN]
    done = add(model, tmp_path, corpus(tmp_path / "data", typed), epochs=40.0)
    assert "rank 2 of heads" in done.notes[0]
    assert done.dev["entity_f1/strict"] > 0
    for lang in OTHERS:
        assert vectors(model, lang) == vectors(done.folder, lang)
        assert found(model, lang) == found(done.folder, lang)
    for lang in ("ar", "de", "en", "ja", "te"):
        name = f"languages/{lang}.safetensors"
        assert (model / name).read_bytes() == (done.folder / name).read_bytes()
    boats = [
        dataclasses.replace(s, entities=tuple(dataclasses.replace(e, type="BOAT") for e in s.entities))
        for s in typed
    ]
    with pytest.raises(DataError, match=r'the model does not know the type "BOAT" \(\d+×\)'):
        add(model, tmp_path / "boats", corpus(tmp_path / "boats", boats))


def test_what_cannot_be_added_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    data, out = corpus(tmp_path / "data"), tmp_path / "out"

    def said(*args: object, out: Path = out) -> str:
        return refused(mere("add-language", tiny_model, data, "--out", out, "--quiet", *args))

    assert 'the model has the language "de" already (it has ar, de, en, ja, te)' in said("--lang", "de")
    assert 'no sentence in the language "pl"' in said("--lang", "pl")
    assert f"{data}: is there already" in said("--lang", "uk", out=data)
    assert 'no switcher of that name. Did you mean "de"?' in said("--lang", "uk", "--from", "dee")
    assert "the model has switchers" in said("--lang", "uk", "--lora", "4")
    assert not out.exists()
    assert not list(tmp_path.glob("*.part"))


def test_labels_that_the_model_does_not_know(tiny_model: Path, tmp_path: Path) -> None:
    renamed = [
        dataclasses.replace(
            s,
            triples=tuple(
                Triple(t.subject, t.relation.replace("wrote", "wrotte"), t.object) for t in s.triples
            ),
        )
        for s in UKRAINIAN
    ]
    data = corpus(tmp_path / "data", renamed)
    with pytest.raises(DataError, match=r'relation "wrotte" \(2×\) Did you mean "wrote"\?'):
        add(tiny_model, tmp_path, data)
    done = add(tiny_model, tmp_path, data, skip_unknown=True, epochs=1.0)
    assert any('"wrotte" (2×)' in note for note in done.notes)
    only = corpus(tmp_path / "only", [s for s in renamed if any(t.relation == "wrotte" for t in s.triples)])
    with pytest.raises(DataError, match="nothing to learn"):
        add_language(tiny_model, only, "uk", tmp_path / "x", Choices(skip_unknown=True))


def test_the_check_finds_what_differs(tiny_model: Path, tmp_path: Path) -> None:
    """One bit of one number of one language, and one threshold."""
    folder = ModelFolder.read(tiny_model)
    predictor = load_predictor(tiny_model)

    def written(name: str, thresholds: dict[str, float]) -> Path:
        return write_model(
            tmp_path / name, model_of(predictor), recipe=folder.recipe, labels=folder.labels,
            pieces=folder.pieces, thresholds=thresholds, metrics={}, card="",
        )  # fmt: skip

    same = written("same", folder.thresholds)
    assert verify_unchanged(tiny_model, same, TEXTS).sentences == len(TEXTS)
    with pytest.raises(TrainingError, match='the threshold of "de" would not be'):
        verify_unchanged(tiny_model, written("threshold", folder.thresholds | {"de": 0.77}), TEXTS)
    bias = model_of(predictor).get_parameter("switcher.of.de.up_bias")
    with torch.no_grad():
        bias[0] = torch.nextafter(bias[0], torch.tensor(2.0))
    with pytest.raises(TrainingError, match=r"the weights switcher\.of\.de\.up_bias would not be"):
        verify_unchanged(tiny_model, written("weight", folder.thresholds), TEXTS)


def test_a_folder_without_metrics_and_card_can_grow_too(tiny_model: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(tiny_model, tmp_path / "bare")
    (bare / "README.md").unlink()
    write_json(bare / "metrics.json", {})
    done = add(resum(bare), tmp_path, epochs=1.0)
    assert "## Languages added later" in (done.folder / "README.md").read_text(encoding="utf-8")
