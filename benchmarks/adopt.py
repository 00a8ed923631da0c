"""Take what `mere compare` found into benchmarks/results: paths replaced by names, attempts that
failed and times to quality added.

    mere compare recipes/ner-conll.yaml --set data.path=DATA --seeds 1,2,3 --out RUNS/ner-conll
    python -m benchmarks.adopt RUNS/ner-conll --data DATA

The file is named after the recipe; attempts come from benchmarks/attempts.yaml under that name.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml
from benchmarks.time_to_quality import finished_cell, time_to_quality

from mere.research.compare.costs import training_sizes
from mere.research.compare.score import main_metrics
from mere.research.results import FailedAttempt, Results

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("comparison", type=Path)
    parser.add_argument("--data", nargs="*", default=[], help="paths that were given as data.path")
    parser.add_argument("--note", default="", help="what a reader must know of how it was run")
    arguments = parser.parse_args()
    text = (arguments.comparison / "results.json").read_text(encoding="utf-8")
    for place, path in enumerate(arguments.data):
        text = text.replace(path, "DATA" if len(arguments.data) == 1 else f"DATA{place + 1}")
    name = Results.model_validate_json(text).experiment
    text = text.replace(str(arguments.comparison), f"runs/{name}")
    results = Results.model_validate_json(text)
    _add_times_to_quality(results, arguments.comparison)
    attempts = yaml.safe_load((ROOT / "benchmarks" / "attempts.yaml").read_text(encoding="utf-8"))
    results.failed_attempts += [FailedAttempt(**attempt) for attempt in attempts.get(name, [])]
    if arguments.note:
        results.description += f" {arguments.note}"
    results.write(ROOT / "benchmarks" / "results" / f"{name}.json")


def _add_times_to_quality(results: Results, comparison: Path) -> None:
    """Say of every system when it was as good on dev as the baseline, the first that others were tested against."""
    baseline = next((comparison.b for comparison in results.comparisons), "")
    cells = {
        name: [finished_cell(comparison, name, seed) for seed in system.seeds]
        for name, system in results.systems.items()
    }
    for name, of in cells.items():
        if baseline in cells and name != baseline:
            sizes, metric = training_sizes(of[0].recipe, results.data.sizes), main_metrics(of[0].recipe)[0]
            results.systems[name].time_to_quality = time_to_quality(of, cells[baseline], sizes, metric)


if __name__ == "__main__":
    main()
