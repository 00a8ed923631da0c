"""`mere analyze` end to end on trained runs: both tasks, own weights, independent models, transfer."""

from __future__ import annotations

import dataclasses
import html
import json
import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from mere.cli import app
from mere.data.formats import jsonl
from mere.errors import UserError
from mere.research.analysis.analysed_run import AnalysedRun, one_model_per_language
from mere.research.analysis.context import AnalysisContext, SampleSizes, TransferSettings
from mere.research.analysis.report import JSON, PAGE, analyse
from mere.research.analysis.transfer import Transfer, cell, groups, transfer
from tests import tiny

LANGUAGES = ("de", "en", "te")
SECTIONS = {
    "Fisher information",
    "Shared parameters",
    "Pruning to one language",
    "Gradient conflict",
    "Distances between the languages' representations",
    "Donor languages",
}


def ner_recipe(corpus: Path, *, stages: list[dict[str, Any]]) -> Any:
    return tiny.recipe(
        task="entities",
        data={"path": str(corpus), "languages": list(LANGUAGES)},
        encoder={"rows": 512, "row_dim": 8, "dim": 32, "layers": 1, "dropout": 0.0, "unit_dropout": 0.0},
        aggregator={"layers": 0},
        switcher={"width": 0},
        stages=stages,
    )


SHARED = {
    "name": "polyglot",
    "epochs": 20,
    "lr": 0.01,
    "evaluations": 1,
    "sampling": {"pieces_per_batch": 80},
}
OWN = SHARED | {"name": "own", "per_language": True, "lr": 0.005}


@pytest.fixture(scope="module")
def ner_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ner-corpus")
    for lang in LANGUAGES:
        sentences = [
            dataclasses.replace(
                sentence,
                entities=tuple(
                    dataclasses.replace(e, type="PER" if " " in e.text else "LOC") for e in sentence.entities
                ),
                triples=(),
                relations_covered=frozenset(),
            )
            for sentence in tiny.SENTENCES
            if sentence.lang == lang
        ]
        for split in ("train", "dev"):
            jsonl.write(sentences, folder / f"{lang}.{split}.jsonl")
    return folder


@pytest.fixture(scope="module")
def ner_runs(ner_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A polyglot model that was fine-tuned for each language, and monolingual ones."""
    from mere.training.run import train

    out = tmp_path_factory.mktemp("ner-runs")
    own = OWN | {"evaluations": 0}  # what came last is kept, better or not
    train(ner_recipe(ner_corpus, stages=[SHARED, own]), out / "polyglot", progress=False)
    train(ner_recipe(ner_corpus, stages=[OWN]), out / "monolingual", progress=False)
    return out / "polyglot", out / "monolingual"


def read(folder: Path) -> tuple[dict[str, Any], str]:
    record = json.loads((folder / JSON).read_text(encoding="utf-8"))
    return record, (folder / PAGE).read_text(encoding="utf-8")


def headings(page: str) -> set[str]:
    return {html.unescape(heading) for heading in re.findall(r"<h2[^>]*>(.*?)</h2>", page)}


@pytest.fixture(scope="module")
def triples_report(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("analysis") / "an"
    done = CliRunner().invoke(
        app, ["analyze", str(tiny_run), "--out", str(out), "--steps", "3", "--dev", "2"]
    )
    assert done.exit_code == 0, done.stderr
    assert done.stdout.strip() == str(out / PAGE)
    return out


def test_a_run_with_triples_and_switchers(triples_report: Path) -> None:
    record, page = read(triples_report)
    assert headings(page) == SECTIONS
    assert record["stage"] == "unified"
    langs = list(tiny.CORPUS.languages())
    assert record["languages"] == langs
    assert list(record["fisher"]) == langs
    assert all(sum(record["fisher"][lang]["trace"].values()) > 0 for lang in langs)
    assert record["overlap"]["owners"] == langs
    assert record["pruning"]["whole"]["de"] > 50, "the tiny model knows its sentences by heart"
    assert record["pruning"]["scores"]["de"][-1] == record["pruning"]["whole"]
    assert list(record["conflict"]) == ["unified", "specific"]
    spaces = list(record["representation"]["spaces"])
    assert spaces[-1] == "specific/switcher"
    assert "weight_change" not in record
    assert "Independent models" not in page, "there are none"
    assert page.count("<li>") >= 4, "what was found, in short"
    assert "No stage of this run gives a language weights of its own" in page


def test_a_stage_that_left_no_trace_is_named(triples_report: Path, tiny_run: Path) -> None:
    unified, specific = (load_file(tiny_run / f"{name}.safetensors") for name in ("unified", "specific"))
    is_same = all(torch.equal(tensor, specific[name]) for name, tensor in unified.items())
    record, page = read(triples_report)
    assert record["unchanged_stages"] == (["specific"] if is_same else [])
    assert ("Stage specific kept the weights of the stage before" in page) == is_same


def test_a_run_with_entities_and_own_weights(ner_runs: tuple[Path, Path], tmp_path: Path) -> None:
    polyglot, monolingual = ner_runs
    said: list[str] = []
    sizes = SampleSizes(steps=2, batch=2)
    page = analyse(polyglot, tmp_path, against=[monolingual], sizes=sizes, progress=said.append)
    record, text = read(tmp_path)
    assert page == tmp_path / PAGE
    assert headings(text) == SECTIONS | {"Weight change by fine-tuning for a language"}
    assert record["overlap"]["owners"] == [*LANGUAGES, *(f"{lang} monolingual" for lang in LANGUAGES)]
    assert record["unchanged_stages"] == []
    assert "Independent models" in text
    assert [m["lang"] for m in record["weight_change"]] == list(LANGUAGES)
    assert all(m["changed"] > 0.1 and m["relative"]["entities.out"] > 0 for m in record["weight_change"])
    assert set(record["pruning_independent"]["scores"]) == set(LANGUAGES)
    assert record["independent"] == dict.fromkeys(LANGUAGES, 1)
    assert any("Fisher information of te in monolingual/own" in line for line in said)
    assert not math.isnan(record["conflict"]["polyglot"]["groups"]["all"]["mean_cosine"])


def test_languages_are_spread_over_the_runs_that_have_them() -> None:
    one, two = ({lang: f"{lang} of {run}" for lang in LANGUAGES} for run in ("one", "two"))
    found: Any = one_model_per_language([one, two | {"zz": "zz of two"}])  # type: ignore[list-item, arg-type]
    assert found == {"de": "de of one", "en": "en of two", "te": "te of one", "zz": "zz of two"}
    assert one_model_per_language([]) == {}


def test_a_run_that_begins_with_shared_weights(
    ner_runs: tuple[Path, Path], ner_corpus: Path, tmp_path: Path
) -> None:
    """As the cells of a comparison do: the weights that its languages began with are the ones they share."""
    from mere.training.run import train

    weights = ner_runs[0] / "polyglot.safetensors"
    settings = ner_recipe(ner_corpus, stages=[OWN | {"evaluations": 0, "epochs": 2}])
    train(settings.model_copy(update={"start": str(weights)}), tmp_path / "run", progress=False)
    begun = AnalysedRun.open(tmp_path / "run")
    assert [stage.name for stage in begun.shared_stages] == ["start"]
    wanted = AnalysedRun.open(ner_runs[0]).network(AnalysedRun.open(ner_runs[0]).stage()).model.state_dict()
    found = begun.network(begun.stage()).model.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in found.items())
    analyse(tmp_path / "run", tmp_path / "an", sizes=SampleSizes(steps=1, batch=2))
    assert all(m["changed"] > 0.1 for m in read(tmp_path / "an")[0]["weight_change"])


def test_the_same_seed_gives_the_same_numbers(ner_runs: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        analyse(ner_runs[0], tmp_path / name, sizes=SampleSizes(steps=2, batch=2), seed=5)
    assert read(tmp_path / "one") == read(tmp_path / "two")


def test_what_cannot_be_analysed_is_refused(ner_runs: tuple[Path, Path], tmp_path: Path) -> None:
    polyglot, monolingual = ner_runs
    with pytest.raises(UserError, match=r"no stage of this run is shared.*--against"):
        analyse(monolingual, tmp_path)
    with pytest.raises(UserError, match=r'no stage "poliglot".*polyglot'):
        analyse(polyglot, tmp_path, stage="poliglot")
    assert not list(tmp_path.iterdir())


def test_against_takes_only_models_of_their_own(
    ner_runs: tuple[Path, Path], tiny_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="has a model of its own"):
        analyse(ner_runs[0], tmp_path, against=[tiny_run])


def test_the_page_is_whole_in_a_browser(triples_report: Path, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium here")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path}",
        "--enable-logging=stderr",
    ]
    done = subprocess.run(
        [browser, *flags, "--dump-dom", (triples_report / PAGE).as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    _, page = read(triples_report)
    assert page.count("<svg") >= 12
    for tag in ("<svg", "<h2", "<figure", "<table", "<rect", "<circle", "<path"):
        assert done.stdout.count(tag) == page.count(tag), tag
    assert "CONSOLE" not in done.stderr
    assert not re.search(r'(src|href)="(?!#)', page), "nothing is fetched"


def test_groups_of_languages() -> None:
    assert groups(["b", "a"], pairs=True) == [("a",), ("b",), ("a", "b")]
    four = groups("dcba", pairs=False)
    assert [len(group) for group in four] == [1] * 4 + [3] * 4 + [4]
    assert len(groups("abcd", pairs=True)) == 4 + 6 + 4 + 1


def test_gains_are_over_the_language_alone_or_zero_shot() -> None:
    f1 = {("a",): {"a": 50.0, "b": 10.0}, ("b",): {"a": 5.0, "b": 40.0}}
    zero = Transfer(("a", "b", "c", "d"), f1, {})
    assert not zero.has_pairs
    assert zero.gain("b", "a") == 5.0
    both = Transfer(("a", "b"), f1 | {("a", "b"): {"a": 47.0, "b": 46.0}}, {})
    assert (both.gain("b", "a"), both.gain("a", "b")) == (-3.0, 6.0)
    broken = Transfer(("a", "b"), f1, {("a", "b"): "exit status 1"})
    assert math.isnan(broken.gain("a", "b"))
    names = [zero.name(group) for group in (("a",), ("a", "b"), ("a", "b", "d"), ("a", "b", "c", "d"))]
    assert names == ["a", "a+b", "all but c", "all"]


def test_a_cell_is_the_run_on_some_of_its_languages(tiny_run: Path, tmp_path: Path) -> None:
    run = AnalysedRun.open(tiny_run)
    made = cell(run, run.stage(), ("de", "ja"), 6.0, tmp_path)
    assert made.recipe.data.languages == ("de", "ja")
    assert [stage.name for stage in made.recipe.stages] == ["unified"]
    assert sum(stage.epochs for stage in made.recipe.stages) == pytest.approx(6.0)
    assert made.recipe.encoder == run.recipe.encoder
    both = cell(run, run.stage("specific"), ("de", "ja"), 6.0, tmp_path).recipe
    before = run.recipe.stages
    ratio = [stage.epochs / was.epochs for stage, was in zip(both.stages, before, strict=True)]
    assert ratio == pytest.approx([6 / sum(stage.epochs for stage in before)] * 2)


def test_what_an_analysis_trains_is_told_to_no_tracker(tiny_run: Path, tmp_path: Path) -> None:
    run = AnalysedRun.open(tiny_run)
    followed = run.recipe.model_copy(update={"tracking": ("tensorboard", "wandb")})
    made = cell(dataclasses.replace(run, recipe=followed), run.stage(), ("de",), 6.0, tmp_path)
    assert made.recipe.tracking == ()


@pytest.mark.slow
def test_transfer_is_measured_and_taken_up_again(ner_corpus: Path, tmp_path: Path) -> None:
    from mere.training.run import train

    settings = ner_recipe(ner_corpus, stages=[SHARED])
    two = settings.model_copy(update={"data": settings.data.model_copy(update={"languages": ("de", "te")})})
    train(two, tmp_path / "run", progress=False)
    said: list[str] = []
    context = AnalysisContext(AnalysedRun.open(tmp_path / "run"), SampleSizes(), 0, said.append)
    stage = context.run.stage()
    found = transfer(context, stage, tmp_path / "an", TransferSettings(30.0))
    assert not found.failed
    assert set(found.f1) == {("de",), ("te",), ("de", "te")}
    assert found.f1["te",]["te"] > 0
    assert found.gain("te", "de") == found.f1["de", "te"]["de"] - found.f1["de",]["de"]
    said.clear()
    assert transfer(context, stage, tmp_path / "an", TransferSettings(30.0)) == found
    assert "3 of 3 cells are finished already" in said
    with pytest.raises(UserError, match="other settings"):
        transfer(context, stage, tmp_path / "an", TransferSettings(31.0))
