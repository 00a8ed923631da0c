"""The quick start, measured: train the recipe, score seen and held-out sentence patterns, names never trained on.

python benchmarks/quickstart.py --out runs/quickstart-benchmark
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mere.config import Recipe
from mere.data.corpora import quickstart_corpus
from mere.metrics.report import evaluate
from mere.models.backend import load_predictor
from mere.research.provenance import origin
from mere.research.record import Data
from mere.research.results import Results, System
from mere.training.run import train
from score import costs_of

ROOT = Path(__file__).parents[1]
SPLITS = {"test": "seen sentence patterns", "heldout": "held-out sentence patterns"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    recipe = Recipe.read(ROOT / "recipes" / "quickstart.yaml")
    model = train(recipe, arguments.out, resume=True, progress=False)
    corpus, predictor = quickstart_corpus(), load_predictor(model)
    command = "python benchmarks/quickstart.py --out runs/quickstart-benchmark"
    systems = {}
    for split, name in SPLITS.items():
        gold = corpus.sentences(split)
        found = predictor.predict([s.text for s in gold], [s.lang for s in gold])
        systems[name] = System.from_report(
            evaluate(gold, found), seeds=[recipe.seed], costs=costs_of(model), command=command
        )
    Results(
        experiment="quickstart",
        description="One model on the quick-start corpus; no entity name of these splits occurs in training.",
        command=command,
        **origin(),
        seeds=[recipe.seed],
        data=Data(name="quick-start corpus", fingerprint=corpus.fingerprint(), sizes=corpus.sizes()),
        systems=systems,
    ).write(ROOT / "benchmarks" / "results" / "quickstart.json")


if __name__ == "__main__":
    main()
