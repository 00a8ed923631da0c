"""Every regime learns the tiny corpus by heart: entities alone, jointly with triples, and a model per language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import mere
from mere.config import Recipe
from mere.models.backend import load_predictor
from mere.training.run import train
from mere.types import Entity, Sentence, Triple
from tests import tiny
from tests.training.interrupted import cut_off

LANGUAGES = ("ar", "de", "en", "ja", "te")


def recipe(corpus: Path, *, task: list[str], stages: list[dict[str, Any]], **changes: Any) -> Recipe:
    given = {"task": task, "stages": stages, "switcher": {"width": 0}, "data": {"path": str(corpus)}}
    return tiny.recipe(**{**given, **changes})


def stage(name: str, **changes: Any) -> dict[str, Any]:
    sampling = {"pieces_per_batch": 80}
    return {"name": name, "epochs": 40, "lr": 0.008, "evaluations": 1, "sampling": sampling, **changes}


def named(entities: tuple[Entity, ...]) -> set[tuple[int, int, str]]:
    """The typed entities: what the entities task finds. A mention that only a triple names has no type."""
    return {(entity.start, entity.end, entity.type) for entity in entities if entity.type is not None}


def keys(triples: tuple[Triple, ...]) -> set[Any]:
    return {triple.key for triple in triples}


def learned(model: Path, sentences: tuple[Sentence, ...] = tiny.TYPED) -> tuple[bool, bool]:
    """Whether the typed entities, and the triples, are exactly the gold ones in every sentence."""
    predictor = load_predictor(model)
    found = predictor.predict([s.text for s in sentences], [s.lang for s in sentences])
    pairs = list(zip(sentences, found, strict=True))
    return (
        all(named(gold.entities) == named(ours.entities) for gold, ours in pairs),
        all(keys(gold.triples) == keys(ours.triples) for gold, ours in pairs),
    )


def scores(model: Path, of: str = "dev") -> dict[str, float]:
    dev = json.loads((model / "metrics.json").read_text(encoding="utf-8"))[of]
    return {metric: by_lang["macro"] for metric, by_lang in dev.items()}


def test_the_typed_corpus_is_what_it_says() -> None:
    assert all(s.text[e.start : e.end] == e.text and e.type for s in tiny.TYPED for e in s.entities)
    assert {e.type for s in tiny.TYPED for e in s.entities} == {"PER", "LOC", "JOB", "WORK"}
    assert {s.lang for s in tiny.TYPED} == set(LANGUAGES)


def test_entities_alone(typed_corpus: Path, tmp_path: Path) -> None:
    sampling = {"pieces_per_batch": 80, "group_size": 2, "temperature": 2.0}
    ours = recipe(typed_corpus, task=["entities"], stages=[stage("unified", sampling=sampling)])
    model = train(ours, tmp_path / "run", progress=False)
    assert learned(model)[0]
    assert scores(model) == {"entity_f1/strict": 100.0}
    labels = json.loads((model / "labels.json").read_text(encoding="utf-8"))
    assert labels == {"relations": [], "types": ["JOB", "LOC", "PER", "WORK"], "languages": list(LANGUAGES)}
    assert not any(name.startswith("triples.") for name in load_file(model / "model.safetensors"))
    document = mere.load(model)(
        "Hans Reinhold wurde in Rostock geboren. Am Abend wurde es still in Rostock.", "de"
    )
    assert [(e.text, e.type) for e in document.entities] == [
        ("Hans Reinhold", "PER"), ("Rostock", "LOC"), ("Rostock", "LOC"),
    ]  # fmt: skip
    assert document.triples == ()


def test_entities_and_triples_jointly(typed_corpus: Path, tmp_path: Path) -> None:
    ours = recipe(typed_corpus, task=["entities", "triples"], stages=[stage("unified", epochs=100)])
    model = train(ours, tmp_path / "run", progress=False)
    assert learned(model) == (True, True)
    assert scores(model) == {"entity_f1/strict": 100.0, "triple_f1/strict": 100.0}
    document = mere.load(model)("Clara Whitfield was born in Dunmore.", "en")
    (triple,) = document.triples
    assert (triple.subject.type, triple.object.type) == ("PER", "LOC"), (
        "a triple's mentions are the typed ones"
    )
    steps = [
        json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    losses = [set(step["losses"]) for step in steps if step["event"] == "step"]
    assert {"entity", "relation", "tag", "pair"} in losses


def test_a_corpus_for_each_task(typed_corpus: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    """Japanese teaches entities only and German triples only: each is learned, neither costs the other."""
    only_entities, only_triples = tmp_path / "entities", tmp_path / "triples"
    only_entities.mkdir()
    only_triples.mkdir()
    for split in ("train", "dev"):
        rows = [
            json.loads(line) for line in (typed_corpus / f"ja.{split}.jsonl").read_text("utf-8").splitlines()
        ]
        lines = [json.dumps({**row, "triples": [], "relations_covered": []}) + "\n" for row in rows]
        (only_entities / f"ja.{split}.jsonl").write_text("".join(lines), encoding="utf-8")
        name = f"de.{split}.jsonl"
        (only_triples / name).write_bytes((tiny_corpus / name).read_bytes())
    ours = recipe(
        tmp_path,
        task=["entities", "triples"],
        stages=[stage("unified", epochs=100)],
        data={"path": [str(only_entities), str(only_triples)]},
    )
    model = train(ours, tmp_path / "run", progress=False)
    assert scores(model) == {"entity_f1/strict": 100.0, "triple_f1/strict": 100.0}
    assert learned(model, tuple(s for s in tiny.TYPED if s.lang == "ja"))[0]
    assert learned(model, tuple(s for s in tiny.SENTENCES if s.lang == "de"))[1]
    metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))["dev"]
    assert set(metrics["entity_f1/strict"]) == {"ja", "macro"}
    assert set(metrics["triple_f1/strict"]) == {"de", "macro"}


def own(model: Path) -> dict[str, dict[str, torch.Tensor]]:
    return {path.stem: load_file(path) for path in (model / "languages").glob("*.safetensors")}


def test_a_last_stage_per_language(typed_corpus: Path, tmp_path: Path) -> None:
    stages = [
        stage("unified", epochs=3),
        stage("own", epochs=60, per_language=True, train=["encoder", "heads"]),
    ]
    ours = recipe(typed_corpus, task=["entities"], stages=stages)
    model = train(ours, tmp_path / "run", progress=False)
    assert learned(model)[0]
    assert scores(model) == {"entity_f1/strict": 100.0}
    assert scores(model, "dev, universal path")["entity_f1/strict"] < 100
    shared, deltas = load_file(model / "model.safetensors"), own(model)
    assert deltas.keys() == set(LANGUAGES)
    first = load_file(tmp_path / "run" / "unified.safetensors")
    assert all(torch.equal(tensor, first[name]) for name, tensor in shared.items()), (
        "the first stage's, untouched"
    )
    for delta in deltas.values():
        changed = {key.split(".", 1)[1] for key in delta}
        assert {name.split(".")[0] for name in changed} == {"encoder", "entities"}
        assert changed <= shared.keys()
    assert not list((tmp_path / "run").glob("*.best.safetensors"))


def test_an_only_stage_per_language_is_a_model_for_each(typed_corpus: Path, tmp_path: Path) -> None:
    ours = recipe(typed_corpus, task=["entities"], stages=[stage("alone", epochs=60, per_language=True)])
    model = train(ours, tmp_path / "run", progress=False)
    assert learned(model)[0]
    steps = json.loads((model / "metrics.json").read_text(encoding="utf-8"))["costs"]["steps"]
    assert steps.keys() == {f"alone.{lang}" for lang in LANGUAGES}
    # Each is its language's alone: a text of another language is read by weights that never saw its script.
    predictor = load_predictor(model)
    texts = [s.text for s in tiny.TYPED if s.lang == "ja"]
    wrong = predictor.predict(texts, ["te"] * len(texts))
    right = predictor.predict(texts, ["ja"] * len(texts))
    assert [named(p.entities) for p in wrong] != [named(p.entities) for p in right]


@pytest.fixture(scope="module")
def short(typed_corpus: Path) -> Recipe:
    """Two stages in a few dozen steps, the second per language, with everything that draws random numbers."""
    sampling = {"pieces_per_batch": 60, "mention_replacement": 0.5}
    return recipe(
        typed_corpus,
        task=["entities", "triples"],
        stages=[
            stage("unified", epochs=2, sampling=sampling),
            stage("own", epochs=4, per_language=True, ema=0.9, evaluations=2, sampling=sampling),
        ],
        encoder=tiny.recipe().encoder.model_dump() | {"dropout": 0.3, "unit_dropout": 0.2},
        checkpoint_minutes=0,
    )


@pytest.fixture(scope="module")
def whole(short: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nobody stopped."""
    run = tmp_path_factory.mktemp("whole") / "run"
    train(short, run, progress=False)
    return run


def files(model: Path) -> dict[str, bytes]:
    return {str(path.relative_to(model)): path.read_bytes() for path in sorted(model.rglob("*.safetensors"))}


def steps_of(run: Path) -> list[tuple[str, int]]:
    """The stage_runs of a finished run, in order, and the steps of each."""
    return list(
        json.loads((run / "model" / "metrics.json").read_text(encoding="utf-8"))["costs"]["steps"].items()
    )


@pytest.mark.parametrize(
    "where", ["within a stage run", "at the end of a stage run", "after the first step of a stage run"]
)
def test_a_run_cut_off_within_a_languages_leg_goes_on_to_the_same_bits(
    short: Recipe, whole: Path, tmp_path: Path, where: str
) -> None:
    (_, first), (name, stage_run), (following, _), *_ = steps_of(whole)
    assert (name, following) == ("own.ar", "own.de")
    assert stage_run > 2
    steps = (
        first
        + {
            "within a stage run": 2,
            "at the end of a stage run": stage_run,
            "after the first step of a stage run": stage_run + 1,
        }[where]
    )
    cut_off(short, tmp_path / "cut", steps)
    assert (tmp_path / "cut" / "checkpoint.safetensors").is_file()
    resumed = train(short, tmp_path / "cut", resume=True, progress=False)
    assert files(resumed).keys() >= {
        "model.safetensors",
        *(f"languages/{lang}.safetensors" for lang in LANGUAGES),
    }
    assert files(resumed) == files(whole / "model")
    assert (whole / "log.jsonl").read_text() == (tmp_path / "cut/log.jsonl").read_text()
