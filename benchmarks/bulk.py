"""A corpus run that is killed again and again: its rows, its memory, and what a second worker brings.

    python benchmarks/bulk.py --rows 1000000 --work FOLDER

A small model is trained on the quick-start corpus first, one epoch: what is measured is everything around a model, and
a larger one would only take longer. The corpus is the quick-start generator's, row by row with a number of its own.
While `mere extract … --out` works it off, a worker and the whole run are killed in turn (`kill -9`) at random
moments, five times each, and the run is resumed. Then every row must be there once, in order, and shards drawn at
random must have the bytes that an undisturbed worker writes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mere.bulk import CorpusSettings, Plan, extract_corpus
from mere.bulk.place import Place
from mere.bulk.worker import Job, Worker
from mere.config import Recipe
from mere.data.quickstart.generate import generate
from mere.loading import load
from mere.research.provenance import commit, hardware, software

ROOT = Path(__file__).parents[1]
RECIPE: dict[str, Any] = {
    "name": "bulk",
    "seed": 1,
    "threads": 2,
    "encoder": {"dim": 32, "rows": 2048, "row_dim": 16, "layers": 1},
    "aggregator": {"layers": 1, "heads": 2},
    "switcher": {"width": 8},
    "triples": {"hidden": 32, "candidates": 3},
    "stages": [{"name": "unified", "epochs": 1, "lr": 0.003, "evaluations": 1}],
}
KILLS = 5  # of a worker, and as many of the run
SEEDS = range(100, 105)
SAMPLE = 10  # shards that are worked off once more
SHARD_MB = 0.5
THRESHOLD = 0.0  # one epoch makes no model that is sure of anything


def rows(num_rows: int) -> Iterator[dict[str, Any]]:
    """Sentences in many languages, made with a few seeds, again and again; each row has a number of its own."""
    made = [record for seed in SEEDS for records in generate(seed).values() for record in records]
    for number, record in zip(range(num_rows), itertools.cycle(made), strict=False):
        yield {"id": number, "lang": record["lang"], "text": f"{record['text']} {number}"}


def made_model(folder: Path) -> Path:
    if not (folder / "model").is_dir():
        from mere.training.run import train

        train(Recipe.from_tree(RECIPE), folder, resume=True, progress=False)
    return folder / "model"


def made_corpus(path: Path, num_rows: int) -> Path:
    if not path.exists():
        with path.with_suffix(".part").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(num_rows))
        path.with_suffix(".part").replace(path)
    return path


def started(*args: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mere", "extract", *map(str, args)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def workers_of(pid: int) -> list[int]:
    """Processes of a run that hold a connection to it; one of Python's own looks after resources."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def killed_and_resumed(
    model: Path, corpus: Path, out: Path, num_shards: int, dice: random.Random
) -> list[str]:
    """Work off the corpus, killing a worker and the run in turn; return what was killed, and when."""
    moments = sorted(dice.sample(range(1, max(num_shards - 2, 2 * KILLS + 1)), 2 * KILLS))
    process = started(
        model, corpus, "--out", out, "--workers", 2, "--shard-mb", SHARD_MB, "--threshold", THRESHOLD
    )
    deeds = []
    for number, moment in enumerate(moments):
        while process.poll() is None and len(list(out.glob("_done/*"))) < moment:
            time.sleep(0.2)
        time.sleep(dice.random() * 3)
        if number % 2:
            process.kill()
            process.wait()
            process = started("--out", out, "--resume", "--workers", 2)
        else:
            while not (victims := workers_of(process.pid)):
                if process.poll() is not None:
                    raise SystemExit(f"the run was over after {len(deeds)} kills: give it more --rows")
                time.sleep(0.05)
            os.kill(dice.choice(victims), signal.SIGKILL)
        deeds.append(f"{'the run' if number % 2 else 'a worker'} after {moment} of {num_shards} shards")
    if process.wait() != 0:
        raise SystemExit(f"the run ended with {process.returncode}")
    return deeds


def exact(corpus: Path, out: Path) -> int:
    """Return how many rows the output has; they must be those of the corpus, in order, once each."""
    written = (line for part in sorted(out.glob("part-*")) for line in part.open(encoding="utf-8"))
    count = 0
    with corpus.open(encoding="utf-8") as given:
        for count, (before, after) in enumerate(itertools.zip_longest(given, written, fillvalue="{}"), 1):
            row, document = json.loads(before), json.loads(after)
            if (row.get("id"), row.get("text")) != (document.get("id"), document.get("text")):
                raise SystemExit(f"row {count}: {row} became {document}")
    return count


def undisturbed(out: Path, again: Path, dice: random.Random) -> int:
    """Return how many shards, worked off once more and alone, came out as in `out`, byte for byte."""
    plan = Plan.load(Place(out))
    again.mkdir()
    with Place(again).held():
        worker = Worker(Job(plan.settings, again, load))
        for shard in dice.sample(plan.shards, min(SAMPLE, len(plan.shards))):
            name = worker.work(shard).output
            if (again / name).read_bytes() != (out / name).read_bytes():
                raise SystemExit(f"{name} is not what an undisturbed worker writes")
    return min(SAMPLE, len(plan.shards))


def rate(model: Path, corpus: Path, out: Path, workers: int) -> float:
    """Return documents a second of a run at work, from the first shard that is done to the last."""
    settings = CorpusSettings.of(str(model), shard_mb=SHARD_MB / 8, threshold=THRESHOLD)
    extract_corpus(settings, [str(corpus)], out, workers=workers)
    reports = sorted((path.stat().st_mtime, json.loads(path.read_text())) for path in out.glob("_done/*"))
    counted = reports[workers:]  # the first of each worker has its model's first batches in it
    return sum(report["documents"] for _, report in counted) / (counted[-1][0] - reports[workers - 1][0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rate-rows", type=int, default=20_000, help="of the runs with one and two workers")
    parser.add_argument(
        "--work", type=Path, required=True, help="a folder for the model, the corpus and the runs"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "bulk.json")
    options = parser.parse_args()
    work, dice = options.work, random.Random(options.seed)
    work.mkdir(parents=True, exist_ok=True)
    model = made_model(work / "run")
    corpus = made_corpus(work / f"{options.rows}.jsonl", options.rows)
    num_shards = -(-corpus.stat().st_size // int(SHARD_MB * 1e6))
    began = time.monotonic()
    deeds = killed_and_resumed(model, corpus, work / "killed", num_shards, dice)
    seconds = time.monotonic() - began
    summary = json.loads((work / "killed" / "_manifest.json").read_text())["summary"]
    killed = {
        "rows": exact(corpus, work / "killed"),
        "kills": deeds,
        "lost_or_doubled": 0,  # `exact` ends the program otherwise
        "shards_equal_to_undisturbed_ones": undisturbed(work / "killed", work / "again", dice),
        "seconds": round(seconds),
        "peak_memory_mb_per_worker": summary["peak_memory_mb"],
        "summary": summary,
    }
    short = made_corpus(work / f"{options.rate_rows}.jsonl", options.rate_rows)
    rates = {workers: rate(model, short, work / f"rate{workers}", workers) for workers in (1, 2)}
    result = {
        "experiment": "bulk",
        "command": f"python benchmarks/bulk.py --rows {options.rows} --work FOLDER --seed {options.seed}",
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "hardware": hardware().model_dump(mode="json"),
        "software": software().model_dump(mode="json"),
        "load_average": os.getloadavg()[1],
        "killed": killed,
        "documents_per_second": {str(workers): round(found, 1) for workers, found in rates.items()},
        "scaling_on_two_workers": round(rates[2] / rates[1], 3),
    }
    options.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
