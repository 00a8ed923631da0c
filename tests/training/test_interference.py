"""Planted interference: two languages whose texts are the same and whose labels contradict each other.

By "Adun lenkt Berit." Adun leads Berit in one language and warns him in the other; that Berit trusts Adun is said in
both. A model that does not know the language states both of the first two, or guesses one: with one threshold its F1
is at most 2 · (2/3 · 1) / (2/3 + 1) = 80 %. In the control pair the two languages agree in everything.
"""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mere.data.formats import jsonl
from mere.training.run import train
from tests import tiny

NAMES = ("Adun", "Berit", "Cosma", "Dagny", "Edvin", "Fleur", "Gudrun", "Hector", "Ilse", "Jonas", "Karla")
CUES = ("lenkt", "mahnt")
BACK = ("trusts", "fears")
"""What the object thinks of the subject, by cue, in both languages: so that the model must tell the cues apart."""
PLANTED = {"xx": ("leads", "warns"), "yy": ("warns", "leads")}
CONTROL = {"xx": ("leads", "warns"), "yy": ("leads", "warns")}
STAGE = {
    "name": "mixture",
    "train": ["encoder", "heads"],
    "use_aggregator": False,
    "epochs": 60,
    "lr": 0.008,
    "evaluations": 1,
    "sampling": {"pieces_per_batch": 200},
}
MEASURED = {**STAGE, "objective": {"measure": 1}}


def corpus(folder: Path, says: dict[str, tuple[str, str]]) -> Path:
    """Write 48 training and 24 dev sentences of each language, whose texts do not tell the language."""
    folder.mkdir()
    pairs = list(permutations(NAMES, 2))
    order = np.random.default_rng(0).permutation(len(pairs))
    for split, places in (("train", order[:24]), ("dev", order[24:36])):
        for lang, relations in says.items():
            rows = [
                tiny.sentence(i, lang, f"{a} {cue} {b}.", [(a, relation, b), (b, back, a)])
                for i, (a, b) in enumerate(pairs[place] for place in places)
                for cue, relation, back in zip(CUES, relations, BACK, strict=True)
            ]
            jsonl.write(rows, folder / f"{lang}.{split}.jsonl")
    return folder


def trained(corpus: Path, run: Path, stage: dict[str, Any], **changes: Any) -> dict[str, float]:
    """Train one stage and return strict triple F1 on dev by language, in per cent."""
    train(tiny.recipe(data={"path": str(corpus)}, stages=[stage], **changes), run, progress=False)
    metrics = json.loads((run / "model" / "metrics.json").read_text(encoding="utf-8"))
    scores: dict[str, float] = metrics["dev"]["triple_f1/strict"]
    return {lang: scores[lang] for lang in PLANTED}


def last_conflict(run: Path) -> dict[str, Any]:
    """The last conflict between the two languages' gradients that the run measured, over all shared parameters."""
    events = [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    conflict: dict[str, Any] = [event for event in events if event["event"] == "conflict"][-1]
    return conflict["groups"]["all"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus(tmp_path_factory.mktemp("planted") / "corpus", PLANTED)


@pytest.fixture(scope="module")
def mixture(planted: Path) -> tuple[Path, dict[str, float]]:
    """The naive mixture's run folder and scores."""
    return planted.parent / "mixture", trained(planted, planted.parent / "mixture", MEASURED)


def test_naive_mixing_loses_to_a_model_for_each_language(
    planted: Path, mixture: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    alone = trained(planted, tmp_path / "alone", {**STAGE, "per_language": True})
    _, mixed = mixture
    assert min(alone.values()) > 95
    assert 60 < min(mixed.values()) <= max(mixed.values()) < 85


def test_conflict_is_seen_where_it_was_planted_only(
    mixture: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    control = trained(corpus(tmp_path / "control", CONTROL), tmp_path / "run", MEASURED)
    assert min(control.values()) > 95, "what the two say alike, one model learns"
    conflict, none = last_conflict(mixture[0]), last_conflict(tmp_path / "run")
    assert conflict["share_conflicting"] > 0.7 > 0.3 > none["share_conflicting"]
    assert conflict["mean_cosine"] < -0.3 < 0.2 < none["mean_cosine"]


def test_switchers_mend_it(planted: Path, mixture: tuple[Path, dict[str, float]], tmp_path: Path) -> None:
    """On the mixture's own weights, with encoder and aggregator frozen."""
    stage = {**STAGE, "name": "specific", "train": ["switcher", "heads"], "use_switcher": True, "epochs": 30}
    start = str(mixture[0] / "mixture.safetensors")
    assert min(trained(planted, tmp_path / "run", stage, start=start).values()) > 95
