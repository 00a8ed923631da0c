"""Score the models of a recipe's finished runs, one a seed, on a corpus's test split, as a file of the recipe's name.

    mere train recipes/ner-conll-open.yaml --set data.path='[CONLL, OPEN]' --out runs/ner-conll-open-1
    python benchmarks/score.py runs/ner-conll-open-1 --on CONLL --name conll --trained data.path='[CONLL, OPEN]'

For runs that learn from more corpora than the one they are judged by; `mere compare` scores all that a recipe reads.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import yaml

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.inference.predictor import Predictor
from mere.loading import load_predictor
from mere.metrics.report import evaluate_runs
from mere.research.provenance import origin
from mere.research.record import Data
from mere.research.results import Costs, FailedAttempt, Results, System

ROOT = Path(__file__).parents[1]


def costs_of(models: Sequence[Path]) -> Costs:
    """Return what runs say in their model folders they cost: seconds on average, memory at most."""
    records = [json.loads((model / "metrics.json").read_text(encoding="utf-8"))["costs"] for model in models]
    spent, files = records[0], models[0].rglob("*.safetensors")
    return Costs(
        train_seconds=fmean(sum(record["seconds"].values()) for record in records),
        steps=sum(spent["steps"].values()),
        parameters_total=spent["parameters"],
        bytes_stored=sum(file.stat().st_size for file in files),
        peak_memory_mb=max(record["peak_memory_mb"] for record in records),
        threads=spent["threads"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--on", type=Path, required=True, help="the corpus whose test split is scored")
    parser.add_argument("--name", required=True, help="what the corpus is called")
    parser.add_argument("--trained", default="data.path=DATA", help="the setting that the run was given")
    parser.add_argument("--exported", type=Path, help="the export of the one run's model, scored beside it")
    parser.add_argument("--note", default="", help="what a reader must know of how it was run")
    arguments = parser.parse_args()
    recipes = [Recipe.read(run / "recipe.yaml") for run in arguments.runs]
    recipe, seeds, corpus = recipes[0], [recipe.seed for recipe in recipes], Corpus.load(arguments.on)
    gold, models = corpus.sentences("test"), [run / "model" for run in arguments.runs]
    texts, langs = [sentence.text for sentence in gold], [sentence.lang for sentence in gold]

    def scored(predictors: Sequence[Predictor], of: Sequence[Path], command: str) -> System:
        found = [predictor.predict(texts, langs) for predictor in predictors]
        report = evaluate_runs(gold, found, train=corpus.sentences("train"))
        return System.from_report(report, seeds=seeds, costs=costs_of(of), command=command)

    outs = [f"runs/{recipe.name}-{seed}" for seed in seeds]
    trained = f"mere train recipes/{recipe.name}.yaml --set {arguments.trained} --set seed=SEED --out RUN"
    systems = {recipe.name: scored([load_predictor(model) for model in models], models, trained)}
    if arguments.exported is not None:
        export = (
            "mere calibrate RUN/model DATA --out CALIBRATED; mere export CALIBRATED --as onnx --out EXPORT"
        )
        systems[f"{recipe.name}, exported"] = scored([load_predictor(arguments.exported)], models, export)
    attempts = yaml.safe_load((ROOT / "benchmarks" / "attempts.yaml").read_text(encoding="utf-8"))
    Results(
        experiment=recipe.name,
        description=f"Trained on more corpora than the one it is scored on. {arguments.note}".strip(),
        command=f"python benchmarks/score.py {' '.join(outs)} --on DATA --name {arguments.name}",
        **origin(),
        seeds=seeds,
        data=Data(name=arguments.name, fingerprint=corpus.fingerprint(), sizes=corpus.sizes()),
        split="test",
        systems=systems,
        failed_attempts=[FailedAttempt(**attempt) for attempt in attempts.get(recipe.name, [])],
    ).write(ROOT / "benchmarks" / "results" / f"{recipe.name}.json")


if __name__ == "__main__":
    main()
