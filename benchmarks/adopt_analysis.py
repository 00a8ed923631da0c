"""Take what `mere analyze` found, one folder a seed, into a file of measurements in benchmarks/results.

    mere analyze RUNS/cells/switchers/seed-1 --out RUNS/an-1
    python benchmarks/adopt_analysis.py analysis-triples RUNS/cells/switchers/seed-1:RUNS/an-1 … --command "…"

Only figures that claims are answered by are taken (benchmarks.claims.analyses), all or `--figures` of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.claims.analyses import FIGURES, measurements_of
from benchmarks.claims.measurements import Measurements

from mere.research.provenance import origin
from mere.research.record import Data

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="of the file")
    parser.add_argument(
        "seeds", nargs="+", metavar="RUN:ANALYSIS", help="a run, and the folder of its analysis"
    )
    parser.add_argument(
        "--command", required=True, help="that analysed the first, with names in place of paths"
    )
    parser.add_argument("--corpus", required=True, help="name of the data")
    parser.add_argument(
        "--figures",
        nargs="*",
        default=list(FIGURES),
        help="take only these; a group by its first word, as in overlap",
    )
    parser.add_argument("--note", default="", help="what a reader must know of how it was run")
    arguments = parser.parse_args()
    pairs = [tuple(map(Path, pair.split(":"))) for pair in arguments.seeds]
    records = [json.loads((out / "analysis.json").read_text(encoding="utf-8")) for _, out in pairs]
    runs = [json.loads((run / "run.json").read_text(encoding="utf-8")) for run, _ in pairs]
    first = records[0]
    results = Measurements(
        experiment=arguments.name,
        description=f"Analyses of {first['run']}, stage {first['stage']}, one run a seed. {arguments.note}".strip(),
        command=arguments.command,
        **origin(),
        seeds=[run["recipe"]["seed"] for run in runs],
        data=Data(name=arguments.corpus, **{key: runs[0]["data"][key] for key in ("fingerprint", "sizes")}),
        measurements={
            name: found
            for name, found in measurements_of(records).items()
            if name in arguments.figures or name.partition("-")[0] in arguments.figures
        },
    )
    results.write(ROOT / "benchmarks" / "results" / f"{arguments.name}.json")
    for name, found in results.measurements.items():
        print(name, found.mean.value, found.mean.low, found.mean.high, found.unit)


if __name__ == "__main__":
    main()
