"""Score the model of a finished run on a corpus's test split, as a results file of the recipe's name.

    mere train recipes/ner-conll-open.yaml --set data.path='[CONLL, OPEN]' --out runs/ner-conll-open
    python benchmarks/score.py runs/ner-conll-open --on CONLL --name conll --trained data.path='[CONLL, OPEN]'

For runs that learn from more corpora than the one they are judged by; `mere compare` scores all that a recipe reads.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timezone
from pathlib import Path

import yaml

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.experiments.origin import Data
from mere.experiments.provenance import commit, hardware, software
from mere.experiments.results import Costs, FailedAttempt, Results, System
from mere.metrics.report import evaluate
from mere.models.predictor import Predictor

ROOT = Path(__file__).parents[1]


def costs_of(model: Path) -> Costs:
    """Return what a run says in its model folder that it cost."""
    spent = json.loads((model / "metrics.json").read_text(encoding="utf-8"))["costs"]
    return Costs(
        train_seconds=sum(spent["seconds"].values()),
        steps=sum(spent["steps"].values()),
        parameters_total=spent["parameters"],
        bytes_stored=sum(file.stat().st_size for file in model.rglob("*.safetensors")),
        peak_memory_mb=spent["peak_memory_mb"],
        threads=spent["threads"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--on", type=Path, required=True, help="the corpus whose test split is scored")
    parser.add_argument("--name", required=True, help="what the corpus is called")
    parser.add_argument("--trained", default="data.path=DATA", help="the setting that the run was given")
    parser.add_argument("--note", default="", help="what a reader must know of how it was run")
    arguments = parser.parse_args()
    recipe, corpus = Recipe.read(arguments.run / "recipe.yaml"), Corpus.load(arguments.on)
    gold = corpus.sentences("test")
    found = Predictor.load(arguments.run / "model").predict([s.text for s in gold], [s.lang for s in gold])
    report = evaluate(gold, found, train=corpus.sentences("train"))
    out = f"runs/{recipe.name}"
    trained = f"mere train recipes/{recipe.name}.yaml --set {arguments.trained} --out {out}"
    system = System.from_report(
        report, seeds=[recipe.seed], costs=costs_of(arguments.run / "model"), command=trained
    )
    attempts = yaml.safe_load((ROOT / "benchmarks" / "attempts.yaml").read_text(encoding="utf-8"))
    Results(
        experiment=recipe.name,
        description=f"One model, trained on more corpora than the one it is scored on. {arguments.note}".strip(),
        command=f"python benchmarks/score.py {out} --on DATA --name {arguments.name}",
        commit=commit(),
        date=datetime.now(timezone.utc).date(),
        seeds=[recipe.seed],
        hardware=hardware(),
        software=software(),
        data=Data(name=arguments.name, fingerprint=corpus.fingerprint(), sizes=corpus.sizes()),
        split="test",
        systems={recipe.name: system},
        failed_attempts=[FailedAttempt(**attempt) for attempt in attempts.get(recipe.name, [])],
    ).write(ROOT / "benchmarks" / "results" / f"{recipe.name}.json")


if __name__ == "__main__":
    main()
