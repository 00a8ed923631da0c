"""How fast a model reads raw text here, and what it takes: measured in a process of its own, on as many cores as told.

The process is new, so that start-up and memory are those of a program that does nothing else: Python, imports, model
and first answer.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mere.errors import MereError, UserError

SENTENCE = (
    "Clara Whitfield, who was born in Dunmore and later wrote four short novels about the sea, "
    "lives today with her family near the old harbour."
)
"""What latency is measured with: 25 words."""
_WARM_UP = 20
_CALLS = 200
_PASSES = 3


@dataclass(frozen=True)
class Speed:
    """What was measured; languages are identified, since raw text states none.

    Args:
        threads: cores that the process ran on.
        sentences, words: of the texts, words by white space.
        sentences_per_second, words_per_second: the median of three passes, warm.
        latency_p50_ms, latency_p95_ms: of one call with one sentence of 25 words, warm.
        startup_s: from the start of the process to its first answer.
        startup_memory_mb: the most memory until then; 0 where the system does not say, as below.
        peak_memory_mb: the most memory at all.
    """

    threads: int
    sentences: int
    words: int
    sentences_per_second: float
    words_per_second: float
    latency_p50_ms: float
    latency_p95_ms: float
    startup_s: float
    startup_memory_mb: int
    peak_memory_mb: int


def measure(model: str, texts: Sequence[str], *, threads: int = 1) -> Speed:
    """Return how fast a model reads texts.

    Args:
        model: as `mere.load` takes it. texts: all held in memory. threads: at most the cores that there are.

    Raises:
        UserError: there is nothing to read, there are fewer cores, or the model cannot be loaded.
        MereError: the process that measures was killed.
    """
    cores = len(_cores())
    if threads > cores:
        raise UserError(
            f"{threads} threads, but this process may use {cores} cores. Ask for {cores} or fewer."
        )
    if not any(text.strip() for text in texts):
        raise UserError("the texts are empty, so there is nothing to measure. Give files with text.")
    command = [sys.executable, "-m", "mere.speed", model, str(threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=environment
    ) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        startup_s = time.perf_counter() - began
        last, _ = child.communicate(json.dumps(list(texts)))
    answer = json.loads(first or "{}")
    if "error" in answer:
        raise UserError(answer["error"])
    if child.returncode or not last:
        raise MereError(
            f"the process that measures ended with status {child.returncode}; short of memory? Give shorter files."
        )
    return Speed(threads=threads, startup_s=round(startup_s, 3), **answer, **json.loads(last))


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _child(model: str, threads: int) -> None:
    """Answer one sentence, tell it, then read texts from standard input and tell how fast."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, _cores()[:threads])  # before a library counts the cores
    from mere import environment
    from mere.loading import load

    environment.prepare()
    try:
        extractor = load(model, device="cpu")
    except UserError as error:
        print(json.dumps({"error": str(error)}))
        return
    extractor(SENTENCE)
    from mere.bulk.worker import peak_memory_mb

    print(json.dumps({"startup_memory_mb": peak_memory_mb()}), flush=True)
    texts: list[str] = json.load(sys.stdin)
    sentences = sum(len(document.sentences) for document in extractor.extract(texts))
    words = sum(len(text.split()) for text in texts)
    seconds = statistics.median(_seconds(lambda: list(extractor.extract(texts))) for _ in range(_PASSES))
    calls = [_seconds(lambda: extractor(SENTENCE)) for _ in range(_WARM_UP + _CALLS)][_WARM_UP:]
    hundredths = statistics.quantiles(calls, n=100)
    measured = {
        "sentences": sentences,
        "words": words,
        "sentences_per_second": round(sentences / seconds, 1),
        "words_per_second": round(words / seconds, 1),
        "latency_p50_ms": round(1000 * hundredths[49], 3),
        "latency_p95_ms": round(1000 * hundredths[94], 3),
        "peak_memory_mb": peak_memory_mb(),
    }
    print(json.dumps(measured))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    _child(sys.argv[1], int(sys.argv[2]))
