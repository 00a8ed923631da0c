"""`mere serve` as a process: it says where it listens, logs no text, and ends after what it has taken is answered."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from mere.shipped import IN_PACKAGE
from tests.serving.conftest import free_port

NAMES = IN_PACKAGE / "names"
"""Comes with mere, and needs no torch: a process that serves it is up in a second."""


def started(*args: str) -> tuple[subprocess.Popen[str], str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "mere", "serve", str(NAMES), "--port", str(port), *args],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return process, url
        except httpx.TransportError:
            time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[1])


def num_batches(url: str) -> float:
    [line] = re.findall(r"^mere_batch_texts_count (.*)$", httpx.get(f"{url}/metrics").text, re.MULTILINE)
    return float(line)


@pytest.mark.slow
def test_it_drains_when_it_is_told_to_end() -> None:
    process, url = started("--set", "batch_characters=200")  # many batches, one after the other
    answers: list[httpx.Response] = []
    body = {"texts": [{"text": f"Ada kam aus Wien {i}."} for i in range(150)]}
    asking = threading.Thread(
        target=lambda: answers.append(httpx.post(f"{url}/v1/extract", json=body, timeout=60))
    )
    own = num_batches(url)  # before it is ready
    asking.start()
    while num_batches(url) < own + 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    asking.join()
    _, log = process.communicate(timeout=60)
    assert process.returncode in (0, -signal.SIGTERM)
    assert len(answers[0].json()["documents"]) == 150
    assert "Wien" not in log
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line["path"] == "/v1/extract"]
    assert (line["status"], line["texts"]) == (200, 150)


def test_a_setting_that_there_is_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mere", "serve", str(NAMES), "--set", "max_text=5"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "max_texts" in done.stderr


@pytest.mark.slow
def test_a_worker_that_is_killed_comes_back() -> None:
    process, url = started("--workers", "2")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("no /proc that names children")
    workers = workers_of(children)
    body = {"texts": [{"text": "Ada kam aus Wien."}] * 20}
    os.kill(workers[0], signal.SIGKILL)
    while workers[0] in workers_of(children) or len(workers_of(children)) < 2:
        assert httpx.post(f"{url}/v1/extract", json=body, timeout=60).status_code == 200
    assert "mere_queued_characters 0.0" in httpx.get(f"{url}/metrics", timeout=60).text
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in log


def workers_of(children: Path) -> list[int]:
    found = []
    for child in children.read_text().split():
        try:
            command = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        if b"spawn_main" in command:
            found.append(int(child))
    return found
