"""What operations sees: Prometheus metrics, shared by all worker processes, and a log line per request.

Neither holds a text. Metrics of several workers are gathered in the folder that PROMETHEUS_MULTIPROC_DIR names,
which must be set before this module is imported (`mere serve` sets it).
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

REQUESTS = Counter("mere_requests_total", "Requests by path and status.", ["path", "status"])
SECONDS = Histogram(
    "mere_request_seconds",
    "Seconds from a request to the end of its answer.",
    ["path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH_TEXTS = Histogram("mere_batch_texts", "Texts per batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
BATCH_SECONDS = Histogram("mere_batch_seconds", "Seconds of extraction per batch.")
QUEUED = Gauge("mere_queued_characters", "Characters that wait.", multiprocess_mode="livesum")
CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]


def exposition() -> bytes:
    """Return the metrics of all workers in Prometheus' text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        if not _is_alive(process):  # a worker that was killed has nothing queued any more
            multiprocess.mark_process_dead(process)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def observe_batch(texts: int, seconds: float) -> None:
    """Count a batch."""
    BATCH_TEXTS.observe(texts)
    BATCH_SECONDS.observe(seconds)


def observe_request(path: str, status: int, **more: object) -> None:
    """Count a request and write its log line."""
    REQUESTS.labels(path, str(status)).inc()
    line = json.dumps({"time": round(time.time(), 3), "path": path, "status": status, **more})
    sys.stderr.write(f"{line}\n")  # in one piece, beside those of other workers


class Observer:
    """Counts, times and logs every HTTP request that passes.

    Args:
        app: the application.
        paths: those that metrics name; every other is counted as `OTHER`, so that no stranger can fill them.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], *, paths: frozenset[str]):
        self.app = app
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        extra: dict[str, Any] = {}
        status = 499  # the client left before there was an answer

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        scope.setdefault("state", {})["log"] = extra
        try:
            await self.app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - began
            path = scope["path"] if scope["path"] in self.paths else OTHER
            SECONDS.labels(path).observe(seconds)
            ms = round(1000 * seconds, 1)
            observe_request(path, status, id=request_id, method=scope["method"], ms=ms, **extra)
