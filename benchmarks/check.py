"""How fast `mere check` reads a large corpus, and whether its memory grows with it.

    python benchmarks/check.py --rows 1000000

Every row is a sentence of its own with two entities and a triple, in one of six languages, as JSON lines. The command
runs as a user's does, on a quarter of the rows, on half of them and on all.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mere.research.provenance import origin
from mere.research.record import Experiment, Record

ROOT = Path(__file__).parents[1]
LANGUAGES = ("de", "en", "es", "fr", "pt", "sw")
SYLLABLES = ("ba", "den", "fi", "gor", "ha", "lum", "mi", "nar", "pe", "ros", "tu", "wen")


class Measured(Record):
    """One run.

    Args:
        seconds: of the processor; wall_seconds are those of the clock, beside whatever else ran.
    """

    rows: int
    megabytes: float
    seconds: float
    wall_seconds: float
    rows_per_second: float
    peak_memory_mb: float


class CheckRates(Experiment):
    """A quarter of the rows, half, and all: what their peak memory differs in grows with the corpus.

    Args:
        grows_mb_per_million_rows: by the last two sizes.
    """

    sizes: dict[str, Measured]
    grows_mb_per_million_rows: float


def rows(number: int, seed: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(seed)
    for row in range(number):
        who, where = ("".join(dice.choices(SYLLABLES, k=4)).title() for _ in range(2))
        text = f"{who} came to {where} in the year {row}."
        subject = {"start": 0, "end": len(who)}
        object_ = {"start": len(who) + 9, "end": len(who) + 9 + len(where)}
        yield {
            "id": str(row),
            "lang": LANGUAGES[row % len(LANGUAGES)],
            "text": text,
            "entities": [{**subject, "type": "PER"}, {**object_, "type": "LOC"}],
            "triples": [{"subject": subject, "relation": "came-to", "object": object_}],
        }


def measured(number: int, folder: Path) -> Measured:
    path = folder / "train.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows(number, seed=1))
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "mere", "check", path], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status:
        raise SystemExit(f"mere check ended with status {os.waitstatus_to_exitcode(status)}")
    seconds = usage.ru_utime + usage.ru_stime
    return Measured(
        rows=number,
        megabytes=round(path.stat().st_size / 1e6, 1),
        seconds=round(seconds, 2),
        wall_seconds=round(wall, 2),
        rows_per_second=round(number / seconds, 1),
        peak_memory_mb=round(usage.ru_maxrss / 1024, 1),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "check.json")
    options = parser.parse_args()
    made_of = origin()  # now: files may change while this runs
    with tempfile.TemporaryDirectory() as folder:
        sizes = {
            f"{number:,} rows": measured(number, Path(folder))
            for number in (options.rows // 4, options.rows // 2, options.rows)
        }
    half, whole = list(sizes.values())[1:]
    grows = 1e6 * (whole.peak_memory_mb - half.peak_memory_mb) / (whole.rows - half.rows)
    CheckRates(
        experiment="check",
        description="`mere check` on JSON lines of two entities and a triple each, in six languages.",
        command=f"python benchmarks/check.py --rows {options.rows}",
        **made_of,
        seeds=[1],
        sizes=sizes,
        grows_mb_per_million_rows=round(grows, 1),
    ).write(options.out)
    for name, found in sizes.items():
        print(f"{name}: {found.rows_per_second:,} a second, {found.peak_memory_mb} MB at most")
    print(f"Grows by {grows:.1f} MB for a million rows more.")


if __name__ == "__main__":
    main()
