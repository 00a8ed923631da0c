"""One language of a model by itself: it says what the language's route says, and holds nothing of the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import mere as library
from mere.languages.export import export_language
from mere.models.backend import load_predictor
from mere.models.delta import difference
from mere.models.model import build
from mere.schema import UNIVERSAL
from mere.store.folder import ModelFolder
from mere.types import Prediction
from tests import tiny
from tests.command import mere, refused, worked
from tests.models.encoder_switcher_models import (
    KINDS,
    LABELS,
    LANGUAGES,
    TEXTS,
    close,
    recipe,
    vectors,
    written,
)

COMPACT = {**tiny.recipe().encoder.model_dump(), "context": "transformer"}


def found(folder: Path, lang: str | None) -> list[Prediction]:
    return load_predictor(folder).predict(TEXTS, [lang] * len(TEXTS), threshold=0.0)


def assert_same_predictions(ours: list[Prediction], theirs: list[Prediction]) -> None:
    assert sum(len(prediction.triples) for prediction in theirs) > 3, "or nothing would be compared"
    for one, other in zip(ours, theirs, strict=True):
        scores = {triple.key: triple.score for triple in other.triples}
        assert {triple.key: pytest.approx(triple.score, abs=1e-5) for triple in one.triples} == scores


def assert_is_the_route(single: Path, model: Path, lang: str) -> None:
    close(vectors(single, lang), vectors(model, lang))
    assert (vectors(model, lang) - vectors(model, None)).abs().max() > 0.1
    assert_same_predictions(found(single, lang), found(model, lang))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_exported_is_what_was_routed(kind: str, tmp_path: Path) -> None:
    model = written(tmp_path / "model", recipe(COMPACT, kind))
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    single = export_language(model, "de", tmp_path / "de")
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before
    assert_is_the_route(tmp_path / "de", model, "de")
    stored = ModelFolder.read(tmp_path / "de")
    assert stored.labels.languages == ("de",)
    assert single.has_one_path == (kind == "lora")
    assert stored.thresholds == {UNIVERSAL: 0.05 if kind == "lora" else 0.1, "de": 0.05}
    names = set(load_file(tmp_path / "de" / "model.safetensors"))
    if kind == "lora":
        assert names == {n for n in build(recipe(COMPACT, kind), LABELS).state_dict() if "switcher" not in n}
        close(vectors(tmp_path / "de", None), vectors(model, "de"))
    else:
        assert {n.split(".")[2] for n in names if n.startswith("switcher")} == {"de"}
        close(vectors(tmp_path / "de", None), vectors(model, None))
    ours, theirs = (
        library.load(folder, threshold=0.0)(TEXTS[0], lang="de") for folder in (tmp_path / "de", model)
    )
    assert [t.key for t in ours.triples] == [t.key for t in theirs.triples] != []


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "deberta-v2", "modernbert", "distilbert", "t5"])
def test_lora_goes_into_the_weights_of_every_family(family: str, tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    from tests import checkpoints

    checkpoint = checkpoints.make(family, tmp_path / "checkpoint")
    model = written(tmp_path / "model", recipe({"name": str(checkpoint)}, "lora"))
    export_language(model, "ja", tmp_path / "ja")
    assert_is_the_route(tmp_path / "ja", model, "ja")
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (tmp_path / "ja", model))
    changed = {name for name in ours if not torch.equal(ours[name], theirs[name])}
    sites = {
        n.removesuffix(".up").removeprefix("switcher.of.ja.")
        for n in theirs
        if n.endswith(".up") and ".ja." in n
    }
    assert changed == {f"encoder.{site}.weight" for site in sites}
    for site in sites:
        up, down = (theirs[f"switcher.of.ja.{site}.{part}"].double() for part in ("up", "down"))
        exact = theirs[f"encoder.{site}.weight"].double() + up @ down
        assert (ours[f"encoder.{site}.weight"].double() - exact).abs().max() < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_a_languages_own_come_along(kind: str, tmp_path: Path) -> None:
    """A language may have both: a switcher, and biases of its own in the heads (add-language --head-bias)."""
    chosen = recipe(COMPACT, kind)
    model = written(tmp_path / "model", chosen)
    state = load_file(model / "model.safetensors")
    biases = {n: t + 0.5 for n, t in state.items() if n.startswith("triples.") and n.endswith("bias")}
    both = written(tmp_path / "both", chosen, own={"en": difference(state, biases)})
    export_language(both, "en", tmp_path / "en")
    assert ModelFolder.read(tmp_path / "en").own == {}
    assert_same_predictions(found(tmp_path / "en", "en"), found(both, "en"))
    assert found(both, "en") != found(model, "en")
    export_language(both, "de", tmp_path / "de")
    assert_same_predictions(found(tmp_path / "de", "de"), found(model, "de"))


def test_a_model_without_switchers_gives_its_own_weights(tmp_path: Path) -> None:
    chosen = recipe(COMPACT, "bottleneck", switcher={"width": 0}, stages=[{"name": "all"}])
    model = written(tmp_path / "model", chosen)
    state = load_file(model / "model.safetensors")
    own = {n: t * 1.1 for n, t in state.items() if n.startswith("encoder.context")}
    both = written(tmp_path / "both", chosen, own={"en": difference(state, own)})
    single = export_language(both, "en", tmp_path / "en")
    assert single.has_one_path
    assert torch.equal(vectors(tmp_path / "en", "en"), vectors(both, "en"))
    assert torch.equal(vectors(tmp_path / "en", None), vectors(both, "en"))


def test_the_folder_says_what_it_is(tmp_path: Path) -> None:
    model = written(tmp_path / "model", recipe(COMPACT, "lora"))
    export_language(model, "de", tmp_path / "de")
    metrics = json.loads((tmp_path / "de" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["dev"] == {"triple_f1/strict": {"de": 50.0}}
    assert metrics["exported"]["of"] == list(LANGUAGES)
    card = (tmp_path / "de" / "README.md").read_text(encoding="utf-8")
    assert "1 language (de)" in card
    assert "| de | 50 |" in card
    assert "| en |" not in card
    assert "a text of any language is read as de" in card
    trained = ModelFolder.read(tmp_path / "de").recipe.stages[1]
    assert (trained.train, trained.use_switcher) == (("encoder",), False)
    export_language(tmp_path / "de", "de", tmp_path / "again")
    assert torch.equal(vectors(tmp_path / "again", "de"), vectors(tmp_path / "de", "de"))


def test_the_command(tmp_path: Path, tiny_model: Path) -> None:
    """On a model that was really trained; what comes out is evaluated like any other."""

    def export(*args: object) -> Any:
        return mere("export", tiny_model, *args)

    done = worked(export("--lang", "de", "--out", tmp_path / "de"))
    assert done.stdout == f"{tmp_path / 'de'}\n"
    assert "its switcher beside the shared ones" in done.stderr
    assert_same_predictions(found(tmp_path / "de", "de"), found(tiny_model, "de"))
    known = "It has ar, de, en, ja, te."
    refused(
        export("--lang", "dee", "--out", tmp_path / "x"), f'the language "dee". Did you mean "de"? {known}'
    )
    refused(export("--lang", "de", "--out", tmp_path / "de"), "is there already. Choose another --out")
    refused(
        export("--lang", "de", "--out", tmp_path / "x", "--as", "peft"),
        "peft works on models of transformers",
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["de"]
