"""BiLSTM or Transformer in the compact encoder: F1 and seconds on the quick-start corpus, side by side.

    python benchmarks/encoders.py --out runs/encoders --seeds 1 2

Both have the same width, the same embedding and heads, the recipe's warm-up stage and nothing else; they are
trained in turn, seed by seed, on one thread, so that a slow minute of the machine slows both.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from mere.config import Recipe
from mere.data.corpora import quickstart_corpus
from mere.metrics.paired import paired_bootstrap
from mere.metrics.report import evaluate_runs
from mere.models.backend import load_predictor
from mere.research.provenance import origin
from mere.research.record import Data
from mere.research.results import Comparison, Costs, Results, System
from mere.training.run import train
from mere.types import Prediction

ROOT = Path(__file__).parents[1]
LAYERS = {"bilstm": 2, "transformer": 3}


def recipe_of(context: str, seed: int) -> Recipe:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "recipes/quickstart.yaml").read_text(encoding="utf-8"))
    encoder = tree["encoder"] | {"context": context, "layers": LAYERS[context]}
    stage = tree["stages"][0] | {"use_aggregator": True, "lr": 3e-3 if context == "bilstm" else 1e-3}
    alone = {"aggregator": {"layers": 0}, "switcher": {"width": 0}, "stages": [stage]}
    return Recipe.from_tree(tree | alone | {"encoder": encoder, "seed": seed, "threads": 1})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    corpus = quickstart_corpus()
    gold = corpus.sentences("test")
    predictions: dict[str, list[list[Prediction]]] = {context: [] for context in LAYERS}
    costs: dict[str, list[dict[str, Any]]] = {context: [] for context in LAYERS}
    for seed in arguments.seeds:
        for context in LAYERS:
            out = arguments.out / f"{context}-{seed}"
            model = train(recipe_of(context, seed), out, resume=True, progress=False)
            found = load_predictor(model).predict([s.text for s in gold], [s.lang for s in gold])
            predictions[context].append(found)
            costs[context].append(json.loads((model / "metrics.json").read_text(encoding="utf-8"))["costs"])
    command = "python benchmarks/encoders.py --out runs/encoders --seeds " + " ".join(
        map(str, arguments.seeds)
    )
    reports = {context: evaluate_runs(gold, runs) for context, runs in predictions.items()}
    systems = {}
    for context, report in reports.items():
        seconds = [sum(record["seconds"].values()) for record in costs[context]]
        cost = Costs(
            train_seconds=sum(seconds) / len(seconds),
            steps=sum(costs[context][0]["steps"].values()),
            parameters_total=costs[context][0]["parameters"],
            threads=1,
        )
        systems[context] = System.from_report(report, seeds=arguments.seeds, costs=cost, command=command)
    difference = paired_bootstrap(reports["bilstm"].scores, reports["transformer"].scores, "triple_f1/strict")
    Results(
        experiment="encoders",
        description="The context of the compact encoder on the quick-start corpus, one stage, test split.",
        command=command,
        **origin(),
        seeds=arguments.seeds,
        data=Data(name="quick-start corpus", fingerprint=corpus.fingerprint(), sizes=corpus.sizes()),
        systems=systems,
        comparisons=[
            Comparison(a="bilstm", b="transformer", metric="triple_f1/strict", scope=scope, **asdict(found))
            for scope, found in difference.items()
        ],
    ).write(ROOT / "benchmarks" / "results" / "encoders.json")


if __name__ == "__main__":
    main()
