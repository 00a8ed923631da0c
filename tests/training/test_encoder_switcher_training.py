"""Switchers inside the encoder in training: two stages, a kill, a language that comes later."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from mere.config import Recipe
from mere.data.formats import jsonl
from mere.languages.add_language import add_language
from mere.languages.defaults import Choices
from mere.languages.verify import verify_unchanged
from mere.metrics.report import evaluate
from mere.models.backend import load_predictor
from mere.training.progress import Listener
from mere.training.run import Run, train
from mere.types import Sentence
from tests import tiny
from tests.training.interrupted import cut_off

KINDS = ("adapters", "lora")
TEXTS = [sentence.text for sentence in tiny.SENTENCES]


def recipe(corpus: Path, kind: str, **changes: Any) -> Recipe:
    """A first stage that leaves something to do, and a second one of switchers and heads that does it."""
    base = tiny.recipe()
    stages = [stage.model_dump() for stage in base.stages]
    stages[0] |= {"epochs": 20, "lr": 0.004}
    stages[1] |= {"epochs": 70, "lr": 0.01, "train": ["switcher", "heads"], "evaluations": 3}
    given: dict[str, Any] = {
        "data": {"path": str(corpus)},
        "encoder": {**base.encoder.model_dump(), "context": "transformer"},
        "switcher": {"kind": kind, "width": 8, "rank": 4},
        "stages": stages,
    }
    return tiny.recipe(**{**given, **changes})


def f1(model: Path, sentences: Sequence[Sentence] = tiny.SENTENCES) -> float:
    predicted = load_predictor(model).predict([s.text for s in sentences], [s.lang for s in sentences])
    report = evaluate(sentences, predicted, resamples=0).to_json()
    return float(report["metrics"]["triple_f1/strict"]["micro"]["value"])


class Heard(Listener):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, words: str) -> None:
        self.words.append(words)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_two_stages_learn_the_corpus_by_heart(kind: str, tiny_corpus: Path, tmp_path: Path) -> None:
    chosen = recipe(tiny_corpus, kind)
    heard: Listener = Heard()
    run = Run(chosen, tmp_path / "run", resume=False, listener=heard)
    size = sum(p.numel() for p in run.model.switcher.of["de"].parameters())
    encoder = sum(p.numel() for p in run.model.encoder.parameters())
    model = run.finish()
    assert f1(model) == 1.0
    log = (tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    first = [r for r in map(json.loads, log) if r["event"] == "evaluation" and r["stage"] == "unified"]
    assert max(r["triple_f1/strict"]["macro"] for r in first) < 90, (
        "the first stage leaves something to learn"
    )
    before, after = (
        load_file(tmp_path / "run" / name) for name in ("unified.safetensors", "specific.safetensors")
    )
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"switcher", "triples"}
    assert all(
        not torch.equal(before[n], after[n]) for n in before if n.startswith("switcher.") and n.endswith("up")
    )
    costs = json.loads((model / "metrics.json").read_text(encoding="utf-8"))["costs"]
    assert costs["bytes_per_language"] == dict.fromkeys(("ar", "de", "en", "ja", "te"), 4 * size)
    assert costs["switcher"] == {"parameters": size, "of_encoder": pytest.approx(size / encoder)}
    said = f"a language's switcher has {size:,} parameters, {100 * size / encoder:.2f}% of the encoder's"
    assert isinstance(heard, Heard)
    assert said in heard.words


def test_a_pretrained_encoder_is_frozen_and_its_languages_learn(tiny_corpus: Path, tmp_path: Path) -> None:
    """One stage of switchers and heads, over checkpointed layers."""
    pytest.importorskip("transformers")
    from tests import checkpoints

    checkpoint = checkpoints.make("xlm-roberta", tmp_path / "xlm-roberta")
    stage = recipe(tiny_corpus, "lora").stages[1].model_dump()
    stage |= {"epochs": 45, "lr": 0.01, "evaluations": 1}
    chosen = recipe(
        tiny_corpus,
        "lora",
        encoder={"name": str(checkpoint), "dropout": 0.0, "gradient_checkpointing": True},
        switcher={"kind": "lora", "rank": 8},
        stages=[stage],
    )
    model = train(chosen, tmp_path / "run", progress=False)
    assert f1(model) == 1.0
    stored = load_file(model / "model.safetensors")
    pretrained = load_file(checkpoint / "model.safetensors")
    name = "encoder.layer.1.output.dense.weight"
    assert torch.equal(stored[f"encoder.backbone.{name}"], pretrained[f"roberta.{name}"])


@pytest.mark.parametrize("kind", KINDS)
def test_stopped_and_resumed_equals_uninterrupted(kind: str, tiny_corpus: Path, tmp_path: Path) -> None:
    """In the second stage, of whose parameters some have not been met yet when it stops."""
    stages = [
        stage.model_dump() | {"epochs": 1, "evaluations": 1} for stage in recipe(tiny_corpus, kind).stages
    ]
    stages[1]["sampling"] = {"pieces_per_batch": 16}
    chosen = recipe(tiny_corpus, kind, stages=stages, checkpoint_minutes=0)
    whole = train(chosen, tmp_path / "whole", progress=False)
    log = (tmp_path / "whole" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line)["step"] for line in log if json.loads(line).get("event") == "evaluation"]
    cut_off(chosen, tmp_path / "cut", steps[0] + 2)
    resumed = train(chosen, tmp_path / "cut", resume=True, progress=False)
    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_language_comes_later_and_no_other_changes(kind: str, tiny_corpus: Path, tmp_path: Path) -> None:
    stages = [stage.model_dump() for stage in recipe(tiny_corpus, kind).stages]
    stages[1] |= {"epochs": 3, "train": ["switcher"], "evaluations": 1}
    model = train(recipe(tiny_corpus, kind, stages=stages), tmp_path / "run", progress=False)
    swiss = [dataclasses.replace(s, lang="gsw") for s in tiny.SENTENCES if s.lang == "de"]
    (tmp_path / "data").mkdir()
    for split in ("train", "dev"):
        jsonl.write(swiss, tmp_path / "data" / f"gsw.{split}.jsonl")
    done = add_language(model, tmp_path / "data", "gsw", tmp_path / "new", Choices(epochs=40.0, lr=0.02))
    assert f1(model, swiss) < f1(done.folder, swiss)
    assert done.verification.languages == 5
    was, now = (load_file(folder / "model.safetensors") for folder in (model, done.folder))
    assert {name for name in now if name not in was} == {n for n in now if n.startswith("switcher.of.gsw.")}
    assert all(torch.equal(was[name], now[name]) for name in was)
    assert verify_unchanged(model, done.folder, TEXTS).sentences == len(TEXTS)
