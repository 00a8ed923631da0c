"""The `facts` experiment: four systems on seven languages under equal epochs per language.

    python benchmarks/facts.py train full --data DATA --out runs/facts-systems      (one system, one thread)
    python benchmarks/facts.py report --data DATA --out runs/facts-systems --seeds 1 2   (scores, writes the results)

Runs lie in OUT/seed-N/SYSTEM. A system is scored over the seeds of `--seeds` that it is finished with; its costs are
those of the first, and a note tells what the others took.

Systems, all with the same encoder, heads, sampling and number of sentences seen:
    full         the recipe: warm-up, unified stage with aggregator, then a switcher per language
    naive        the recipe's warm-up, then as many more epochs of the same mixture: no aggregator, no switcher
    unified      the weights of the recipe after its unified stage: not trained again, so with fewer epochs
    continued    the recipe's warm-up and unified stage, then as many more epochs of it instead of switchers
    mixture      one stage of as many epochs on the plain mixture, from random weights
    mono-<lang>  the same on one language, as many passes over it as the others made
These leave out the recipe's first stage, which learns from text. With it, and with --text:
    text         the recipe as it is
    own-text     the same, and without --text: it reads what the training sentences say, and no other text
    text-naive, text-unified   the same as without
Those that go on from weights of `full` or `text` find them in the same seed's folder, so train that one first.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.inference.predictor import Predictor
from mere.metrics.paired import paired_bootstrap
from mere.metrics.report import evaluate_runs
from mere.models.backend import load_predictor, model_of
from mere.models.weights import read_tensors
from mere.research.compare.folder import read_predictions, write_predictions
from mere.research.provenance import origin
from mere.research.record import Data
from mere.research.results import Comparison, Costs, FailedAttempt, Results, System
from mere.training.evaluation import evaluate_dev
from mere.training.run import train
from mere.types import Prediction, Sentence

ROOT = Path(__file__).parents[1]
NAMES = {
    "mono": "monolingual",
    "naive": "naive multilingual",
    "mixture": "naive multilingual, one stage",
    "unified": "unified + aggregator",
    "continued": "unified + aggregator, continued",
    "full": "unified + aggregator + switchers",
    "own-text": "own text first, unified + aggregator + switchers",
    "text-naive": "text first, naive multilingual",
    "text-unified": "text first, unified + aggregator",
    "text": "text first, unified + aggregator + switchers",
}
BEFORE_SWITCHERS = ("unified", "text-unified")
"""Not trained: the weights that the run of `full` or `text` had after its unified stage."""
PAIRS = (
    ("text", "full"),
    ("text", "mono"),
    ("text", "own-text"),
    ("own-text", "full"),
    ("own-text", "mono"),
    ("text", "text-naive"),
    ("text", "text-unified"),
    ("text-naive", "naive"),
    ("full", "mono"),
    ("full", "naive"),
    ("full", "unified"),
    ("full", "mixture"),
    ("unified", "naive"),
    ("naive", "mono"),
)


def base(data: Path, threads: int, seed: int) -> dict[str, Any]:
    """The recipe without the stage that learns from text."""
    tree: dict[str, Any] = yaml.safe_load((ROOT / "recipes" / "facts.yaml").read_text(encoding="utf-8"))
    stages = [stage for stage in tree["stages"] if stage.get("objective") != "masked"]
    return tree | {"data": {"path": str(data)}, "stages": stages, "threads": threads, "seed": seed}


def with_text(tree: dict[str, Any], text: Sequence[Path]) -> dict[str, Any]:
    """The whole recipe, which reads these texts beside those of its corpus."""
    whole: dict[str, Any] = yaml.safe_load((ROOT / "recipes" / "facts.yaml").read_text(encoding="utf-8"))
    data = tree["data"] | {"text": [str(path) for path in text] or ""}
    return tree | {"data": data, "stages": whole["stages"], "name": "facts-text"}


def root_of(system: str) -> str:
    """The system that another goes on from, or is."""
    if system == "own-text":
        return system
    return "text" if system.startswith("text") else "full"


def epochs_of(tree: dict[str, Any]) -> float:
    return float(sum(stage["epochs"] for stage in tree["stages"]))


def mixture(tree: dict[str, Any]) -> dict[str, Any]:
    """One stage, plain mixture, for as many epochs as all stages of the recipe, from random weights."""
    tree = copy.deepcopy(tree)
    stage = tree["stages"][0] | {
        "name": "mixture",
        "epochs": epochs_of(tree),
        "evaluations": 5,
        "use_aggregator": True,
    }
    return tree | {
        "name": "facts-mixture",
        "stages": [stage],
        "aggregator": {"layers": 0},
        "switcher": {"width": 0},
    }


def naive(tree: dict[str, Any], start: Path) -> dict[str, Any]:
    """From the recipe's own warm-up: plain mixture for as many epochs, and at the rate, of its other stages."""
    tree = copy.deepcopy(tree)
    warm, *others = tree["stages"]
    stage = warm | {"name": "mixture", "epochs": sum(s["epochs"] for s in others), "lr": others[0]["lr"]}
    return tree | {"name": "facts-naive", "stages": [stage], "switcher": {"width": 0}, "start": str(start)}


def continued(tree: dict[str, Any], start: Path) -> dict[str, Any]:
    """From the recipe's own unified stage: as many more epochs of it as the second stage has."""
    tree = copy.deepcopy(tree)
    _, together, own = tree["stages"]
    stage = together | {"name": "continued", "epochs": own["epochs"], "lr": own["lr"], "ema": own["ema"]}
    return tree | {
        "name": "facts-continued",
        "stages": [stage],
        "switcher": {"width": 0},
        "start": str(start),
    }


def monolingual(tree: dict[str, Any], lang: str, sizes: dict[str, int]) -> dict[str, Any]:
    """One language: every sentence as often as the multilingual systems saw it."""
    counts = np.array(list(sizes.values()), dtype=float)
    shares = counts ** (1 / tree["stages"][0]["sampling"]["temperature"])
    share = dict(zip(sizes, shares / shares.sum(), strict=True))[lang]
    passes = epochs_of(tree) * share * counts.sum() / sizes[lang]
    alone = mixture(tree)
    stage = alone["stages"][0] | {"epochs": round(passes, 2)}
    data = alone["data"] | {"languages": [lang]}
    return alone | {"name": f"facts-mono-{lang}", "data": data, "stages": [stage]}


def recipe_of(system: str, data: Path, text: Sequence[Path], out: Path, threads: int, seed: int) -> Recipe:
    tree = base(data, threads, seed)
    if system in ("naive", "text-naive"):
        tree = naive(tree, out / root_of(system) / "warmup.safetensors")
    elif system in ("text", "own-text"):
        tree = with_text(tree, text if system == "text" else ())
    elif system == "mixture":
        tree = mixture(tree)
    elif system == "continued":
        tree = continued(tree, out / "full" / "unified.safetensors")
    elif system.startswith("mono-"):
        tree = monolingual(tree, system.removeprefix("mono-"), Corpus.load(data).sizes()["train"])
    elif system != "full":
        raise SystemExit(
            f"unknown system {system}: full, naive, continued, mixture, mono-<lang>, text, own-text or text-naive"
        )
    return Recipe.from_tree(tree)


def predict(out: Path, system: str, gold: Sequence[Sentence], dev: Sequence[Sentence]) -> list[Prediction]:
    """Predict the test sentences with a system's model, or with each language's own for `mono`; `out` is of a seed."""
    predictions: list[Prediction | None] = [None] * len(gold)
    languages = sorted({sentence.lang for sentence in gold}) if system == "mono" else [None]
    for lang in languages:
        rows = [i for i, sentence in enumerate(gold) if lang in (None, sentence.lang)]
        if system in BEFORE_SWITCHERS:
            predictor = before_switchers(out / root_of(system), dev)
        else:
            predictor = load_predictor(out / (f"mono-{lang}" if lang else system) / "model")
        found = predictor.predict([gold[i].text for i in rows], [gold[i].lang for i in rows])
        for i, prediction in zip(rows, found, strict=True):
            predictions[i] = prediction
    return [prediction for prediction in predictions if prediction is not None]


def predicted_once(
    out: Path, system: str, gold: Sequence[Sentence], dev: Sequence[Sentence]
) -> list[Prediction]:
    """What a system finds, from the file that it was written to when it was first asked."""
    file = out / f"{system}.test.jsonl"
    if not file.is_file():
        write_predictions(file, gold, predict(out, system, gold, dev))
    return read_predictions(file, gold)


def before_switchers(run: Path, dev: Sequence[Sentence]) -> Predictor:
    """The recipe's model as its unified stage left it, calibrated on dev: every switcher is the identity."""
    predictor = load_predictor(run / "model")
    model_of(predictor).load_state_dict(read_tensors(run / "unified.safetensors"))
    predictor.thresholds = dict(evaluate_dev(predictor, ("triples",), dev, universal=True).thresholds)
    return predictor


STAGES_TAKEN = {
    "naive": ("warmup",),
    "continued": ("warmup", "unified"),
    "unified": ("warmup", "unified"),
    "text-naive": ("read", "warmup"),
    "text-unified": ("read", "warmup", "unified"),
}
"""What a system takes over from the run of `full` or `text`, and must be charged with."""


def costs_of(out: Path, name: str, runs: Sequence[str], languages: Sequence[str]) -> Costs:
    """Add up what the runs of one system cost, stages taken over from another included; memory is the largest."""
    records = [json.loads((out / run / "model" / "metrics.json").read_text())["costs"] for run in runs]
    weights = [(out / run / "model" / "model.safetensors").stat().st_size for run in runs]
    is_part = name in BEFORE_SWITCHERS
    spent = [] if is_part else records
    root = out / root_of(name)
    full = json.loads((root / "model" / "metrics.json").read_text())["costs"]
    taken = STAGES_TAKEN.get(name, ())
    begun = json.loads((root / "run.json").read_text())
    stages = [stage for stage in begun["recipe"]["stages"] if stage.get("objective") != "masked"]
    epochs = {stage["name"]: stage["epochs"] for stage in stages}
    total = sum(epochs.get(stage, 0) for stage in taken) if is_part else sum(epochs.values())
    counts = Counter(begun["data"]["sizes"]["train"])
    shares = {lang: counts[lang] ** (1 / stages[0]["sampling"]["temperature"]) for lang in languages}
    passes = {
        lang: round(total * shares[lang] / sum(shares.values()) * sum(counts.values()) / counts[lang], 1)
        for lang in languages
    }
    return Costs(
        train_seconds=sum(sum(r["seconds"].values()) for r in spent) + sum(full["seconds"][s] for s in taken),
        steps=sum(sum(r["steps"].values()) for r in spent) + sum(full["steps"][s] for s in taken),
        epochs_per_language=passes,
        parameters_total=sum(record["parameters"] for record in records),
        bytes_stored=sum(weights),
        peak_memory_mb=max(record["peak_memory_mb"] for record in records),
        threads=records[0]["threads"],
    )


def note_of(costs: dict[int, Costs]) -> str:
    """What the seeds after the first took."""
    _, *others = costs.items()
    return " ".join(
        f"Seed {seed}: {cost.train_seconds / 60:.1f} minutes on {cost.threads} "
        f"{'thread' if cost.threads == 1 else 'threads'}, peak memory {cost.peak_memory_mb:,.0f} MB."
        for seed, cost in others
        if cost.threads and cost.peak_memory_mb
    )


def report(data: Path, out: Path, seeds: Sequence[int], resamples: int) -> Results:
    """Score every system that is finished on the test split, and compare those that PAIRS names."""
    corpus = Corpus.load(data)
    gold, train_sentences = corpus.sentences("test"), corpus.sentences("train")
    languages = corpus.languages("test")
    members = {name: [name] for name in NAMES}
    members |= {name: [root_of(name)] for name in BEFORE_SWITCHERS}
    members["mono"] = [f"mono-{lang}" for lang in languages]
    systems, reports = {}, {}
    for name, runs in members.items():
        finished = {
            seed: out / f"seed-{seed}"
            for seed in seeds
            if all((out / f"seed-{seed}" / run / "model" / "config.json").is_file() for run in runs)
        }
        if not finished:
            print(f"{name}: not finished, left out", file=sys.stderr)
            continue
        predicted = [
            predicted_once(folder, name, gold, corpus.sentences("dev")) for folder in finished.values()
        ]
        reports[name] = evaluate_runs(gold, predicted, train=train_sentences, resamples=resamples)
        costs = {seed: costs_of(folder, name, runs, languages) for seed, folder in finished.items()}
        which = " ".join(runs)
        systems[NAMES[name]] = System.from_report(
            reports[name],
            seeds=list(finished),
            costs=costs[min(finished)],
            command=f"python benchmarks/facts.py train {which} --data DATA --out runs/facts-systems --seed SEED"
            + (" --text OPEN CONLL CROSSRE" if name.startswith("text") else ""),
        ).model_copy(update={"note": note_of(costs)})
        print(
            name,
            {k: v.value for k, v in systems[NAMES[name]].metrics["triple_f1/strict"].items()},
            file=sys.stderr,
        )
    comparisons = [
        Comparison(a=NAMES[a], b=NAMES[b], metric="triple_f1/strict", scope=scope, **asdict(difference))
        for a, b in PAIRS
        if a in reports and b in reports
        for scope, difference in paired_bootstrap(reports[a].scores, reports[b].scores).items()
    ]
    attempts = yaml.safe_load((ROOT / "benchmarks" / "attempts.yaml").read_text(encoding="utf-8"))["facts"]
    return Results(
        experiment="facts",
        description="Triples in seven languages: systems under equal epochs per language, on the test split; some "
        "have learned from text before.",
        command="python benchmarks/facts.py report --data DATA --out runs/facts-systems --seeds "
        + " ".join(map(str, seeds)),
        **origin(),
        seeds=list(seeds),
        data=Data(name="triples", fingerprint=corpus.fingerprint(), sizes=corpus.sizes()),
        systems=systems,
        comparisons=comparisons,
        failed_attempts=[FailedAttempt(**attempt) for attempt in attempts],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=["train", "report"])
    parser.add_argument("systems", nargs="*")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--text", type=Path, nargs="*", default=[], help="more text, for the system `text`")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="to train with")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1], help="to report on")
    arguments = parser.parse_args()
    folder = arguments.out / f"seed-{arguments.seed}"
    for system in arguments.systems:
        recipe = recipe_of(system, arguments.data, arguments.text, folder, arguments.threads, arguments.seed)
        train(recipe, folder / system, resume=True, progress=False)
    if arguments.verb == "report":
        results = report(arguments.data, arguments.out, sorted(set(arguments.seeds)), resamples=1000)
        results.write(ROOT / "benchmarks" / "results" / "facts.json")


if __name__ == "__main__":
    main()
