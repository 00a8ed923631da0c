"""The service under load: its rate, what it does with twice of what it can, and what the death of a worker costs.

    python -m benchmarks.service MODEL --workers 2 --requests 100000

`mere serve` runs as it does for users, several worker processes behind one port; requests arrive whether or not
earlier ones were answered (open loop, exponential gaps). Every answer is held against what the Python API says of
that very text, so that a crossed one is seen: no two of those that are on their way at a time ask for the same text.
Connections are kept for a number of requests and opened anew. Time is counted from when the client turned to one;
how far the client itself, which stands on the same cores and goes before the service there (`nice`), was behind by
then is told beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.load import Answer, Client, request

import mere
from mere.data.quickstart import generate
from mere.research.provenance import origin
from mere.research.record import Experiment
from mere.serving.settings import ServingSettings
from mere.shipped import DEFAULT

ROOT = Path(__file__).parents[1]
DEADLINE_S = ServingSettings().deadline_s
MOST_P99_MS = 100.0
STEPS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class ServiceFigures(Experiment):
    """What was measured; all times are from when the client turned to a request to the end of its answer.

    Args:
        saturation: answers a second with as many requests at once as `at_once`.
        rate: the highest of `rates` up to which the 99th percentile, with the client's lag, is below 100 ms and none
            was refused.
        checks: counts of answers by what they were; lost: none came, for whatever reason; wrong: another text's, or
            another document; late: a document after the deadline (30 s); client lag: from when a request was due to
            when the client turned to it; last digit: scores that differ by 0.0001, as the batch decides.
        first: milliseconds to the first answer.
    """

    model: str
    workers: int
    texts: int
    saturation: float
    at_once: int
    rate: float
    rates: dict[str, dict[str, float]]
    checks: dict[str, dict[str, float]]
    first: dict[str, dict[str, float]]


def texts_of(number: int) -> list[str]:
    """Return sentences of the quick-start corpus, each once."""
    said = {row["text"]: None for (_, split), rows in generate().items() if split == "train" for row in rows}
    texts = sorted(said)
    random.Random(0).shuffle(texts)
    return texts[:number]


@contextmanager
def served(model: str, workers: int, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run `mere serve`; gives its process and port. It may not be ready yet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = ["nice", "-n", "5", sys.executable, "-m", "mere", "serve", model]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--workers", str(workers)], stderr=errors, env=environment
        )
        try:
            yield process, port
        finally:
            process.send_signal(signal.SIGTERM)
            if process.wait(60) not in (0, -signal.SIGTERM):
                print(log.read_text(errors="replace")[-2000:], file=sys.stderr)


async def ready(port: int) -> None:
    """Wait until the service takes requests."""
    for _ in range(1200):
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request("/readyz"))
            status = await reader.readline()
            writer.close()
            if b" 200 " in status:
                return
        await asyncio.sleep(0.05)
    raise SystemExit("The service does not become ready; see its log.")


def workers_of(supervisor: int) -> list[int]:
    """Return the processes that serve."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in read_of(child, "cmdline")]


def read_of(process: str, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:  # it has ended
        return b""


def owners(port: int, processes: Iterable[int]) -> dict[int, int]:
    """Return which process has the connection to each port of a client, from Linux's tables."""
    by_socket = {}
    for process in processes:
        descriptors: list[str] = []
        with suppress(OSError):  # it has ended
            descriptors = os.listdir(f"/proc/{process}/fd")
        for descriptor in descriptors:
            with suppress(OSError):  # closed meanwhile
                by_socket[os.readlink(f"/proc/{process}/fd/{descriptor}")] = process
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, own, peer, _, _, _, _, _, _, inode, *_ = line.split()
        client = int(peer.rpartition(":")[2], 16)  # 0: the socket that listens
        if client and int(own.rpartition(":")[2], 16) == port and f"socket:[{inode}]" in by_socket:
            found[client] = by_socket[f"socket:[{inode}]"]
    return found


def percentile_ms(seconds: Iterable[float], share: float) -> float:
    ordered = sorted(seconds)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else 0.0


def told(answers: Sequence[Answer], rate: float) -> dict[str, float]:
    """Count what answers were."""
    kinds = Counter(answer.kind for answer in answers)
    took = {
        "good": [a.done - a.sent for a in answers if a.kind in ("identical", "last digit")],
        "refused": [a.done - a.sent for a in answers if a.kind == "refused"],
    }
    wanted = ("identical", "last digit", "refused", "lost", "wrong")
    return {
        "requests": len(answers),
        "rate": round(rate, 1),
        **{kind: kinds.pop(kind, 0) for kind in wanted},
        "late": sum(seconds > DEADLINE_S for seconds in took["good"]),
        **kinds,
        **Counter(f"lost: {answer.why}" for answer in answers if answer.kind == "lost"),
        "client_lag_p99_ms": percentile_ms((a.sent - a.due for a in answers), 0.99),
        "answered_per_second": round(len(took["good"]) / (max(a.done for a in answers) - answers[0].due), 1),
        "p50_ms": percentile_ms(took["good"], 0.5),
        "p99_ms": percentile_ms(took["good"], 0.99),
        "refused_p99_ms": percentile_ms(took["refused"], 0.99),
    }


async def rates_of(client: Client, saturation: float, seconds: float) -> dict[str, dict[str, float]]:
    """Step the rate up until the service can't follow."""
    found = {}
    for step in STEPS:
        rate = step * saturation
        answers = await client.arriving(rate, max(100, int(rate * seconds)))
        found[f"{rate:.0f} a second"] = told(answers, rate)
        print(found[f"{rate:.0f} a second"], flush=True)
        if found[f"{rate:.0f} a second"]["p99_ms"] > 10 * MOST_P99_MS:
            break
    return found


def best_rate(rates: dict[str, dict[str, float]]) -> float:
    """Return the highest rate up to which all are answered in time."""
    best = 0.0
    for figures in rates.values():
        seen_ms = figures["p99_ms"] + figures["client_lag_p99_ms"]
        if seen_ms >= MOST_P99_MS or figures["refused"] or figures["lost"]:
            break
        best = figures["rate"]
    return best


async def killing(
    client: Client, process: subprocess.Popen[bytes], rate: float, requests: int
) -> dict[str, float]:
    """Kill a worker in mid-load; `lost elsewhere` counts what fails on connections that it did not hold.

    It is stopped first, so that it takes no connection while it is looked up which ones it has.
    """
    asking = asyncio.create_task(client.arriving(rate, requests))
    await asyncio.sleep(requests / rate / 3)
    before = workers_of(process.pid)
    victim = before[0]
    os.kill(victim, signal.SIGSTOP)
    held = owners(client.port, [victim])
    os.kill(victim, signal.SIGKILL)
    killed = time.monotonic()
    back = await back_after(client.port, process.pid, before)
    answers = await asking
    after = await client.arriving(rate, max(100, requests // 10))
    return {
        **told(answers, rate),
        "connections of the killed worker": len(held),
        "lost elsewhere": sum(a.kind == "lost" and a.port not in held for a in answers),
        "lost afterwards": sum(answer.kind == "lost" for answer in after),
        "workers afterwards": len(workers_of(process.pid)),
        "none came back": int(back is None),
        **({} if back is None else {"back_after_s": round(back - killed, 2)}),
    }


async def back_after(port: int, supervisor: int, before: Sequence[int]) -> float | None:
    """Return when a worker that was not there before has taken a connection; None: not within a minute or two."""
    for _ in range(240):
        opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(4)))
        await asyncio.sleep(0.25)
        is_back = bool(owners(port, set(workers_of(supervisor)) - set(before)))
        for _, writer in opened:
            writer.close()
        if is_back:
            return time.monotonic()
    return None


async def first_answers(client: Client, began: float) -> dict[str, float]:
    """Time the first answer of a service that has just been started, and the first of later connections."""
    await ready(client.port)
    started = 1000 * (time.monotonic() - began)
    times = []
    for _ in range(21):
        fresh = Client(client.port, client.texts[len(times) :], client.expected[len(times) :])
        [answer] = await fresh.arriving(1e6, 1)
        times.append(1000 * (answer.done - answer.sent))
    return {
        "start_ms": round(started),
        "cold_ms": round(times[0], 1),
        "warm_ms": round(statistics.median(times[1:]), 1),
    }


def page_times(port: int, texts: Sequence[str]) -> dict[str, float]:
    """Time the page in Chromium: until it can be used, and from a press on Extract to what is found.

    `cold`: the browser's first visit; `warm`: the median of ten more, each with nothing kept of the one before.
    """
    from playwright.sync_api import sync_playwright

    opened, found = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for text in texts[:11]:
            page = browser.new_context().new_page()
            began = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}")
            page.locator("#lang option").nth(1).wait_for(state="attached")
            opened.append(1000 * (time.perf_counter() - began))
            page.get_by_role("textbox", name="Text").fill(text)
            took = page.evaluate(
                """() => new Promise((resolve) => {
                    const began = performance.now();
                    new MutationObserver(() => {
                        if (document.querySelector("#sentences > li")) resolve(performance.now() - began);
                    }).observe(document.querySelector("#sentences"), { childList: true });
                    document.querySelector("#extract").click();
                })"""
            )
            found.append(took)
            page.context.close()
        browser.close()
    return {
        "opened_cold_ms": round(opened[0], 1),
        "opened_warm_ms": round(statistics.median(opened[1:]), 1),
        "cold_ms": round(found[0], 1),
        "warm_ms": round(statistics.median(found[1:]), 1),
    }


async def measured(
    client: Client, process: subprocess.Popen[bytes], options: argparse.Namespace
) -> dict[str, Any]:
    """Measure everything that a running service is asked for."""
    await client.saturating(options.at_once, 1)  # warms up
    saturation = await client.saturating(options.at_once, 2 * options.seconds)
    print(f"saturation: {saturation:.1f} a second", flush=True)
    rates = await rates_of(client, saturation, options.seconds)
    answers = await client.arriving(2 * saturation, options.requests)
    overload = told(answers, 2 * saturation)
    print(overload, flush=True)
    killed = await killing(client, process, 0.8 * saturation, max(500, int(30 * saturation)))
    print(killed, flush=True)
    return {
        "saturation": round(saturation, 1),
        "rate": best_rate(rates),
        "rates": rates,
        "checks": {"twice saturation": overload, "kill -9 in mid-load": killed},
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", nargs="?", default=DEFAULT, help="default: the model that comes with mere")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--requests", type=int, default=100_000, help="at twice saturation")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each step of the rate")
    parser.add_argument("--at-once", type=int, default=256, help="requests on their way when saturated")
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="where the service's log goes")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "service.json")
    options = parser.parse_args()
    made_of = origin()
    texts = texts_of(options.texts)
    extractor = mere.load(options.model)
    expected = [
        json.dumps(document.to_json(), ensure_ascii=False).encode() + b"\n"
        for document in extractor.extract(texts)
    ]
    del extractor
    began = time.monotonic()
    with served(options.model, options.workers, options.log) as (process, port):
        client = Client(port, texts, expected)
        first = {"service": asyncio.run(first_answers(client, began)), "page": page_times(port, texts)}
        print(first, flush=True)
        found = asyncio.run(measured(client, process, options))
    name = Path(options.model).name
    ServiceFigures(
        experiment="service",
        description="mere serve on loopback, sentences of the quick-start corpus, one a request.",
        command=f"python -m benchmarks.service {name} --workers {options.workers} --requests {options.requests}",
        **made_of,
        seeds=[0],
        model=name,
        workers=options.workers,
        texts=len(texts),
        at_once=options.at_once,
        first=first,
        **found,
    ).write(options.out)
    return exit_status(found["checks"])


def exit_status(checks: dict[str, dict[str, float]]) -> int:
    """Return 1 where an answer was lost, crossed, late or of another status, but for those of the killed worker."""
    allowed = {"requests", "rate", "identical", "last digit", "refused", "answered_per_second"}
    allowed |= {"connections of the killed worker", "workers afterwards", "back_after_s"}
    killed = checks["kill -9 in mid-load"]
    faults = {
        f"{check}: {name}": number
        for check, figures in checks.items()
        for name, number in figures.items()
        if number
        and name not in allowed
        and not name.endswith("_ms")
        and not (figures is killed and name.partition(":")[0] == "lost")
    }
    print("faults:", faults or "none")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
