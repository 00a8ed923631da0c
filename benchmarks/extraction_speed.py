"""Raw text to facts, side by side with spaCy's `ner`: one core, one thread each, turn by turn in one run.

    python benchmarks/extraction_speed.py --model EXPORT --model EXPORT2 --spacy-python VENV/bin/python

Each system is a process of its own that keeps its model and is asked, in turn, to read the same texts. A repeat's
ratio is that of two neighbours in time, so that a busy machine slows both; figures are medians over repeats, the
interval is a bootstrap of them. spaCy is a blank pipeline with its default `ner`, taught for a few updates on the
quick-start corpus: its speed does not depend on more.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mere.data.quickstart import generate
from mere.research.provenance import commit, hardware, software

ROOT = Path(__file__).parents[1]
SENTENCES_PER_TEXT = 5
MOST_TEXTS = 500
COLD_STARTS = 7
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "BLIS_NUM_THREADS": "1"}

_ASKED = """
import json, sys, time
def answer(read, texts):
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        found = read(texts)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        print(json.dumps({"cpu": cpu, "wall": wall, "found": found}), flush=True)
"""
MERE = (
    _ASKED
    + """
import mere
texts = json.loads(sys.stdin.readline())
extractor = mere.load(sys.argv[1])
answer(lambda texts: sum(len(d.triples) or len(d.entities) for d in extractor.extract(texts)), texts)
"""
)
PROFILE = """
import collections, json, sys, time
import mere, mere.inference.extractor as extractor, mere.inference.predictor as predictor
texts = json.loads(sys.stdin.readline())
model = mere.load(sys.argv[1])
spent, inner = collections.Counter(), []
def timed(owner, name, stage):
    function = getattr(owner, name)
    def run(*args, **given):
        began = time.process_time()
        inner.append(0.0)
        try:
            return function(*args, **given)
        finally:
            took = time.process_time() - began
            spent[stage] += took - inner.pop()
            if inner:
                inner[-1] += took
    setattr(owner, name, run)
list(model.extract(texts))
backend = model.predictor.backend
for name, stage in (("encode", "network"), ("tags", "network"), ("pairs", "network")):
    timed(backend, name, stage)
if "units" in backend._run:
    timed(backend, "_units", "vectors of units")
for name in ("texts", "sentences"):
    timed(model._identifier, name, "language")
timed(extractor, "split_sentences", "sentences")
timed(extractor, "_document", "documents")
timed(model.predictor.maker, "text", "pieces")
timed(predictor, "collate", "batches")
for name in ("entities", "likely_relations", "best_spans", "crossed", "joined"):
    timed(predictor, name, "decoding")
timed(predictor.Predictor, "_in_characters", "documents")
began = time.process_time()
list(model.extract(texts))
whole = time.process_time() - began
spent["the rest"] = whole - sum(spent.values())
print(json.dumps({stage: round(took / whole, 3) for stage, took in spent.most_common()}))
"""
SPACY = (
    _ASKED
    + """
import random, spacy
from spacy.training import Example
texts = json.loads(sys.stdin.readline())
taught = json.load(open(sys.argv[1], encoding="utf-8"))
random.seed(0)
nlp = spacy.blank("xx")
nlp.add_pipe("ner")
examples = [Example.from_dict(nlp.make_doc(t), {"entities": e}) for t, e in taught]
nlp.initialize(lambda: examples)
for at in range(0, len(examples), 64):
    nlp.update(examples[at : at + 64])
nlp.to_disk(sys.argv[2])
answer(lambda texts: sum(len(d.ents) for d in nlp.pipe(texts)), texts)
"""
)
SPACY_COLD = "import sys, spacy; print(spacy.load(sys.argv[1])(sys.stdin.read()).ents)"


class System:
    """A process that reads the texts each time it is asked."""

    def __init__(self, name: str, command: list[str], texts: list[str]):
        self.name = name
        self.turns: list[dict[str, float]] = []
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, **ONE_THREAD},
        )
        self._say(json.dumps(texts))

    def _say(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def read(self) -> dict[str, float]:
        """Read the texts once, alone."""
        assert self._child.stdout is not None
        self._say("")
        line = self._child.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended; see its message above.")
        return json.loads(line)

    def close(self) -> None:
        self._child.communicate()


def texts_of(file: Path | None) -> list[str]:
    """Return the lines of a file, or the quick-start corpus's training sentences, several to a text."""
    if file is not None:
        return file.read_text(encoding="utf-8").splitlines()
    texts = []
    for (_, split), rows in generate().items():
        if split == "train":
            said = [row["text"] for row in rows]
            size = SENTENCES_PER_TEXT
            texts += [" ".join(said[at : at + size]) for at in range(0, len(said), size)]
    random.Random(0).shuffle(texts)
    return texts[:MOST_TEXTS]


def taught() -> list[tuple[str, list[tuple[int, int, str]]]]:
    """Return sentences of the quick-start corpus with their mentions, of one type."""
    rows = [row for (_, split), found in generate().items() if split == "train" for row in found]
    random.Random(0).shuffle(rows)
    return [
        (row["text"], sorted({(e["start"], e["end"], "NAME") for e in row["entities"]}))
        for row in rows[:1000]
    ]


def profile(model: str, texts: list[str]) -> dict[str, float]:
    """Return the share of a model's CPU time that each stage takes; what one calls counts for itself."""
    done = subprocess.run(
        [sys.executable, "-c", PROFILE, model],
        input=json.dumps(texts) + "\n",
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **ONE_THREAD},
        check=True,
    )
    return json.loads(done.stdout)


def cold(command: list[str], sentence: str) -> dict[str, float]:
    """Return what new processes take to answer one sentence: the least CPU seconds, seconds and the most memory."""
    cpu, wall, memory = [], [], []
    for _ in range(COLD_STARTS):
        began = time.perf_counter()
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, **ONE_THREAD},
        ) as child:
            assert child.stdin is not None
            child.stdin.write(sentence + "\n")
            child.stdin.close()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0, command
        wall.append(time.perf_counter() - began)
        cpu.append(usage.ru_utime + usage.ru_stime)
        memory.append(usage.ru_maxrss / 1024)
    return {
        "cpu_s": round(min(cpu), 3),
        "wall_s": round(min(wall), 3),
        "peak_memory_mb": round(max(memory)),
    }


def interval(values: list[float]) -> list[float]:
    """Return the 95 % bootstrap interval of the median."""
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(2000))
    return [round(medians[50], 2), round(medians[1949], 2)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append", required=True, help="An export; may be given again.")
    parser.add_argument("--spacy-python", required=True, help="Python of an environment that has spaCy.")
    parser.add_argument("--text", type=Path, help="A text a line; default: the quick-start corpus.")
    parser.add_argument("--note", default="", help="What the models are, for the record.")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "extraction-speed.json")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {arguments.core})
    texts = texts_of(arguments.text)
    words = sum(len(text.split()) for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        lesson, pipeline = Path(folder) / "lesson.json", str(Path(folder) / "pipeline")
        lesson.write_text(json.dumps(taught()), encoding="utf-8")
        spacy = [arguments.spacy_python, "-c", SPACY, str(lesson), pipeline]
        systems = [System("spacy", spacy, texts)]
        systems += [System(m, [sys.executable, "-c", MERE, m], texts) for m in arguments.model]
        for turn in range(arguments.repeats + 1):
            for system in systems:
                read = system.read()
                if turn:  # the first one warms up
                    system.turns.append(read)
                    print(system.name, turn, f"{words / read['cpu']:,.0f} words/s", flush=True)
        for system in systems:
            system.close()
        record = {
            "experiment": "extraction-speed",
            "command": "python benchmarks/extraction_speed.py "
            + " ".join(f"--model {Path(m).name}" for m in arguments.model)
            + " --spacy-python PYTHON"
            + (" --text FILE" if arguments.text else ""),
            "commit": commit(),
            "date": str(datetime.now(UTC).date()),
            "note": arguments.note,
            "seed": 0,
            "hardware": hardware().model_dump(),
            "software": software().model_dump(),
            "data": {
                "texts": len(texts),
                "words": words,
                "of": "a file" if arguments.text else "quick-start",
            },
            "systems": {},
        }
        sentence = "Clara Whitfield was born in Dunmore."
        for system in systems:
            start = (
                [arguments.spacy_python, "-c", SPACY_COLD, pipeline]
                if system is systems[0]
                else [sys.executable, "-m", "mere", "extract", system.name, "-"]
            )
            record["systems"][Path(system.name).name] = {
                "words_per_cpu_second": round(words / statistics.median(t["cpu"] for t in system.turns)),
                "words_per_second": round(words / statistics.median(t["wall"] for t in system.turns)),
                **against(system.turns, systems[0].turns),
                "found": system.turns[0]["found"],
                **({} if system is systems[0] else {"profile": profile(system.name, texts)}),
                "cold_start": cold(start, sentence),
            }
    record["cold_start_of_numpy_and_onnxruntime"] = cold(
        [sys.executable, "-c", "import numpy, onnxruntime"], ""
    )
    arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record["systems"], indent=1))


def against(own: list[dict[str, Any]], others: list[dict[str, Any]]) -> dict[str, Any]:
    """Return how many times as fast as the other system one was, repeat by repeat."""
    ratios = [other["cpu"] / mine["cpu"] for mine, other in zip(own, others, strict=True)]
    low, high = interval(ratios)
    return {"times_spacy": {"value": round(statistics.median(ratios), 2), "low": low, "high": high}}


if __name__ == "__main__":
    main()
