"""The `facts` experiment: four systems on seven languages under equal epochs per language.

    python benchmarks/facts.py train naive --data DATA --out runs/facts-systems      (one system, one thread)
    python benchmarks/facts.py report --data DATA --out runs/facts-systems           (scores them, writes the results)

Systems, all with the same encoder, heads, sampling and number of sentences seen:
    naive        one model for all languages, no aggregator, no switcher
    full         the recipe: unified stage with aggregator, then a switcher per language
    unified      the recipe's unified stage, then as many more epochs of the same instead of switchers
    mono-<lang>  a model of the naive kind on one language, as many passes over it as the others made
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mere.config import Recipe
from mere.data.corpus import Corpus
from mere.training.run import train

ROOT = Path(__file__).parents[1]


def base(data: Path, threads: int, seed: int) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "recipes" / "facts.yaml").read_text(encoding="utf-8"))
    tree |= {"data": {"path": str(data)}, "threads": threads, "seed": seed}
    return tree


def epochs_of(tree: dict[str, Any]) -> float:
    return float(sum(stage["epochs"] for stage in tree["stages"]))


def naive(tree: dict[str, Any]) -> dict[str, Any]:
    """One stage, plain mixture, for as many epochs as both stages of the recipe."""
    tree = copy.deepcopy(tree)
    stage = tree["stages"][0] | {"train": ["encoder", "heads"], "epochs": epochs_of(tree)}
    stage["sampling"] = stage["sampling"] | {"concat": 1}
    return tree | {"name": "facts-naive", "stages": [stage], "aggregator": {"layers": 0}, "switcher": {"width": 0}}


def unified(tree: dict[str, Any], start: Path) -> dict[str, Any]:
    """From the recipe's own unified stage: as many more epochs of it as the second stage has."""
    tree = copy.deepcopy(tree)
    first, second = tree["stages"]
    stage = first | {"name": "continued", "epochs": second["epochs"], "lr": second["lr"], "ema": second["ema"]}
    stage["sampling"] = first["sampling"] | {"concat_after": 0.0}
    return tree | {"name": "facts-unified", "stages": [stage], "switcher": {"width": 0}, "start": str(start)}


def monolingual(tree: dict[str, Any], lang: str, sizes: dict[str, int]) -> dict[str, Any]:
    """One language: every sentence as often as the multilingual systems saw it."""
    counts = np.array(list(sizes.values()), dtype=float)
    shares = counts ** (1 / tree["stages"][0]["sampling"]["temperature"])
    share = dict(zip(sizes, shares / shares.sum(), strict=True))[lang]
    passes = epochs_of(tree) * share * counts.sum() / sizes[lang]
    alone = naive(tree)
    stage = alone["stages"][0] | {"epochs": round(passes, 2)}
    data = alone["data"] | {"languages": [lang]}
    return alone | {"name": f"facts-mono-{lang}", "data": data, "stages": [stage]}


def recipe_of(system: str, data: Path, out: Path, threads: int, seed: int) -> Recipe:
    tree = base(data, threads, seed)
    if system == "naive":
        tree = naive(tree)
    elif system == "unified":
        tree = unified(tree, out / "full" / "unified.safetensors")
    elif system.startswith("mono-"):
        tree = monolingual(tree, system.removeprefix("mono-"), Corpus.load(data).sizes()["train"])
    elif system != "full":
        raise SystemExit(f"unknown system {system}: naive, full, unified or mono-<lang>")
    return Recipe.from_tree(tree)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["train", "report"])
    parser.add_argument("systems", nargs="*")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for system in arguments.systems:
        recipe = recipe_of(system, arguments.data, arguments.out, arguments.threads, arguments.seed)
        train(recipe, arguments.out / system, resume=True, talk=False)


if __name__ == "__main__":
    main()
