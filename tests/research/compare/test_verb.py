"""`mere compare` refuses what is wrong before anything is trained, and reports on what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mere.data.corpora import load_corpora
from mere.data.corpus import Corpus
from mere.research.compare.folder import write_predictions
from mere.research.compare.plan import make_plan
from mere.research.results import Results
from mere.types import Prediction
from tests.command import mere, refused, worked
from tests.research.compare.compare_examples import REGIMES, SHARED, finish, step, write_recipe


@pytest.fixture
def recipe(tmp_path: Path, tiny_corpus: Path) -> Path:
    return write_recipe(tmp_path, data={"path": str(tiny_corpus)})


MISTAKES = [
    (["--baseline", "naiv"], '--baseline naiv: no such regime. Did you mean "naive"?'),
    (["--seeds", "1;2"], "--seeds 1;2: whole numbers were expected, as in --seeds 1,2,3."),
    (["--budget", "steps"], "--budget steps: say how many"),
    (["--split", "tset"], 'the corpus has no split "tset".'),
    (["--set", "shared.lrr=1"], 'unknown key "stage1.lrr". Did you mean "lr"?'),
]


@pytest.mark.parametrize(("options", "said"), MISTAKES)
def test_a_mistake_is_told_before_anything_is_trained(
    recipe: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    split = [] if "--split" in options else ["--split", "dev"]
    refused(mere("compare", recipe, "--out", tmp_path / "out", *split, *options), said)
    assert not (tmp_path / "out").exists()


def test_regimes_on_unlike_data_are_refused(tmp_path: Path, tiny_corpus: Path) -> None:
    other = {"data": {"languages": ["de"]}, "stages": [SHARED]}
    path = write_recipe(tmp_path, {**REGIMES, "german": other}, data={"path": str(tiny_corpus)})
    done = mere("compare", path, "--out", tmp_path / "out", "--split", "dev")
    refused(done, "regime german: reads other data than monolingual")


def test_a_report_on_nothing_fails(recipe: Path, tmp_path: Path) -> None:
    done = mere("compare", recipe, "--out", tmp_path / "out", "--split", "dev", "--report-only")
    refused(done, "no cell is finished, so there is nothing to compare (none was started)", status=1)


def test_a_report_on_cells_that_were_trained_before(recipe: Path, tmp_path: Path, tiny_corpus: Path) -> None:
    """Two of three seeds of one regime, perfect and empty, and one seed of another; nothing is trained."""
    out = tmp_path / "out"
    plan = make_plan(recipe, out, regimes=["naive", "monolingual"], seeds=[1, 2, 3])
    corpus: Corpus = load_corpora(plan.cells[0].recipe.data)
    gold = corpus.sentences("dev")
    perfect = [Prediction(sentence.entities, sentence.triples) for sentence in gold]
    for cell, said in [
        (plan.of("naive")[0], perfect),
        (plan.of("naive")[1], [Prediction()] * len(gold)),
        (plan.of("monolingual")[2], perfect),
    ]:
        legs = ["shared"] if cell.regime == "naive" else [f"alone.{lang}" for lang in corpus.languages()]
        costs = {"seconds": dict.fromkeys(legs, 1.0), "steps": dict.fromkeys(legs, 16)}
        finish(cell, costs, [step(leg, 16, 8.0) for leg in legs], corpus.fingerprint())
        write_predictions(cell.folder / "predictions.dev.jsonl", gold, said)
    options = [
        "--out",
        out,
        "--split",
        "dev",
        "--report-only",
        "--regimes",
        "naive,monolingual",
        "--seeds",
        "1,2,3",
    ]
    worked(mere("compare", recipe, *options))
    results = Results.model_validate_json((out / "results.json").read_text())
    naive, alone = results.systems["naive"], results.systems["monolingual"]
    assert (naive.seeds, alone.seeds) == ([1, 2], [3])
    assert naive.metrics["triple_f1/strict"]["macro"].value == 0.5  # the mean of 1 and 0
    assert alone.metrics["triple_f1/strict"]["macro"].value == 1.0
    assert naive.note == "Only 2 of 3 seeds are finished."
    assert {c.scope: c.difference for c in results.comparisons} == dict.fromkeys(
        ["macro", *corpus.languages()], 0.5
    )
    assert naive.costs is not None
    assert naive.costs.epochs_per_language == dict.fromkeys(corpus.languages(), 8.0)
    assert results.failed_attempts == []
